namespace Posix.SharedMemory.Testing;

/// <summary>Which programs this user has, wherever they are installed.</summary>
public static class Installed
{
    /// <summary>Whether a program is found as a shell finds it.</summary>
    public static bool Has(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(directory => File.Exists(Path.Combine(directory, program)));
}

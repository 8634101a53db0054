namespace Posix.SharedMemory.Interop;

/// <summary><c>struct linux_dirent64</c>: where its fields lie. Records follow one another, each <c>d_reclen</c> bytes long.</summary>
internal static class LinuxDirent64
{
    internal const int d_reclen = 16, d_type = 18, d_name = 19;
}

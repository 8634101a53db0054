using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Posix.SharedMemory.TestPeer;

/// <summary>Opens and unlinks as its input says, line by line, under the umask given there: what a test compares with glibc.</summary>
internal static partial class Opening
{
    /// <summary>
    /// Reads <c>open UMASK FILEMODE FILEACCESS PERMISSIONS NAME</c> and <c>unlink NAME</c>, numbers octal, names hexadecimal.
    /// Prints <c>ok F_GETFL F_GETFD</c>, <c>error ERRNO</c> or <c>refused</c>.
    /// </summary>
    internal static void Open(string[] arguments)
    {
        while (Console.ReadLine() is { } line)
        {
            try
            {
                Console.WriteLine(Answer(line.Split(' ')));
            }
            catch (SharedMemoryException e)
            {
                Console.WriteLine($"error {e.Errno.ToNative()}");
            }
            catch (ArgumentException)
            {
                Console.WriteLine("refused");
            }
        }
    }

    private static string Answer(string[] words)
    {
        var name = Encoding.UTF8.GetString(Convert.FromHexString(words[^1]));
        if (words[0] == "unlink")
        {
            SharedMemoryObject.Unlink(name);
            return "ok";
        }

        _ = umask(Convert.ToUInt32(words[1], 8));
        using var memory = SharedMemoryObject.Open(
            name, Enum.Parse<FileMode>(words[2]), Enum.Parse<FileAccess>(words[3]), (UnixFileMode)Convert.ToInt32(words[4], 8));
        const int GetDescriptorFlags = 1, GetStatusFlags = 3;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"ok {fcntl(memory.SafeFileHandle, GetStatusFlags, 0)} {fcntl(memory.SafeFileHandle, GetDescriptorFlags, 0)}");
    }

    [LibraryImport("libc")]
    private static partial uint umask(uint mask);

    [LibraryImport("libc")]
    private static partial int fcntl(SafeHandle fd, int command, nint argument);
}

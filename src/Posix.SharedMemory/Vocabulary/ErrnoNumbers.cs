namespace Posix.SharedMemory;

/// <summary>Converts between <see cref="Errno"/> and the numbers that the running system uses, for programs that call C themselves.</summary>
/// <example>
/// <code><![CDATA[
/// Errno errno = ErrnoNumbers.FromNative(System.Runtime.InteropServices.Marshal.GetLastPInvokeError());
/// string text = errno is Errno.EACCES or Errno.EPERM ? "not allowed" : $"{errno}, number {errno.ToNative()} on this system";
/// ]]></code>
/// </example>
public static class ErrnoNumbers
{
    // On macOS and FreeBSD a number without a name is kept above this, so that the exception can still report it.
    private const int Unnamed = 0x20000;

    // Names and numbers of <sys/errno.h>; ENOTSUP and EOPNOTSUPP share 45 on FreeBSD, and 45 is ENOTSUP alone on macOS.
    private static readonly (Errno Errno, int Bsd)[] s_differing =
    [
        (Errno.EAGAIN, 35), (Errno.EDEADLK, 11), (Errno.ENAMETOOLONG, 63), (Errno.ENOLCK, 77), (Errno.ENOSYS, 78), (Errno.ELOOP, 62),
        (Errno.EOVERFLOW, 84), (Errno.ENOTSOCK, 38), (Errno.EMSGSIZE, 40), (Errno.EOPNOTSUPP, 45), (Errno.EADDRINUSE, 48), (Errno.ECONNRESET, 54),
        (Errno.ENOBUFS, 55), (Errno.ENOTCONN, 57), (Errno.ETOOMANYREFS, 59), (Errno.ETIMEDOUT, 60), (Errno.ECONNREFUSED, 61),
        (Errno.ESTALE, 70), (Errno.EDQUOT, 69),
    ];

    /// <summary>Returns the error that has this number on the running system, such as <see cref="System.Runtime.InteropServices.Marshal.GetLastPInvokeError"/> returns it.</summary>
    /// <returns>A number without a name is <c>(Errno)number</c> on Linux and <see cref="Errno.Unknown"/> elsewhere.</returns>
    public static Errno FromNative(int number) => PublicOf(Read(number));

    /// <summary>Returns the number that the running system has for an error; −1 where it has none.</summary>
    public static int ToNative(this Errno errno) => Write(errno);

    /// <summary>Whether a call succeeded.</summary>
    extension(Errno errno)
    {
        internal bool IsSuccess => errno == Errno.None;
    }

    /// <summary>As <see cref="FromNative"/>, but keeps a number that has no name for <see cref="ToNative"/>.</summary>
    internal static Errno Read(int number) =>
        OperatingSystem.IsLinux() ? (Errno)number : ReadBsd(number, OperatingSystem.IsMacOS());

    /// <summary>Replaces an error that only carries a number by <see cref="Errno.Unknown"/>.</summary>
    internal static Errno PublicOf(Errno errno) => (int)errno >= Unnamed ? Errno.Unknown : errno;

    /// <summary>Returns what messages call an error: its POSIX name, or its number where it has no name.</summary>
    internal static string NameOf(Errno errno) =>
        Enum.IsDefined(errno) && errno != Errno.Unknown ? errno.ToString() : $"errno {Write(errno)}";

    /// <summary>The error behind a number of macOS or FreeBSD, which share all but those of <c>EOPNOTSUPP</c> and <c>ECAPMODE</c>.</summary>
    internal static Errno ReadBsd(int number, bool isMacOS)
    {
        if (number == 94 && !isMacOS)
        {
            return Errno.ECAPMODE;
        }

        if (number == 102 && isMacOS)
        {
            return Errno.EOPNOTSUPP;
        }

        foreach (var (errno, bsd) in s_differing)
        {
            if (bsd == number)
            {
                return errno;
            }
        }

        // The numbers up to 34 are those of the first Unix, but for the two that the table has.
        return number <= (int)Errno.EPIPE && Enum.IsDefined((Errno)number) && number != (int)Errno.EAGAIN ? (Errno)number : (Errno)(Unnamed + number);
    }

    /// <summary>The number of macOS or FreeBSD for an error; −1 where it has none.</summary>
    internal static int WriteBsd(Errno errno, bool isMacOS)
    {
        if (errno == Errno.ECAPMODE)
        {
            return isMacOS ? -1 : 94;
        }

        if (errno == Errno.EOPNOTSUPP && isMacOS)
        {
            return 102;
        }

        foreach (var (each, bsd) in s_differing)
        {
            if (each == errno)
            {
                return bsd;
            }
        }

        return (int)errno >= Unnamed ? (int)errno - Unnamed : errno <= Errno.EPIPE ? (int)errno : -1;
    }

    private static int Write(Errno errno) =>
        !OperatingSystem.IsLinux() ? WriteBsd(errno, OperatingSystem.IsMacOS()) : errno == Errno.ECAPMODE ? -1 : (int)errno;
}

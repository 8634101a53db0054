using System.Runtime.CompilerServices;

namespace Posix.SharedMemory;

/// <summary>The checks of arguments that several members take: before anything is touched.</summary>
internal static class Arguments
{
    /// <exception cref="ArgumentOutOfRangeException">The value is not defined by the enumeration.</exception>
    internal static TEnum Check<TEnum>(TEnum value, [CallerArgumentExpression(nameof(value))] string? parameter = null)
        where TEnum : struct, Enum =>
        Enum.IsDefined(value) ? value : throw new ArgumentOutOfRangeException(parameter, value, "The value is not defined by the enumeration.");

    /// <exception cref="ArgumentOutOfRangeException">Bits that are not permissions.</exception>
    internal static UnixFileMode CheckPermissions(UnixFileMode permissions, [CallerArgumentExpression(nameof(permissions))] string? parameter = null) =>
        ((int)permissions & ~0xFFF) == 0
            ? permissions
            : throw new ArgumentOutOfRangeException(parameter, permissions, "Permissions consist of the nine bits to read, write and execute, set-user, set-group and sticky; other bits are not valid.");

    /// <summary>Checks a user's or group's number: all bits set would mean "leave it as it is".</summary>
    /// <exception cref="ArgumentOutOfRangeException">All bits are set.</exception>
    internal static uint? CheckId(uint? id, string parameter) =>
        id != uint.MaxValue ? id : throw new ArgumentOutOfRangeException(parameter, id, "4294967295 is not a valid user or group number.");

    /// <exception cref="ArgumentException">Neither reading nor reading and writing.</exception>
    internal static void CheckAccess(FileAccess access)
    {
        if (access is not (FileAccess.Read or FileAccess.ReadWrite))
        {
            throw new ArgumentException("Memory is opened for Read or ReadWrite; it cannot be mapped for writing alone.", nameof(access));
        }
    }

    /// <exception cref="ArgumentOutOfRangeException">The mode is not defined by the enumeration.</exception>
    /// <exception cref="ArgumentException">Appending; truncating without write access; an access that <see cref="CheckAccess"/> refuses.</exception>
    internal static void CheckMode(FileMode mode, FileAccess access)
    {
        Check(mode);
        CheckAccess(access);
        if (mode == FileMode.Append)
        {
            throw new ArgumentException("Shared memory cannot be opened for appending.", nameof(mode));
        }

        if (mode is FileMode.Create or FileMode.Truncate && access == FileAccess.Read)
        {
            throw new ArgumentException("Truncating needs ReadWrite access.", nameof(mode));
        }
    }
}

using System.Runtime.CompilerServices;

namespace Posix.SharedMemory;

/// <summary>How a new object is created.</summary>
public sealed record SharedMemoryOptions
{
    internal const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    internal const UnixFileMode EveryBit = (UnixFileMode)0xFFF;

    internal static readonly SharedMemoryOptions Default = new();

    /// <summary>Gets the exact permissions; the umask does not apply. By default only the owner may read and write.</summary>
    public UnixFileMode Permissions { get; init; } = OwnerOnly;

    /// <summary>Gets when the memory is allocated. The default, <see cref="Backing.Reserved"/>, allocates it immediately.</summary>
    public Backing Backing { get; init; } = Backing.Reserved;

    /// <summary>Gets when the name is removed. The default, <see cref="Lifetime.Keep"/>, keeps it until it is unlinked.</summary>
    public Lifetime Lifetime { get; init; } = Lifetime.Keep;

    internal static UnixFileMode Check(UnixFileMode permissions, [CallerArgumentExpression(nameof(permissions))] string? parameter = null) =>
        (permissions & ~EveryBit) == 0
            ? permissions
            : throw new ArgumentOutOfRangeException(parameter, permissions, "Permissions are the nine bits and set-user, set-group, sticky.");

    internal static TEnum Check<TEnum>(TEnum value, [CallerArgumentExpression(nameof(value))] string? parameter = null)
        where TEnum : struct, Enum =>
        Enum.IsDefined(value) ? value : throw new ArgumentOutOfRangeException(parameter, value, "Not one of the values there are.");

    /// <summary>Checks the caller's options, or returns the default ones.</summary>
    internal static SharedMemoryOptions Check(SharedMemoryOptions? options)
    {
        if (options is null)
        {
            return Default;
        }

        Check(options.Permissions, nameof(options));
        Check(options.Backing, nameof(options));
        Check(options.Lifetime, nameof(options));
        return options;
    }
}

using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Unicode;

namespace Posix.SharedMemory;

/// <summary>A checked name: no inner slash, no NUL, valid UTF-16, at most 255 bytes.</summary>
/// <remarks>The default value is "no name". A name read from the system may have any bytes, and keeps them.</remarks>
internal readonly struct ObjectName : IEquatable<ObjectName>
{
    /// <summary>The longest name in bytes, without a leading slash and the closing NUL.</summary>
    internal const int MaxBytes = 255;

    private static readonly SearchValues<char> s_special = SearchValues.Create("/\0");

    private readonly byte[]? _systemBytes;

    private ObjectName(string text, byte[]? systemBytes = null)
    {
        Text = text;
        _systemBytes = systemBytes;
    }

    /// <summary>The name as the caller wrote it, for messages; bytes that are not UTF-8 show as U+FFFD.</summary>
    internal string? Text { get; }

    internal bool IsNone => Text is null;

    internal int ByteCount => _systemBytes?.Length ?? Encoding.UTF8.GetByteCount(Bare);

    private ReadOnlySpan<char> Bare => Text.AsSpan().TrimStart('/');

    /// <summary>Checks a name that a caller wrote.</summary>
    /// <exception cref="ArgumentException">The name is empty, a dot or two dots, or contains a slash, a NUL or an unpaired surrogate.</exception>
    /// <exception cref="SharedMemoryException"><see cref="Errno.ENAMETOOLONG"/>: more than 255 bytes.</exception>
    internal static ObjectName Parse(
        string name, string operation, [CallerArgumentExpression(nameof(name))] string? parameter = null)
    {
        ArgumentNullException.ThrowIfNull(name, parameter);
        var parsed = new ObjectName(name);
        var bare = parsed.Bare;
        // Half a surrogate pair is invalid data.
        var status = Utf8.FromUtf16(bare, stackalloc byte[MaxBytes], out _, out _, replaceInvalidSequences: false);
        if (status == OperationStatus.InvalidData || bare is "" or "." or ".." || bare.ContainsAny(s_special))
        {
            throw new ArgumentException($"The name of a shared memory object {Objection(bare)}.", parameter);
        }

        return status == OperationStatus.Done
            ? parsed
            : throw new SharedMemoryException(
                Errno.ENAMETOOLONG, operation, name, $"{Encoding.UTF8.GetByteCount(bare)} bytes, where {MaxBytes} are allowed");
    }

    /// <summary>Checks a name that a caller gave in bytes, which need not be UTF-8.</summary>
    /// <exception cref="ArgumentException">The name is empty, longer than 255 bytes, a dot or two dots, or contains a slash or a NUL.</exception>
    internal static ObjectName Parse(ReadOnlySpan<byte> name, [CallerArgumentExpression(nameof(name))] string? parameter = null) =>
        name.Length is 0 or > MaxBytes || name.SequenceEqual("."u8) || name.SequenceEqual(".."u8) || name.ContainsAny((byte)'/', (byte)0)
            ? throw new ArgumentException($"The name of a shared memory object must have 1 to {MaxBytes} bytes, contain no slash and no NUL, and not be . or ..", parameter)
            : FromSystem(name);

    /// <summary>Makes a name from the system's directory, which may have any bytes.</summary>
    internal static ObjectName FromSystem(ReadOnlySpan<byte> bytes) => new(Encoding.UTF8.GetString(bytes), bytes.ToArray());

    /// <summary>Writes the bytes without leading slashes, followed by a NUL; returns their number without the NUL.</summary>
    internal int WriteTo(Span<byte> destination)
    {
        _systemBytes.CopyTo(destination);
        var length = _systemBytes?.Length ?? Encoding.UTF8.GetBytes(Bare, destination);
        destination[length] = 0;
        return length;
    }

    /// <summary>The bytes, without leading slashes.</summary>
    internal byte[] ToArray() => _systemBytes ?? Encoding.UTF8.GetBytes(Bare.ToString());

    /// <summary>The bytes as they were written or read, including slashes, followed by a NUL.</summary>
    internal byte[] ToTerminated() => _systemBytes is null ? Encoding.UTF8.GetBytes(Text + '\0') : [.. _systemBytes, 0];

    public bool Equals(ObjectName other) =>
        _systemBytes is null && other._systemBytes is null
            ? Bare.SequenceEqual(other.Bare)
            : ToArray().AsSpan().SequenceEqual(other.ToArray());

    public override bool Equals(object? obj) => obj is ObjectName other && Equals(other);

    public override int GetHashCode() => string.GetHashCode(Bare, StringComparison.Ordinal);

    private static string Objection(ReadOnlySpan<char> bare) =>
        bare.IsEmpty ? "may not be empty"
        : bare is "." or ".." ? "may not be . or .."
        : bare.Contains('/') ? "may not contain a slash, except at its start"
        : bare.Contains('\0') ? "may not contain a NUL"
        : "may not contain half of a surrogate pair";
}

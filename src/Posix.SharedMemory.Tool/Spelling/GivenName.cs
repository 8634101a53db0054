using System.Text;

namespace Posix.SharedMemory.Tool;

/// <summary>The name of an object as somebody gave it: with or without a slash, odd bytes escaped as the command prints them.</summary>
internal sealed class GivenName
{
    private const int MaxBytes = 255;
    private const int Looks = 5;

    private readonly byte[] _bytes;

    /// <summary>The name where it is UTF-8, as all that this library makes are.</summary>
    private readonly string? _text;

    private GivenName(byte[] bytes)
    {
        _bytes = bytes;
        try
        {
            _text = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true).GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            _text = null;
        }
    }

    /// <summary>Reads a name.</summary>
    /// <returns><see langword="null"/>, with the reason, where no object can have it.</returns>
    internal static GivenName? Read(string argument, out string? objection)
    {
        var bytes = EscapedText.Read(argument.TrimStart('/'), out objection);
        if (bytes is null)
        {
            return null;
        }

        objection = bytes.Length == 0 ? "a name may not be empty"
            : bytes.AsSpan().SequenceEqual("."u8) || bytes.AsSpan().SequenceEqual(".."u8) ? "a name may not be a dot or two"
            : bytes.Contains((byte)'/') ? "a name may not hold a slash, except in front"
            : bytes.Contains((byte)0) ? "a name may not hold a NUL"
            : bytes.Length > MaxBytes ? $"a name has at most {MaxBytes} bytes, and this one {bytes.Length}"
            : null;
        return objection is null ? new(bytes) : null;
    }

    /// <summary>Gets the name as text, for what makes new names.</summary>
    /// <exception cref="UsageException">It is not UTF-8.</exception>
    internal string Text => _text ?? throw new UsageException($"{this}: a new name is UTF-8");

    internal ReadOnlySpan<byte> Bytes => _bytes;

    internal SharedMemoryObject Open(FileAccess access) =>
        Find() is var entry && _text is null ? entry.Open(access) : SharedMemoryObject.Open(_text!, FileMode.Open, access);

    /// <summary>Finds what the name means now, without opening it: that needs no permission.</summary>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.ENOENT"/>: no object has the name. <see cref="Errno.EINVAL"/>: what has it is something else, such as a FIFO, a link, a directory.
    /// </exception>
    internal SharedMemoryEntry Find() => SharedMemoryDirectory.Find(_bytes) ?? throw (IsSomethingElse
        ? new SharedMemoryException(Errno.EINVAL, "shm_open", Encoding.UTF8.GetString(_bytes), "what stands under the name is no shared memory object")
        : new SharedMemoryException(Errno.ENOENT, "shm_open", Encoding.UTF8.GetString(_bytes)));

    /// <summary>Gets whether the name is there and means no object. An object may come or go between two looks; what is something else is so at all of them.</summary>
    private bool IsSomethingElse => OperatingSystem.IsLinux() && _text is not null && Enumerable.Range(0, Looks).All(_ => LooksLikeSomethingElse("/dev/shm/" + _text));

    private bool LooksLikeSomethingElse(string path) => SharedMemoryDirectory.Find(_bytes) is null && (new FileInfo(path).Exists || Directory.Exists(path));

    /// <summary>Gets whether an object has the name now.</summary>
    internal bool IsTaken => SharedMemoryDirectory.Find(_bytes) is not null;

    internal void Rename(GivenName to, RenameMode mode)
    {
        // What stands under a name and is no object, such as a FIFO, takes no object's place and gives none up.
        var entry = Find();
        if (mode == RenameMode.Exchange || to.IsSomethingElse)
        {
            to.Find();
        }

        if (_text is null)
        {
            entry.Rename(to.Text, mode);
        }
        else
        {
            SharedMemoryObject.Rename(_text, to.Text, mode);
        }
    }

    internal void Unlink()
    {
        var entry = Find();
        if (_text is null)
        {
            entry.Unlink();
        }
        else
        {
            SharedMemoryObject.Unlink(_text);
        }
    }

    /// <summary>The name as it is printed.</summary>
    public override string ToString() => EscapedText.OfName(_bytes);
}

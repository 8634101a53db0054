using System.Text;

namespace Posix.SharedMemory.Tool;

/// <summary>The name of an object as given on the command line: with or without a leading slash or /dev/shm/, odd bytes escaped as the command prints them.</summary>
internal sealed class GivenName
{
    private const int MaxBytes = 255;
    private const int Looks = 5;

    private static readonly TimeSpan s_betweenLooks = TimeSpan.FromMilliseconds(20);

    /// <summary>Where objects are on Linux: names are often pasted with it in front, as <c>ls</c>, <c>lsof</c> and <c>df</c> print them.</summary>
    private const string Directory = "/dev/shm/";

    internal const string SlashObjection = "a name cannot contain a slash, except a leading one or /dev/shm/ in front";

    private readonly byte[] _bytes;

    /// <summary>The name if it is UTF-8, as are all names that this library creates.</summary>
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

    /// <summary>A name, or a pattern, as it was given, without the leading slash or the directory.</summary>
    internal static string WithoutDirectory(string given) => (given.StartsWith(Directory, StringComparison.Ordinal) ? given[Directory.Length..] : given).TrimStart('/');

    /// <summary>Reads a name.</summary>
    /// <returns><see langword="null"/>, with the reason, if no object can have this name.</returns>
    internal static GivenName? Read(string argument, out string? objection)
    {
        var bytes = EscapedText.Read(WithoutDirectory(argument), out objection);
        if (bytes is null)
        {
            return null;
        }

        objection = bytes.Length == 0 ? "a name cannot be empty"
            : bytes.AsSpan().SequenceEqual("."u8) || bytes.AsSpan().SequenceEqual(".."u8) ? "a name cannot be '.' or '..'"
            : bytes.Contains((byte)'/') ? SlashObjection
            : bytes.Contains((byte)0) ? "a name cannot contain a NUL"
            : bytes.Length > MaxBytes ? $"a name can have at most {MaxBytes} bytes, this one has {bytes.Length}"
            : null;
        return objection is null ? new(bytes) : null;
    }

    /// <summary>Gets the name as text, for creating and renaming.</summary>
    /// <exception cref="UsageException">It is not UTF-8.</exception>
    internal string Text => _text ?? throw new UsageException($"{this}: a new name must be UTF-8");

    internal ReadOnlySpan<byte> Bytes => _bytes;

    internal SharedMemoryObject Open(FileAccess access) =>
        Find() is var entry && _text is null ? entry.Open(access) : SharedMemoryObject.Open(_text!, FileMode.Open, access);

    /// <summary>Finds the object that has the name now, without opening it: that needs no permission.</summary>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.ENOENT"/>: no object has the name. <see cref="Errno.EINVAL"/>: it is the name of something else, such as a FIFO, a link or a directory.
    /// </exception>
    internal SharedMemoryEntry Find() => SharedMemoryDirectory.Find(_bytes) ?? throw (IsSomethingElse
        ? new SharedMemoryException(Errno.EINVAL, "shm_open", Encoding.UTF8.GetString(_bytes), HeldName.Find(_text!) is { } held ? $"{held.Describe()}; shm rm removes what it left" : "this is not a shared memory object")
        : new SharedMemoryException(Errno.ENOENT, "shm_open", Encoding.UTF8.GetString(_bytes)));

    /// <summary>Gets whether the name exists but is not an object's. An object may come or go between two looks; something else is the same at all of them.</summary>
    private bool IsSomethingElse => OperatingSystem.IsLinux() && _text is not null && Enumerable.Range(0, Looks).All(_ => LooksLikeSomethingElse(Directory + _text));

    private bool LooksLikeSomethingElse(string path) => SharedMemoryDirectory.Find(_bytes) is null && (new FileInfo(path).Exists || System.IO.Directory.Exists(path));

    /// <summary>Gets whether an object has the name now.</summary>
    internal bool IsTaken => SharedMemoryDirectory.Find(_bytes) is not null;

    internal void Rename(GivenName to, RenameMode mode)
    {
        // Something else that has one of the names, such as a FIFO, neither replaces an object nor is replaced by one.
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

    /// <summary>Removes the symbolic link that a process left at this name when it was killed while it moved an object there, on a file system that cannot rename without replacing.</summary>
    /// <returns>Whether there was one. One that a process uses at this moment is gone before the last look.</returns>
    internal bool TryUnlinkLeftover()
    {
        return OperatingSystem.IsLinux() && _text is not null && Enumerable.Range(0, Looks).All(look => IsLeftover(look)) && SharedMemoryObject.TryUnlink(_text);

        bool IsLeftover(int look)
        {
            if (look > 0)
            {
                Thread.Sleep(s_betweenLooks);
            }

            return HeldName.Find(_text) is not null;
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

namespace Posix.SharedMemory.Tool;

/// <summary>Reads a recording, which may be cut, damaged or not a recording at all. It takes no more memory than the file has bytes.</summary>
internal sealed class RecordingReader : IDisposable
{
    private const int BufferBytes = 256 << 10;

    private readonly string _path;
    private readonly FileStream _file;
    private readonly long _length;
    private byte[] _bytes = new byte[4096];
    private long _at = RecordingHeader.Size;
    private long _time;

    private RecordingReader(string path, FileStream file, long length, RecordingHeader header) => (_path, _file, _length, Header) = (path, file, length, header);

    internal RecordingHeader Header { get; }

    /// <summary>Gets what stands before the bytes of the message that was read last.</summary>
    internal RecordingEntry Entry { get; private set; }

    /// <summary>Gets the bytes that describe the frame that was read last; empty: it is not one.</summary>
    internal ReadOnlySpan<byte> Frame => _bytes.AsSpan(0, (int)(Entry.Following - Entry.Length));

    /// <summary>Gets the message that was read last.</summary>
    internal ReadOnlyMemory<byte> Message => _bytes.AsMemory((int)(Entry.Following - Entry.Length), Entry.Length);

    /// <summary>Gets whether the recording was read to an end that was meant to be one. Otherwise it was cut: its process was killed, or had no more room.</summary>
    internal bool IsWhole { get; private set; }

    /// <summary>Gets how many bytes at the end of the file are a message that is not whole.</summary>
    internal long Torn { get; private set; }

    /// <summary>Opens a recording.</summary>
    /// <exception cref="CommandException">The file is not a recording.</exception>
    internal static RecordingReader Open(string path)
    {
        if (Directory.Exists(path))
        {
            throw new CommandException($"{EscapedText.Of(path)}: this is a directory");
        }

        FileStream file;
        try
        {
            // A file that another process still appends to may be read.
            file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, BufferBytes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandException(Failure.Describe(e, EscapedText.Of(path)));
        }

        try
        {
            Span<byte> bytes = stackalloc byte[RecordingHeader.Size];
            return file.CanSeek && file.Length is var length && file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) == bytes.Length && RecordingHeader.Read(bytes) is { } header
                ? new(path, file, length, header)
                : throw new CommandException($"{EscapedText.Of(path)}: this is not a recording of shm topic record, or one of another version, or its beginning is damaged");
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Reads the next message.</summary>
    /// <returns>False: there are no more. <see cref="IsWhole"/> says how it ended.</returns>
    /// <exception cref="CommandException">The file is damaged.</exception>
    internal bool TryRead()
    {
        try
        {
            return TryReadEntry();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandException(Failure.Describe(e, EscapedText.Of(_path)));
        }
    }

    public void Dispose() => _file.Dispose();

    private bool TryReadEntry()
    {
        Span<byte> bytes = stackalloc byte[RecordingEntry.Size];
        if (_length - _at < bytes.Length || !TryFill(bytes))
        {
            Torn = _length - _at;
            return false;
        }

        var entry = RecordingEntry.Read(bytes);
        // No checksum of zeros is zero.
        if (!bytes.ContainsAnyExcept((byte)0))
        {
            return HasOnlyZeros() ? Cut() : throw Damaged();
        }

        if (!IsPlausible(entry))
        {
            // The last one may have come to the disk in part.
            return entry.Length >= 0 && _at + entry.Whole == _length ? Cut() : throw Damaged();
        }

        if (entry.Whole > _length - _at)
        {
            return Cut();
        }

        if (_bytes.Length < entry.Following)
        {
            _bytes = new byte[Math.Min(Math.Min(_length, Array.MaxLength), Math.Max(entry.Following, _bytes.Length * 2L))];
        }

        var following = _bytes.AsSpan(0, (int)entry.Following);
        if (!TryFill(following) || !TryFill(bytes[..(int)(entry.Whole - RecordingEntry.Size - entry.Following)]))
        {
            return Cut();
        }

        Span<byte> again = stackalloc byte[RecordingEntry.Size];
        entry.Write(again);
        if (entry.Check != (Checksum.Of(Checksum.Of(Checksum.Begin(), again[..RecordingEntry.CheckAt]), following) ^ uint.MaxValue))
        {
            // The last one may have been written in parts, of which some are missing.
            return _at + entry.Whole == _length ? Cut() : throw Damaged();
        }

        if (entry.Flags == RecordingEntry.End)
        {
            IsWhole = _at + entry.Whole == _length ? true : throw Damaged();
            return false;
        }

        _at += entry.Whole;
        (_time, Entry) = (entry.Time, entry);
        return true;
    }

    private bool IsPlausible(RecordingEntry entry) =>
        entry.Length >= 0 && entry.Length <= Header.Longest && entry.Type < RecordingEntry.FirstReservedType && entry.Time >= _time && entry.Sequence >= 0
        && (entry.Flags == RecordingEntry.End ? entry.Length == 0 : entry.Flags == (Header.Kind == Channels.ChannelKind.Frames ? RecordingEntry.Frame : 0));

    /// <summary>Whether all that follows is zero: room that the file system had given, and whose bytes it has lost with the machine's power.</summary>
    private bool HasOnlyZeros()
    {
        int read;
        while ((read = _file.Read(_bytes)) > 0)
        {
            if (_bytes.AsSpan(0, read).ContainsAnyExcept((byte)0))
            {
                return false;
            }
        }

        return true;
    }

    private bool TryFill(Span<byte> bytes) => _file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) == bytes.Length;

    private bool Cut()
    {
        Torn = _length - _at;
        return false;
    }

    private CommandException Damaged() => new($"{EscapedText.Of(_path)}: the recording is damaged at byte {_at}");
}

namespace Posix.SharedMemory.Tool;

/// <summary>Bytes to put into an object: a file, or standard input.</summary>
internal sealed class ByteSource : IDisposable
{
    private readonly Stream _stream;

    private ByteSource(Stream stream, string name, long? length)
    {
        _stream = stream;
        Name = name;
        Length = length;
    }

    /// <summary>Opens a file, or standard input for <c>-</c>.</summary>
    internal static ByteSource Open(string path)
    {
        if (path == "-")
        {
            return new(Streams.OpenInput(), "standard input", length: null);
        }

        var name = EscapedText.Of(path);
        try
        {
            // No buffer: the pieces read are large. Fully shared: other processes may go on writing to it.
            var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
            return new(file, name, LengthOf(file));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The base library reports a directory as a file without permission.
            throw new CommandException(Directory.Exists(path) ? $"{name}: {Failure.Reason(Errno.EISDIR)}" : Failure.Describe(e, name));
        }
    }

    /// <summary>Gets its name in messages.</summary>
    internal string Name { get; }

    /// <summary>Gets its length in bytes as the system reports it; <see langword="null"/> if only reading will show it.</summary>
    internal long? Length { get; }

    /// <summary>Reads until the buffer is full or the source has no more.</summary>
    /// <returns>How many bytes.</returns>
    internal int Read(Span<byte> buffer)
    {
        try
        {
            return _stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandException(Failure.Describe(e, Name));
        }
    }

    /// <summary>Copies bytes by the kernel, from where reading got to.</summary>
    /// <returns>How many: fewer than asked where there are no more.</returns>
    internal long CopyTo(SharedMemoryObject memory, ByteRange range)
    {
        try
        {
            if (_stream is not FileStream file)
            {
                return memory.CopyFrom(Streams.InputHandle(), range.Offset, range.Length);
            }

            var count = memory.CopyFrom(file.SafeFileHandle, range.Offset, range.Length);
            if (file.CanSeek)
            {
                // The stream keeps a position of its own, and must continue after what was copied.
                file.Seek(count, SeekOrigin.Current);
            }

            return count;
        }
        catch (Exception e) when (e is SharedMemoryException { Operation: "read" } or (IOException and not SharedMemoryException) or UnauthorizedAccessException)
        {
            throw new CommandException(Failure.Describe(e, Name));
        }
    }

    public void Dispose() => _stream.Dispose();

    // Files that the kernel generates, in /proc, report length 0 and contain more.
    private static long? LengthOf(FileStream file) => file.CanSeek && file.Length > 0 ? file.Length : null;
}

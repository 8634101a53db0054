namespace Posix.SharedMemory.Tool;

/// <summary>Copies the bytes of a source into a new object, piece by piece, and sets its length.</summary>
internal sealed class Filling(SharedMemoryObject memory, Backing backing, long? size)
{
    /// <summary>Fits into a processor's cache, so that a piece is written before it leaves the cache.</summary>
    private const int PieceBytes = 256 << 10;

    /// <summary>How much more is reserved when the end is unknown: rarely needed twice, and little of it wasted.</summary>
    private const long StepBytes = 16 << 20;

    /// <summary>How much of a file is copied at once: each check of the free room costs as much as copying some hundred pages.</summary>
    private const long FileStepBytes = 64 << 20;

    private static readonly int s_page = Environment.SystemPageSize;

    private long _length;
    private long _done;

    internal void From(ByteSource source)
    {
        var expected = size ?? source.Length;
        if (expected is { } length && backing == Backing.Reserved)
        {
            RequireRoom(length);
        }

        ProgressBar.Show(source.Name, expected, report =>
        {
            if (backing == Backing.Reserved && !Copy(source, report))
            {
                return;
            }

            var piece = new byte[PieceBytes];
            while (source.Read(piece) is var count and > 0)
            {
                if (count > size - _done)
                {
                    throw new CommandException($"{source.Name}: it has more than {size} bytes, the SIZE given");
                }

                Write(piece.AsSpan(0, count));
                report(_done);
            }
        });
        if (_length != (size ?? _done))
        {
            SetLength(size ?? _done);
        }
    }

    /// <summary>Lets the library copy into memory that is allocated on the way: what is written completely need not be reserved first.</summary>
    /// <returns>Whether there may be more: there is no room for a whole step, or everything that was expected has been copied.</returns>
    private bool Copy(ByteSource source, Action<long> report)
    {
        var end = Math.Min(size ?? long.MaxValue, source.Length ?? long.MaxValue);
        var most = source.Length is null ? StepBytes : FileStepBytes;
        while (Math.Min(most, end - _done) is var step and > 0 && step <= Room())
        {
            memory.SetLength(_length = _done + step, Backing.Sparse);
            var count = source.CopyTo(memory, new(_done, step));
            _done += count;
            report(_done);
            if (count < step)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Fails before the first byte is copied if there is no room for the last.</summary>
    private static void RequireRoom(long length)
    {
        if (Room() is var room && room < length)
        {
            throw new SharedMemoryException(Errno.ENOSPC, "fallocate", detail: $"{length} bytes requested, {room} bytes available in its file system");
        }
    }

    private static long Room()
    {
        try
        {
            // A tmpfs that reports no size has no limit.
            return SharedMemoryDirectory.GetUsage() is { TotalBytes: > 0 } usage ? usage.AvailableBytes : long.MaxValue;
        }
        catch (PlatformNotSupportedException)
        {
            // Not a file system: copying will show.
            return long.MaxValue;
        }
    }

    private void Write(ReadOnlySpan<byte> piece)
    {
        if (piece.Length > _length - _done)
        {
            Grow(piece.Length);
        }

        if (backing == Backing.Sparse)
        {
            WriteSparsely(piece);
        }
        else
        {
            memory.Write(piece, _done);
        }

        _done += piece.Length;
    }

    /// <summary>Skips pages that are all zero: they read as zero without memory.</summary>
    private void WriteSparsely(ReadOnlySpan<byte> piece)
    {
        for (var at = 0; at < piece.Length; at += s_page)
        {
            var page = piece[at..Math.Min(piece.Length, at + s_page)];
            if (page.ContainsAnyExcept((byte)0))
            {
                memory.Write(page, _done + at);
            }
        }
    }

    private void Grow(int more)
    {
        try
        {
            SetLength(_done + Math.Max(more, StepBytes));
        }
        catch (SharedMemoryException e) when (e.Errno is Errno.ENOSPC or Errno.EDQUOT or Errno.ENOMEM or Errno.EFBIG)
        {
            // There may be room for this piece, though not for the whole step.
            SetLength(_done + more);
        }
    }

    private void SetLength(long length)
    {
        memory.SetLength(length, backing);
        _length = length;
    }
}

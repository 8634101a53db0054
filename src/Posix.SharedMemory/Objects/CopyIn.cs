using System.Buffers;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory;

/// <summary>Copies bytes from a file, a pipe or another memory object into an object.</summary>
/// <param name="descriptor">The object.</param>
/// <param name="writing">Copies a buffer into it.</param>
internal readonly struct CopyIn(ObjectDescriptor descriptor, ObjectWriting writing)
{
    /// <summary>How much is copied between two checks of whether there is memory for more.</summary>
    private const long StepBytes = 32 << 20;

    /// <summary>Fits into a processor's cache, so that a piece is written before it leaves the cache.</summary>
    private const int BufferBytes = 256 << 10;

    internal long Run(SafeFileHandle source, ByteRange range)
    {
        var done = 0L;
        while (done < range.Length)
        {
            var step = StepThatFits(new(range.Offset + done, range.Length - done));
            var copied = CopyStep(source, step, done);
            done += copied;
            if (copied < step.Length)
            {
                break;
            }
        }

        return done;
    }

    /// <summary>
    /// Returns as much of a range as the machine has memory for. Nothing is reserved, since every byte is written: that would cost a tenth of the copy. And
    /// the source may have less than there is room for.
    /// </summary>
    private ByteRange StepThatFits(ByteRange rest)
    {
        var backing = descriptor.Platform.Backing;
        var step = rest with { Length = Math.Min(StepBytes, rest.Length) };
        for (var shortage = backing.FindShortage(descriptor.Target, step, isUrgent: false, "fallocate"); shortage is not null; shortage = backing.FindShortage(descriptor.Target, step, isUrgent: true, "fallocate"))
        {
            step = step.Length > CopyOut.BufferBytes ? step with { Length = step.Length / 2 } : throw shortage;
        }

        return step;
    }

    /// <param name="before">How much was copied before this step: then a source that has nothing now is not a failure.</param>
    private long CopyStep(SafeFileHandle source, ByteRange range, long before)
    {
        var done = 0L;
        while (done < range.Length)
        {
            var rest = new ByteRange(range.Offset + done, range.Length - done);
            var error = descriptor.Platform.Wire.Receive(descriptor.Target, source, rest, out var received);
            if (CopyOut.MustGoThroughBuffer(error) || (error.IsSuccess && received == 0))
            {
                // Of files that the kernel makes up (/proc) copy_file_range reports that they are empty: reading is the proof.
                done += error == Errno.EXDEV && rest.Length > BufferBytes ? CopyThroughPipe(source, rest) : 0;
                return done + CopyThroughBuffer(source, new(range.Offset + done, range.Length - done), before + done);
            }

            if (error == Errno.EAGAIN && before + done > 0)
            {
                break;
            }

            done += error.IsSuccess ? received : throw SystemCalls.FailureOf(error, "copy_file_range", descriptor.Name.Text);
        }

        return done;
    }

    /// <summary>Copies from a file of another file system, where the kernel copies only by way of a pipe: once, where a buffer costs two copies.</summary>
    /// <returns>How much was copied. There may be more, for which only the buffer is left.</returns>
    private long CopyThroughPipe(SafeFileHandle source, ByteRange range)
    {
        if (!TryOpenPipe(out var reader, out var writer))
        {
            return 0;
        }

        using (reader)
        using (writer)
        {
            var wire = descriptor.Platform.Wire;
            var done = 0L;
            while (done < range.Length && wire.FillPipe(source, writer!, range.Length - done, out var waiting).IsSuccess && waiting > 0)
            {
                while (waiting > 0)
                {
                    var rest = new ByteRange(range.Offset + done, waiting);
                    var isMoved = wire.EmptyPipe(descriptor.Target, reader!, rest, out var moved).IsSuccess && moved > 0;
                    // The source has lost these bytes. The buffer takes them, or says why that cannot be.
                    moved = isMoved ? moved : CopyThroughBuffer(reader!, rest, before: 0);
                    (done, waiting) = (done + moved, waiting - moved);
                }
            }

            return done;
        }
    }

    private bool TryOpenPipe(out SafeFileHandle? reader, out SafeFileHandle? writer)
    {
        try
        {
            descriptor.Platform.Wire.OpenPipe(out reader, out writer);
            return true;
        }
        catch (SharedMemoryException)
        {
            // No descriptors are left, or a filter refuses it.
            (reader, writer) = (null, null);
            return false;
        }
    }

    private long CopyThroughBuffer(SafeFileHandle source, ByteRange range, long before)
    {
        if (range.Length == 0)
        {
            return 0;
        }

        var buffer = ArrayPool<byte>.Shared.Rent((int)Math.Min(BufferBytes, range.Length));
        try
        {
            var done = 0L;
            while (done < range.Length)
            {
                var error = descriptor.Platform.Wire.ReadFrom(source, buffer.AsSpan(0, (int)Math.Min(buffer.Length, range.Length - done)), out var read);
                if (error == Errno.EAGAIN && before + done > 0)
                {
                    break;
                }

                if (!error.IsSuccess)
                {
                    throw SystemCalls.FailureOf(error, "read", descriptor.Name.Text);
                }

                if (read == 0)
                {
                    break;
                }

                Write(buffer.AsSpan(0, read), range.Offset + done);
                done += read;
            }

            return done;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>
    /// Writes a piece without reserving its memory first: a copy may end within a piece, and the kernel would fill with zeros what is then overwritten. Where the
    /// room ends, reserving finds out how much is missing.
    /// </summary>
    private void Write(ReadOnlySpan<byte> piece, long offset)
    {
        if (descriptor.HasHugePages || !OperatingSystem.IsLinux())
        {
            writing.Write(piece, offset);
            return;
        }

        try
        {
            descriptor.Platform.Mapping.Write(descriptor.Target, piece, offset);
        }
        catch (SharedMemoryException e) when (e is { Operation: "pwrite", Errno: Errno.ENOSPC or Errno.EDQUOT })
        {
            writing.Write(piece, offset);
        }
    }
}

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
        for (var shortage = backing.FindShortage(descriptor.Target, step, isUrgent: false); shortage is not null; shortage = backing.FindShortage(descriptor.Target, step, isUrgent: true))
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
                return done + CopyThroughBuffer(source, rest, before + done);
            }

            if (error == Errno.EAGAIN && before + done > 0)
            {
                break;
            }

            done += error.IsSuccess ? received : throw SystemCalls.FailureOf(error, "copy_file_range", descriptor.Name.Text);
        }

        return done;
    }

    private long CopyThroughBuffer(SafeFileHandle source, ByteRange range, long before)
    {
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

namespace Posix.SharedMemory;

/// <summary>Copies memory by way of a pipe: where a page cannot be had the kernel says EFAULT, and the process lives.</summary>
/// <remarks>The slow way, for systems that have no call which copies between two addresses.</remarks>
internal readonly struct FaultlessPipe(PosixPlatform platform)
{
    /// <summary>What a pipe takes at once on every system.</summary>
    private const int Piece = 4096;

    internal unsafe bool TryCopyFrom(nint address, Span<byte> destination)
    {
        platform.OpenPipe(out var reader, out var writer);
        using (reader)
        using (writer)
        {
            for (var done = 0; done < destination.Length;)
            {
                var piece = destination.Slice(done, Math.Min(Piece, destination.Length - done));
                // SAFETY: the address is read by the kernel alone, which checks it.
                if (!platform.TryMove(writer, (byte*)address + done, piece.Length, write: true))
                {
                    return false;
                }

                // SAFETY: the span is pinned for the length of the call.
                fixed (byte* to = piece)
                {
                    if (!platform.TryMove(reader, to, piece.Length, write: false))
                    {
                        return false;
                    }
                }

                done += piece.Length;
            }
        }

        return true;
    }

    internal unsafe bool TryCopyTo(nint address, ReadOnlySpan<byte> source)
    {
        platform.OpenPipe(out var reader, out var writer);
        using (reader)
        using (writer)
        {
            for (var done = 0; done < source.Length;)
            {
                var piece = source.Slice(done, Math.Min(Piece, source.Length - done));
                // SAFETY: the span is pinned for the length of the call.
                fixed (byte* from = piece)
                {
                    if (!platform.TryMove(writer, from, piece.Length, write: true))
                    {
                        return false;
                    }
                }

                // SAFETY: the address is written by the kernel alone, which checks it.
                if (!platform.TryMove(reader, (byte*)address + done, piece.Length, write: false))
                {
                    return false;
                }

                done += piece.Length;
            }
        }

        return true;
    }
}

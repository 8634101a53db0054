namespace Posix.SharedMemory.Channels;

/// <summary>The tap of a latest value: copies the newest value whenever there is another, as its readers do.</summary>
internal sealed class NewestTap(SharedMemoryObject memory, ChannelHeader header) : ChannelTap(memory, header)
{
    /// <summary>A writer that publishes this often while one value is copied leaves the tap none: it looks again later.</summary>
    private const int MostLooks = 100;

    private ulong _seen;

    internal override bool TryRead(out TappedMessage message)
    {
        Span<byte> line = stackalloc byte[ChannelLayout.StateInLine + sizeof(ulong)];
        Span<byte> first = stackalloc byte[ChannelLayout.WidePrefix];
        for (var looks = 0; looks < MostLooks; looks++)
        {
            Read(line, ChannelLayout.WriterLine);
            var isCompleted = (uint)U64(line, ChannelLayout.StateInLine) != (uint)ChannelState.Open;
            Interlocked.MemoryBarrier();
            Read(line, ChannelLayout.WriterLine);
            var newest = U64(line, ChannelLayout.IndexInLine);
            if (newest == _seen)
            {
                HasEnded = isCompleted;
                break;
            }

            var at = Header.DataOffset + ((long)(newest / 2 % (ulong)Header.Count) * Header.Stride);
            Interlocked.MemoryBarrier();
            Read(first, at);
            var length = U64(first, ChannelLayout.LengthInBuffer) & uint.MaxValue;
            if (U64(first, ChannelLayout.VersionInBuffer) != newest || length > (ulong)Header.MaxMessage)
            {
                continue;
            }

            var bytes = Room((int)length);
            Read(bytes, at + ChannelLayout.WidePrefix);
            Interlocked.MemoryBarrier();
            Read(first, at);
            if (U64(first, ChannelLayout.VersionInBuffer) != newest)
            {
                continue;
            }

            // Versions are even. The first look begins with the value that is there.
            var missed = _seen == 0 || newest < _seen ? 0 : (long)((newest - _seen) / 2) - 1;
            Missed += missed;
            _seen = newest;
            HasEnded = false;
            message = new(bytes, 0, isTaken: false, missed);
            return true;
        }

        message = default;
        return false;
    }
}

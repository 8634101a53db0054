using System.Buffers;

namespace Posix.SharedMemory.Channels;

/// <summary>One piece of what a pipe's reader was lent; used again for the next loan.</summary>
internal sealed class PipeSegment : ReadOnlySequenceSegment<byte>
{
    internal void Set(ReadOnlyMemory<byte> memory, PipeSegment? last)
    {
        Memory = memory;
        Next = null;
        RunningIndex = 0;
        if (last is not null)
        {
            RunningIndex = last.RunningIndex + last.Memory.Length;
            last.Next = this;
        }
    }
}

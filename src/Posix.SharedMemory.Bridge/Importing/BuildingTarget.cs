using System.Buffers;

namespace Posix.SharedMemory.Bridge;

/// <summary>A channel that an import writes, and in whose ring long messages are put together.</summary>
internal abstract class BuildingTarget : ImportTarget
{
    /// <summary>Gets the channel's writer, as one that builds a message in place.</summary>
    protected abstract IBufferWriter<byte> Building { get; }

    internal sealed override bool TryBuild(int length, out Memory<byte> building)
    {
        building = default;
        if (!HasRoom(length))
        {
            return false;
        }

        building = Building.GetMemory(length)[..length];
        return true;
    }

    internal sealed override bool TrySend(int length, in MessageMark mark)
    {
        Building.Advance(length);
        EndMessage(mark.Type);
        return true;
    }

    /// <summary>Whether there is room for a message now.</summary>
    protected abstract bool HasRoom(int length);

    /// <summary>Sends the message that was built, for which there was room.</summary>
    protected abstract void EndMessage(ushort type);
}

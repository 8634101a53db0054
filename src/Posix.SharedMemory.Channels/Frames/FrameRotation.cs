namespace Posix.SharedMemory.Channels;

/// <summary>
/// The frame objects of one end. Each is used again, so that frames allocate nothing; but only when <see cref="Rest"/> others have ended after it: until then whoever still refers to it finds it ended.
/// One at a time is inside: the end's gate is around it.
/// </summary>
internal sealed class FrameRotation(IFrameKeeper keeper, FrameSlots slots)
{
    /// <summary>How many frames end between the end of an object's frame and its next frame, at least.</summary>
    internal const int Rest = 64;

    private readonly Queue<Frame> _resting = new(Rest + 1);

    /// <summary>Takes an object for a frame that begins.</summary>
    internal Frame Take() => _resting.Count > Rest ? _resting.Dequeue() : new(keeper, slots);

    /// <summary>The frame of an object has ended.</summary>
    internal void Return(Frame frame) => _resting.Enqueue(frame);
}

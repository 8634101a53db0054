namespace Posix.SharedMemory.Channels;

/// <summary>What becomes of a frame that is sent while as many frames wait for a subscriber as the channel's depth allows.</summary>
public enum FrameOverflow
{
    /// <summary>The oldest of those that wait is dropped: the subscriber gets the newest frames. The default.</summary>
    DropOldest,

    /// <summary>The subscriber does not get the new frame.</summary>
    DropNewest,

    /// <summary>Sending waits until the subscriber has taken one, as long as its process lives.</summary>
    Wait,
}

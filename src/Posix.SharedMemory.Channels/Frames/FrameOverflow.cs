namespace Posix.SharedMemory.Channels;

/// <summary>What becomes of a frame that is sent while as many frames wait for a subscriber as the channel's depth allows.</summary>
/// <example>
/// <code><![CDATA[
/// using var camera = FrameChannel.Open("camera");
/// using var screen = camera.OpenReader();                                                   // Shows the newest picture.
/// using var recorder = camera.OpenReader(new() { Overflow = FrameOverflow.Wait });           // Gets every one.
/// var picture = new byte[recorder.MaxFrameLength];
/// ]]></code>
/// </example>
public enum FrameOverflow
{
    /// <summary>The oldest of those that wait is dropped: the subscriber gets the newest frames. The default.</summary>
    DropOldest,

    /// <summary>The subscriber does not get the new frame.</summary>
    DropNewest,

    /// <summary>Sending waits until the subscriber has taken one, as long as its process lives.</summary>
    Wait,
}

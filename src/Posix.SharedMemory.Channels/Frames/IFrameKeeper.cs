namespace Posix.SharedMemory.Channels;

/// <summary>What a frame goes back to when it is disposed.</summary>
internal interface IFrameKeeper
{
    /// <summary>Takes a frame back, which nobody uses any more. Any thread may call it.</summary>
    void GiveBack(Frame frame);
}

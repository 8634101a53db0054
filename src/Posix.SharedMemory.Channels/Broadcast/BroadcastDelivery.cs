namespace Posix.SharedMemory.Channels;

/// <summary>What a reader of a broadcast gets where it is slower than the writer.</summary>
public enum BroadcastDelivery
{
    /// <summary>Every message: the writer waits for it, as long as its process lives.</summary>
    Lossless,

    /// <summary>What has not been overwritten yet: the writer does not wait for it. <see cref="BroadcastMessage.Missed"/> says what it lost.</summary>
    Lossy,
}

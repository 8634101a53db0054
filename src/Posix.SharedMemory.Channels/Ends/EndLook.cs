namespace Posix.SharedMemory.Channels;

/// <summary>What a wait of an end finds.</summary>
internal enum EndLook
{
    /// <summary>Not yet what it waits for.</summary>
    Pending,

    /// <summary>A message, or room for one.</summary>
    Ready,

    /// <summary>There will never be one.</summary>
    Ended,
}

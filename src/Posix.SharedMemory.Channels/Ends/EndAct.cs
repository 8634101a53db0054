namespace Posix.SharedMemory.Channels;

/// <summary>What an end of a ring is doing: an end is for one thread at a time, and does one thing at a time.</summary>
internal enum EndAct
{
    /// <summary>Nothing: the next call may begin.</summary>
    Idle,

    /// <summary>A call is under way.</summary>
    Call,

    /// <summary>A wait is under way.</summary>
    Wait,

    /// <summary>A reservation or a lease has not been disposed.</summary>
    Borrow,

    /// <summary>A batch or an enumeration has not been disposed.</summary>
    Batch,

    /// <summary>A message is being built through <see cref="System.Buffers.IBufferWriter{T}"/>.</summary>
    Building,

    /// <summary>The writer has completed the channel.</summary>
    Completed,

    /// <summary>The writer of a fan-in has left: the channel goes on without it.</summary>
    Left,

    /// <summary>The end was closed because the channel is corrupt.</summary>
    Corrupt,

    /// <summary>The end was disposed.</summary>
    Disposed,
}

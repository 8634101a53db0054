namespace Posix.SharedMemory.Channels;

/// <summary>Whether a channel still takes messages.</summary>
public enum ChannelState
{
    /// <summary>It does.</summary>
    Open,

    /// <summary>Its writer has completed it.</summary>
    Completed,

    /// <summary>Its writer has ended it with an error.</summary>
    Aborted,

    /// <summary>Its writer goes on in another object under the same name.</summary>
    Continued,
}

namespace Posix.SharedMemory.Channels;

/// <summary>What an answer says.</summary>
internal enum CallOutcome
{
    /// <summary>The reply follows.</summary>
    Replied,

    /// <summary>The call failed: the error is in the header, and what there is to say about it follows in UTF-8.</summary>
    Failed,

    /// <summary>The caller had cancelled it.</summary>
    Cancelled,
}

namespace Posix.SharedMemory.Channels;

/// <summary>A record that may have to wait for its turn to be written, in one queue at a time.</summary>
internal abstract class CallItem
{
    /// <summary>Gets or sets the queue that it is in; <see langword="null"/>: none.</summary>
    internal CallQueue? Queue { get; set; }

    internal CallItem? Previous { get; set; }

    internal CallItem? Next { get; set; }

    /// <summary>Gets the record's type.</summary>
    internal abstract ushort RecordType { get; }

    /// <summary>Gets how the record begins.</summary>
    internal abstract CallHeader Header { get; }

    /// <summary>Gets what follows.</summary>
    internal abstract ReadOnlyMemory<byte> Body { get; }

    /// <summary>Called when the record has been written, inside the gate.</summary>
    internal abstract void OnWritten();
}

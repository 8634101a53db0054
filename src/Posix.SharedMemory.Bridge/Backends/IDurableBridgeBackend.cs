namespace Posix.SharedMemory.Bridge;

/// <summary>An engine that can also keep messages until they have arrived: what <see cref="BridgeDelivery.Durable"/> needs.</summary>
/// <remarks>
/// Messages that are published durably to a subject are kept until each of its takers has acknowledged them. A taker has a name, which outlives connections and processes; it comes into being
/// with its first subscription. Every implementation has to pass the conformance suite in the tests of this package.
/// </remarks>
public interface IDurableBridgeBackend : IBridgeBackend
{
    /// <summary>Makes the engine keep the messages of a subject from now on, if it does not yet.</summary>
    /// <param name="subject">As in <see cref="IBridgeBackend.PublishAsync"/>.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>How many takers the subject has. Without one, nothing that is published is kept.</returns>
    /// <exception cref="IOException">The engine refused, or the connection was lost.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    ValueTask<int> KeepAsync(string subject, CancellationToken cancellationToken);

    /// <summary>Publishes a message, and waits until the engine has stored it.</summary>
    /// <param name="subject">A subject that <see cref="KeepAsync"/> was called for.</param>
    /// <param name="headers">What the message says of itself.</param>
    /// <param name="payload">The bytes; they are the caller's again when the task has completed.</param>
    /// <param name="id">What the message is: the engine may drop a second one with the same words.</param>
    /// <param name="cancellationToken">Ends the wait; whether the message was stored is unknown then.</param>
    /// <exception cref="IOException">The engine refused the message, or the connection was lost: whether it was stored is unknown.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    ValueTask PublishDurableAsync(string subject, BridgeHeaders headers, ReadOnlyMemory<byte> payload, string id, CancellationToken cancellationToken);

    /// <summary>
    /// Subscribes as a taker, which no other process is at this time. Messages come in order, beginning with the first that this taker has not acknowledged; each has a
    /// <see cref="BridgeMessage.Acknowledgement"/>.
    /// </summary>
    /// <param name="subject">A subject without wildcards. It is kept from now on.</param>
    /// <param name="taker">Who takes the messages: letters, digits, and <c>%_-</c>.</param>
    /// <param name="mostUnderWay">How many messages are delivered at most that are not acknowledged.</param>
    /// <param name="receiver">Gets the messages.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="IOException">The engine refused, or another subscription of this taker is in force.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    ValueTask<IDurableSubscription> SubscribeDurableAsync(string subject, string taker, int mostUnderWay, IBridgeReceiver receiver, CancellationToken cancellationToken);

    /// <summary>Returns how many messages of a subject are kept that a taker has not acknowledged.</summary>
    /// <param name="subject">A subject without wildcards.</param>
    /// <param name="taker">The taker; <see langword="null"/>: how many are kept for any of them.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>0 also where the subject is not kept, or does not have this taker.</returns>
    /// <exception cref="IOException">The engine refused, or the connection was lost.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    ValueTask<long> CountKeptAsync(string subject, string? taker, CancellationToken cancellationToken);

    /// <summary>Stores a note, which is kept until it is removed, in the place of an earlier one with this subject.</summary>
    /// <param name="subject">What the note is about: <c>shm.v1.note.</c> and more tokens.</param>
    /// <param name="note">The note; the bytes are the caller's again when the task has completed.</param>
    /// <param name="cancellationToken">Ends the wait; whether the note was stored is unknown then.</param>
    /// <exception cref="IOException">The engine refused, or the connection was lost: whether the note was stored is unknown.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    ValueTask WriteNoteAsync(string subject, ReadOnlyMemory<byte> note, CancellationToken cancellationToken);

    /// <summary>Passes all notes with some subject to a receiver, before it completes.</summary>
    /// <param name="subject">As in <see cref="WriteNoteAsync"/>; the last token may be <c>&gt;</c>, one or more tokens.</param>
    /// <param name="receiver">Gets each note, and as its <see cref="BridgeMessage.Acknowledgement"/> what it is removed with.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="IOException">The engine refused, or the connection was lost.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    ValueTask ReadNotesAsync(string subject, IBridgeReceiver receiver, CancellationToken cancellationToken);

    /// <summary>Removes a note, unless another one has been written in its place since it was read.</summary>
    /// <param name="subject">The subject of the note.</param>
    /// <param name="acknowledgement">What came with it.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="IOException">The engine refused, or the connection was lost.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    ValueTask RemoveNoteAsync(string subject, string acknowledgement, CancellationToken cancellationToken);
}

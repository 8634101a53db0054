using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace Posix.SharedMemory.Bridge.Nats;

/// <summary>What JetStream keeps: a stream for each subject, and in it a durable consumer for each taker.</summary>
internal sealed class KeptMessages(NatsConnection connection)
{
    /// <summary>The longest name of a stream that is used; the server takes a little more.</summary>
    private const int MostName = 200;

    private const int NotFound = 404;

    /// <summary>How often a message is stored at most, where others get the numbers that were expected.</summary>
    private const int MostAttempts = 4;

    /// <summary>After this time the server delivers again what was not acknowledged. The bridge asks for that where it is necessary, and sooner.</summary>
    private static readonly TimeSpan s_acknowledged = TimeSpan.FromMinutes(10);

    private readonly NatsJSContext _context = new(connection);

    /// <summary>Of each subject, between which numbers everything was stored here, under numbers that no consumer had had.</summary>
    private readonly ConcurrentDictionary<string, (ulong After, ulong Last)> _numbers = new(StringComparer.Ordinal);

    /// <summary>An address that nothing else of this connection receives from.</summary>
    internal string NewAddress() => _context.NewBaseInbox();

    /// <inheritdoc cref="NatsBackend.KeepAsync"/>
    internal async ValueTask<int> KeepAsync(string subject, CancellationToken cancellationToken)
    {
        try
        {
            return (int)Math.Min((await OpenAsync(subject, cancellationToken).ConfigureAwait(false)).Info.State.ConsumerCount, int.MaxValue);
        }
        catch (NatsException e)
        {
            throw NotKept(subject, e);
        }
    }

    /// <inheritdoc cref="NatsBackend.CountKeptAsync"/>
    internal async ValueTask<long> CountAsync(string subject, string? taker, CancellationToken cancellationToken)
    {
        try
        {
            if (taker is null)
            {
                return (long)(await _context.GetStreamAsync(StreamOf(subject), cancellationToken: cancellationToken).ConfigureAwait(false)).Info.State.Messages;
            }

            var known = (await _context.GetConsumerAsync(StreamOf(subject), NameOf(taker), cancellationToken).ConfigureAwait(false)).Info;
            return (long)known.NumPending + known.NumAckPending;
        }
        catch (NatsJSApiException e) when (e.Error.Code == NotFound)
        {
            return 0;
        }
        catch (NatsException e)
        {
            throw NotKept(subject, e);
        }
    }

    /// <summary>Stores a message, under a number that no consumer has had: else it is stored again, and takers skip what they have already.</summary>
    internal async ValueTask PublishAsync(string subject, BridgeHeaders headers, ReadOnlyMemory<byte> payload, string id, CancellationToken cancellationToken)
    {
        try
        {
            var nextId = id;
            for (var attempt = 1; ; attempt++)
            {
                if (!_numbers.TryGetValue(subject, out var ours))
                {
                    var found = await FindLastAsync(subject, cancellationToken).ConfigureAwait(false);
                    _numbers[subject] = ours = (found, found);
                }

                var answer = await _context.PublishAsync(subject, payload, PayloadSerializer.Instance, new NatsJSPubOpts { MsgId = nextId, RetryAttempts = 1 }, HeaderText.ToNats(headers), cancellationToken).ConfigureAwait(false);
                if (answer.Error is { } error)
                {
                    throw new IOException($"JetStream did not store the message to {subject}: {error.Description}");
                }

                var number = (ulong)answer.Seq;
                if (number == ours.Last + 1)
                {
                    _numbers[subject] = (ours.After, number);
                    return;
                }

                if (answer.Duplicate && number > ours.After && number <= ours.Last)
                {
                    return;
                }

                // The server counts from another number than before; or another process has stored this one, and may have been killed before it saw under which number.
                _numbers.TryRemove(subject, out _);
                if (!answer.Duplicate)
                {
                    await TryDeleteAsync(subject, number, cancellationToken).ConfigureAwait(false);
                }

                if (attempt == MostAttempts)
                {
                    throw new IOException($"Another program stores messages of {subject}.");
                }

                nextId = $"{id}-{Guid.NewGuid():N}";
            }
        }
        catch (NatsException e)
        {
            throw NotKept(subject, e);
        }
    }

    /// <summary>
    /// Returns the number of the last message of a stream, and sees to it that no consumer has had a higher one. A server of the series 2.9 that is killed while it removes its last message may count
    /// from a lower number afterwards: what gets a number that a consumer has acknowledged is never delivered to it. These numbers are used up by empty messages.
    /// </summary>
    private async ValueTask<ulong> FindLastAsync(string subject, CancellationToken cancellationToken)
    {
        var last = (ulong)(await _context.GetStreamAsync(StreamOf(subject), cancellationToken: cancellationToken).ConfigureAwait(false)).Info.State.LastSeq;
        var delivered = 0UL;
        await foreach (var consumer in _context.ListConsumersAsync(StreamOf(subject), cancellationToken).ConfigureAwait(false))
        {
            delivered = Math.Max(delivered, Math.Max((ulong)consumer.Info.Delivered.StreamSeq, (ulong)consumer.Info.AckFloor.StreamSeq));
        }

        while (last < delivered)
        {
            var answer = await _context.PublishAsync(subject, default, PayloadSerializer.Instance, new NatsJSPubOpts { RetryAttempts = 1 }, headers: null, cancellationToken).ConfigureAwait(false);
            if (answer.Error is { } error)
            {
                throw new IOException($"JetStream did not store an empty message to {subject}: {error.Description}");
            }

            last = (ulong)answer.Seq;
            await TryDeleteAsync(subject, last, cancellationToken).ConfigureAwait(false);
        }

        return last;
    }

    private async ValueTask TryDeleteAsync(string subject, ulong number, CancellationToken cancellationToken)
    {
        try
        {
            await _context.DeleteMessageAsync(StreamOf(subject), new() { Seq = number, NoErase = true }, cancellationToken).ConfigureAwait(false);
        }
        catch (NatsJSApiException)
        {
            // A consumer has acknowledged it, or the stream is one of which nothing can be removed.
        }
    }

    /// <summary>Makes the consumer of a taker, or lets it deliver to another address: what it has not acknowledged is delivered again then, in order.</summary>
    internal async ValueTask DeliverAsync(string subject, string taker, int mostUnderWay, string address, CancellationToken cancellationToken)
    {
        try
        {
            await TryAcknowledgeGoneAsync(subject, taker, cancellationToken).ConfigureAwait(false);
            await _context.CreateOrUpdatePushConsumerAsync(
                StreamOf(subject),
                new NatsJSPushConsumerOpts
                {
                    DurableName = NameOf(taker),
                    DeliverSubject = address,
                    DeliverPolicy = ConsumerConfigDeliverPolicy.All,
                    AckPolicy = ConsumerConfigAckPolicy.All,
                    AckWait = s_acknowledged,
                    MaxAckPending = mostUnderWay,
                },
                cancellationToken).ConfigureAwait(false);
        }
        catch (NatsException e)
        {
            throw new IOException($"JetStream does not deliver {subject} to {taker}: {e.Message}", e);
        }
    }

    /// <summary>
    /// A server that was killed may have forgotten acknowledgements of messages that it has removed. It would try to deliver them again, and a server of the series 2.9 stops at each of them until
    /// another message is stored: they are acknowledged once more. A server that does not understand this delivers nevertheless.
    /// </summary>
    private async ValueTask TryAcknowledgeGoneAsync(string subject, string taker, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(1));
        try
        {
            await AcknowledgeGoneAsync(subject, taker, limit.Token).ConfigureAwait(false);
        }
        catch (NatsException)
        {
            // The subscription says what is wrong, if something is.
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // As above.
        }
    }

    private async ValueTask AcknowledgeGoneAsync(string subject, string taker, CancellationToken cancellationToken)
    {
        try
        {
            var known = (await _context.GetConsumerAsync(StreamOf(subject), NameOf(taker), cancellationToken).ConfigureAwait(false)).Info;
            var first = (await _context.GetStreamAsync(StreamOf(subject), cancellationToken: cancellationToken).ConfigureAwait(false)).Info.State.FirstSeq;
            var (floor, delivered) = (known.AckFloor, known.Delivered);
            // What all takers have acknowledged is removed: the oldest messages.
            var gone = Math.Min(Math.Max((ulong)first, 1) - 1, (ulong)delivered.StreamSeq);
            if (gone > (ulong)floor.StreamSeq)
            {
                // Both numbers only have to be higher than those of the last acknowledgement, and the second not higher than what was delivered.
                var place = Math.Min((ulong)floor.ConsumerSeq + (gone - (ulong)floor.StreamSeq), (ulong)delivered.ConsumerSeq);
                await connection.RequestAsync<ReadOnlyMemory<byte>, byte[]>(
                    string.Create(CultureInfo.InvariantCulture, $"$JS.ACK.{StreamOf(subject)}.{NameOf(taker)}.1.{gone}.{place}.0.0"), KeptSubscription.Acknowledgement, requestSerializer: PayloadSerializer.Instance, cancellationToken: cancellationToken).ConfigureAwait(false);
            }
        }
        catch (NatsJSApiException e) when (e.Error.Code == NotFound)
        {
            // The taker is new.
        }
    }

    /// <summary>The name of the stream that keeps a subject. Names are limited in their length: a long one is cut, and told from others by its hash.</summary>
    internal static string StreamOf(string subject)
    {
        var name = NameOf(subject);
        return name.Length <= MostName ? name
            : name[..(MostName - 65)] + "-" + Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(Encoding.ASCII.GetBytes(subject)));
    }

    // A dot separates tokens; and a server of the series 2.9 formats addresses twice, so that a percent sign in a name garbles what it sends.
    private static string NameOf(string subject) => subject.Replace('.', '=').Replace('%', '~');

    private async ValueTask<INatsJSStream> OpenAsync(string subject, CancellationToken cancellationToken)
    {
        try
        {
            return await _context.GetStreamAsync(StreamOf(subject), cancellationToken: cancellationToken).ConfigureAwait(false);
        }
        catch (NatsJSApiException e) when (e.Error.Code == NotFound)
        {
            // Another bridge may do the same meanwhile: creating the same stream twice succeeds.
            return await _context.CreateStreamAsync(
                new StreamConfig(StreamOf(subject), [subject])
                {
                    Retention = StreamConfigRetention.Interest,
                    Storage = StreamConfigStorage.File,
                    Discard = StreamConfigDiscard.New,
                },
                cancellationToken).ConfigureAwait(false);
        }
    }

    private static IOException NotKept(string subject, NatsException e) => new($"JetStream does not keep {subject}: {e.Message}", e);
}

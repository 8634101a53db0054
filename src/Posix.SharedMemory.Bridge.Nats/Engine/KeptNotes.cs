using System.Buffers;
using System.Globalization;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace Posix.SharedMemory.Bridge.Nats;

/// <summary>Notes, which a stream of JetStream keeps: the newest of each subject.</summary>
internal sealed class KeptNotes(NatsConnection connection)
{
    private const string Stream = "shm=v1=note", AllSubjects = "shm.v1.note.>";

    private const int NotFound = 404;

    private readonly NatsJSContext _context = new(connection);
    private bool _isThere;

    internal async ValueTask WriteAsync(string subject, ReadOnlyMemory<byte> note, CancellationToken cancellationToken)
    {
        try
        {
            if (!_isThere)
            {
                await OpenAsync(cancellationToken).ConfigureAwait(false);
                _isThere = true;
            }

            var answer = await _context.PublishAsync(subject, note, PayloadSerializer.Instance, new NatsJSPubOpts { RetryAttempts = 1 }, headers: null, cancellationToken).ConfigureAwait(false);
            if (answer.Error is { } error)
            {
                throw new IOException($"JetStream did not store the note {subject}: {error.Description}");
            }
        }
        catch (NatsException e)
        {
            // Somebody may have removed the stream.
            _isThere = false;
            throw Failed(subject, e);
        }
    }

    /// <summary>Asks for one note after the other.</summary>
    internal async ValueTask ReadAsync(string subject, IBridgeReceiver receiver, CancellationToken cancellationToken)
    {
        try
        {
            var stream = await _context.GetStreamAsync(Stream, cancellationToken: cancellationToken).ConfigureAwait(false);
            for (ulong next = 1; ;)
            {
                var note = (await stream.GetAsync(new StreamMsgGetRequest { Seq = next, NextBySubj = subject }, cancellationToken).ConfigureAwait(false)).Message;
                receiver.Receive(new(note.Subject, default, new ReadOnlySequence<byte>(note.Data), note.Seq.ToString(CultureInfo.InvariantCulture)));
                next = note.Seq + 1;
            }
        }
        catch (NatsJSApiException e) when (e.Error.Code == NotFound)
        {
            // There is no other, or nobody has ever written one.
        }
        catch (NatsException e)
        {
            throw Failed(subject, e);
        }
    }

    internal async ValueTask RemoveAsync(string subject, string acknowledgement, CancellationToken cancellationToken)
    {
        try
        {
            // What was written later stays.
            var after = ulong.Parse(acknowledgement, CultureInfo.InvariantCulture) + 1;
            await _context.PurgeStreamAsync(Stream, new StreamPurgeRequest { Filter = subject, Seq = after }, cancellationToken).ConfigureAwait(false);
        }
        catch (NatsException e)
        {
            throw Failed(subject, e);
        }
    }

    private async ValueTask OpenAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _context.GetStreamAsync(Stream, cancellationToken: cancellationToken).ConfigureAwait(false);
        }
        catch (NatsJSApiException e) when (e.Error.Code == NotFound)
        {
            // Another bridge may do the same meanwhile: creating the same stream twice succeeds.
            await _context.CreateStreamAsync(
                new StreamConfig(Stream, [AllSubjects])
                {
                    Retention = StreamConfigRetention.Limits,
                    Storage = StreamConfigStorage.File,
                    MaxMsgsPerSubject = 1,
                },
                cancellationToken).ConfigureAwait(false);
        }
    }

    private static IOException Failed(string subject, NatsException e) => new($"JetStream does not keep the notes {subject}: {e.Message}", e);
}

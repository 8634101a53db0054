using System.Globalization;

namespace Posix.SharedMemory.Bridge;

/// <summary>The messages of one subject that an <see cref="InMemoryBridgeHub"/> keeps until all takers have acknowledged them. Safe for several threads.</summary>
internal sealed class InMemoryLog
{
    private readonly Lock _gate = new();
    private readonly List<Kept> _kept = [];
    private readonly HashSet<string> _ids = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Taker> _takers = new(StringComparer.Ordinal);
    private long _last;

    internal int Takers
    {
        get
        {
            lock (_gate)
            {
                return _takers.Count;
            }
        }
    }

    /// <summary>How many messages are kept that a taker has not acknowledged, or any of them.</summary>
    internal long CountKept(string? taker)
    {
        lock (_gate)
        {
            return taker is null ? _kept.Count : _takers.TryGetValue(taker, out var known) ? _kept.Count(message => message.Position > known.Acknowledged) : 0;
        }
    }

    /// <summary>Keeps a message for all takers, and delivers it to those that are there.</summary>
    /// <returns>False: there was one with this id.</returns>
    internal bool TryAdd(string subject, BridgeHeaders headers, ReadOnlyMemory<byte> payload, string id)
    {
        lock (_gate)
        {
            if (!_ids.Add(id))
            {
                return false;
            }

            _last++;
            if (_takers.Count > 0)
            {
                _kept.Add(new(_last, subject, headers, payload.ToArray()));
            }

            foreach (var taker in _takers.Values)
            {
                Deliver(taker);
            }

            return true;
        }
    }

    /// <summary>Subscribes as a taker: what it has not acknowledged comes first.</summary>
    /// <exception cref="IOException">The taker is there already.</exception>
    internal IDurableSubscription Bind(string name, InMemoryBridgeBackend owner, int mostUnderWay, IBridgeReceiver receiver)
    {
        lock (_gate)
        {
            if (!_takers.TryGetValue(name, out var taker))
            {
                // What is kept for others comes to a new taker too.
                _takers[name] = taker = new() { Acknowledged = _kept.Count > 0 ? _kept[0].Position - 1 : _last };
            }

            if (taker.Bound is { Owner.IsConnected: true })
            {
                throw new IOException($"Another subscription of {name} is in force.");
            }

            var bound = new Subscription(this, taker, owner, mostUnderWay, receiver);
            (taker.Bound, taker.Delivered) = (bound, taker.Acknowledged);
            Deliver(taker);
            return bound;
        }
    }

    private void Deliver(Taker taker)
    {
        // A receiver does not call back: the lock keeps the order.
        foreach (var message in _kept)
        {
            if (taker.Bound is not { Owner.IsConnected: true } bound || taker.Delivered - taker.Acknowledged >= bound.MostUnderWay)
            {
                return;
            }

            if (message.Position > taker.Delivered)
            {
                taker.Delivered = message.Position;
                bound.Receiver.Receive(new(message.Subject, message.Headers, new(message.Payload), message.Position.ToString(CultureInfo.InvariantCulture)));
            }
        }
    }

    private void Acknowledge(Taker taker, long position)
    {
        lock (_gate)
        {
            taker.Acknowledged = Math.Max(taker.Acknowledged, position);
            taker.Delivered = Math.Max(taker.Delivered, taker.Acknowledged);
            var all = _takers.Values.Min(other => other.Acknowledged);
            _kept.RemoveAll(message => message.Position <= all);
            Deliver(taker);
        }
    }

    private sealed record Kept(long Position, string Subject, BridgeHeaders Headers, byte[] Payload);

    /// <summary>Who takes the messages, there or not.</summary>
    private sealed class Taker
    {
        internal long Acknowledged { get; set; }

        internal long Delivered { get; set; }

        internal Subscription? Bound { get; set; }
    }

    private sealed class Subscription(InMemoryLog log, Taker taker, InMemoryBridgeBackend owner, int mostUnderWay, IBridgeReceiver receiver) : IDurableSubscription
    {
        internal InMemoryBridgeBackend Owner => owner;

        internal int MostUnderWay => mostUnderWay;

        internal IBridgeReceiver Receiver => receiver;

        public ValueTask AcknowledgeAsync(string acknowledgement, CancellationToken cancellationToken)
        {
            cancellationToken.ThrowIfCancellationRequested();
            owner.RequireConnection();
            log.Acknowledge(taker, long.Parse(acknowledgement, CultureInfo.InvariantCulture));
            return default;
        }

        public ValueTask DisposeAsync()
        {
            lock (log._gate)
            {
                if (taker.Bound == this)
                {
                    taker.Bound = null;
                }
            }

            return default;
        }
    }
}

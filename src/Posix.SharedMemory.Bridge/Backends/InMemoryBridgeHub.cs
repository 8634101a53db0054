namespace Posix.SharedMemory.Bridge;

/// <summary>An engine in the memory of this process, for tests: what is published by one of its connections is delivered to the others at once, on the thread of the publisher.</summary>
public sealed class InMemoryBridgeHub
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, InMemoryLog> _logs = new(StringComparer.Ordinal);
    private Subscription[] _subscriptions = [];

    /// <summary>Creates an engine.</summary>
    /// <param name="maxPayload">How many bytes a message may have.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is less than 2048.</exception>
    public InMemoryBridgeHub(int maxPayload = 1 << 20)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxPayload, 2048);
        MaxPayload = maxPayload;
    }

    /// <summary>Gets how many bytes a message may have.</summary>
    public int MaxPayload { get; }

    /// <summary>Connects to the engine.</summary>
    public InMemoryBridgeBackend Connect() => new(this);

    internal InMemoryNotes Notes { get; } = new();

    /// <summary>The messages of a subject that are kept.</summary>
    internal InMemoryLog LogOf(string subject)
    {
        lock (_gate)
        {
            return _logs.TryGetValue(subject, out var log) ? log : _logs[subject] = new();
        }
    }

    internal Subscription Add(InMemoryBridgeBackend owner, string subject, IBridgeReceiver receiver)
    {
        var subscription = new Subscription(this, owner, subject, receiver);
        lock (_gate)
        {
            _subscriptions = [.. _subscriptions, subscription];
        }

        return subscription;
    }

    internal void Deliver(InMemoryBridgeBackend from, string subject, BridgeHeaders headers, ReadOnlyMemory<byte> payload)
    {
        foreach (var subscription in Volatile.Read(ref _subscriptions))
        {
            if (subscription.Owner != from && subscription.Owner.IsConnected && Matches(subscription.Subject, subject))
            {
                subscription.Deliver(new(subject, headers, new(payload)));
            }
        }
    }

    /// <summary>Whether a subscription's subject, which may have wildcards, covers a subject.</summary>
    internal static bool Matches(ReadOnlySpan<char> pattern, ReadOnlySpan<char> subject)
    {
        while (true)
        {
            if (pattern is ">")
            {
                return subject.Length > 0;
            }

            int patternEnd = pattern.IndexOf('.'), subjectEnd = subject.IndexOf('.');
            ReadOnlySpan<char> wanted = patternEnd < 0 ? pattern : pattern[..patternEnd], token = subjectEnd < 0 ? subject : subject[..subjectEnd];
            if (wanted is not "*" && !wanted.SequenceEqual(token))
            {
                return false;
            }

            if (patternEnd < 0 || subjectEnd < 0)
            {
                return patternEnd == subjectEnd;
            }

            pattern = pattern[(patternEnd + 1)..];
            subject = subject[(subjectEnd + 1)..];
        }
    }

    internal sealed class Subscription(InMemoryBridgeHub hub, InMemoryBridgeBackend owner, string subject, IBridgeReceiver receiver) : IAsyncDisposable
    {
        private readonly Lock _one = new();
        private bool _isEnded;

        internal InMemoryBridgeBackend Owner => owner;

        internal string Subject => subject;

        internal void Deliver(in BridgeMessage message)
        {
            lock (_one)
            {
                if (!_isEnded)
                {
                    receiver.Receive(message);
                }
            }
        }

        public ValueTask DisposeAsync()
        {
            lock (hub._gate)
            {
                hub._subscriptions = [.. hub._subscriptions.Where(other => other != this)];
            }

            lock (_one)
            {
                _isEnded = true;
            }

            return default;
        }
    }
}

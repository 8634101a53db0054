namespace Posix.SharedMemory.Bridge;

/// <summary>What the engine has delivered and is not acknowledged: each delivery is acknowledged when the ring has its last message. Not safe for several threads: the import's lock guards it.</summary>
internal sealed class DeliveredMessages
{
    private readonly Queue<(long Last, string Acknowledgement)> _delivered = [];

    internal int Count => _delivered.Count;

    /// <summary>Adds a delivery; with a last message of 0 the ring needs nothing of it.</summary>
    internal void Add(long last, string acknowledgement) => _delivered.Enqueue((last, acknowledgement));

    /// <summary>What acknowledges everything up to a message, and how many deliveries that are.</summary>
    internal (string Acknowledgement, int Count) UpTo(long last)
    {
        var (acknowledgement, count) = ("", 0);
        foreach (var delivery in _delivered)
        {
            if (delivery.Last > last)
            {
                break;
            }

            (acknowledgement, count) = (delivery.Acknowledgement, count + 1);
        }

        return (acknowledgement, count);
    }

    /// <summary>Removes the oldest deliveries.</summary>
    internal void Remove(int count)
    {
        for (; count > 0 && _delivered.Count > 0; count--)
        {
            _delivered.Dequeue();
        }
    }

    internal void Clear() => _delivered.Clear();
}

namespace Posix.SharedMemory.Channels;

/// <summary>Records in the order in which they are to be written. Each can be taken out; nothing is allocated. Used inside the gate.</summary>
internal sealed class CallQueue
{
    private CallItem? _last;

    /// <summary>Gets the one that comes next.</summary>
    internal CallItem? First { get; private set; }

    internal bool IsEmpty => First is null;

    internal void Add(CallItem item)
    {
        (item.Queue, item.Previous, item.Next) = (this, _last, null);
        if (_last is { } last)
        {
            last.Next = item;
        }
        else
        {
            First = item;
        }

        _last = item;
    }

    internal void Remove(CallItem item)
    {
        if (item.Previous is { } previous)
        {
            previous.Next = item.Next;
        }
        else
        {
            First = item.Next;
        }

        if (item.Next is { } next)
        {
            next.Previous = item.Previous;
        }
        else
        {
            _last = item.Previous;
        }

        (item.Queue, item.Previous, item.Next) = (null, null, null);
    }
}

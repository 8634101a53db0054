namespace Posix.SharedMemory.Threading;

/// <summary>Names the read entries of one lock object, of which many last at once. An even number is free; each entry makes two steps of it.</summary>
internal sealed class ReadTickets
{
    private const int Length = 64, IndexBits = 32;

    private readonly uint[] _places = new uint[Length];
    private ReadTickets? _next;

    internal long Begin()
    {
        var first = Environment.CurrentManagedThreadId;
        var tickets = this;
        for (var chunk = 0; ; chunk++)
        {
            for (var i = 0; i < Length; i++)
            {
                var index = (first + i) % Length;
                var value = Volatile.Read(ref tickets._places[index]);
                if ((value & 1) == 0 && Interlocked.CompareExchange(ref tickets._places[index], value + 1, value) == value)
                {
                    return ((long)(value + 1) << IndexBits) | (uint)((chunk * Length) + index);
                }
            }

            Interlocked.CompareExchange(ref tickets._next, new(), null);
            tickets = tickets._next;
        }
    }

    /// <summary>Ends an entry.</summary>
    /// <returns>Whether it lasted still.</returns>
    internal bool TryEnd(long ticket)
    {
        var value = (uint)(ticket >> IndexBits);
        var tickets = this;
        for (var chunk = (uint)ticket / Length; chunk > 0; chunk--)
        {
            tickets = tickets!._next;
        }

        return value != 0 && Interlocked.CompareExchange(ref tickets!._places[(uint)ticket % Length], value + 1, value) == value;
    }
}

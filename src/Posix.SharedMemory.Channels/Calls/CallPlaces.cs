namespace Posix.SharedMemory.Channels;

/// <summary>The places of this process's calls. So many calls, and so many bytes of them, are not answered at most: the peer never has to keep more. Used inside the gate.</summary>
internal sealed class CallPlaces(long capacity)
{
    private readonly List<CallPlace> _all = [];
    private readonly Stack<CallPlace> _free = [];
    private ulong _numbers;
    private long _bytes;

    /// <summary>Gets all places that were ever used.</summary>
    internal IReadOnlyList<CallPlace> All => _all;

    /// <summary>Whether one more call may be sent now. A call always may while there is no other.</summary>
    internal bool HasRoomFor(long size) => (_free.Count > 0 || _all.Count < ChannelLayout.MostCalls) && _bytes + size <= capacity;

    /// <summary>The header of a call in the place that <see cref="Take"/> gives it.</summary>
    internal CallHeader HeaderOf(PendingCall call)
    {
        if (_free.Count == 0)
        {
            _all.Add(new((ushort)_all.Count));
            _free.Push(_all[^1]);
        }

        return call.HeaderAt(_numbers + 1, _free.Peek().Index);
    }

    /// <summary>The call was written.</summary>
    internal void Take(PendingCall call, long size)
    {
        var place = _free.Pop();
        (place.Number, place.Size, place.Call) = (++_numbers, size, call);
        (call.Place, call.State) = (place, CallState.Sent);
        _bytes += size;
    }

    /// <summary>The place of a call that is not answered.</summary>
    internal CallPlace? Find(ulong number, ushort place) => place < _all.Count && number != 0 && _all[place].Number == number ? _all[place] : null;

    /// <summary>The call was answered.</summary>
    internal void Free(CallPlace place)
    {
        place.Queue?.Remove(place);
        _bytes -= place.Size;
        (place.Number, place.Call) = (0, null);
        _free.Push(place);
    }
}

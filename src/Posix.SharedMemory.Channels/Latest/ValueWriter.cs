using System.Runtime.CompilerServices;
using Posix.SharedMemory.Threading;

namespace Posix.SharedMemory.Channels;

/// <summary>The writing end of a latest value: fills the buffers in turn, and never looks at a reader. The model is tests/models/latest.pml.</summary>
internal sealed unsafe class ValueWriter : ChannelEnd
{
    private readonly byte* _data;
    private readonly byte* _line;
    private readonly long _stride;
    private readonly ulong _mask;
    private readonly SharedEventCount _readerWakes;
    private ulong _newest;
    private long _messages;
    private long _bytes;
    private byte* _buffer;
    private int _ticket;

    private ValueWriter(Endpoint endpoint)
        : base(endpoint)
    {
        var header = endpoint.Channel.Header;
        _data = endpoint.Channel.First + header.DataOffset;
        _line = endpoint.Channel.First + ChannelLayout.WriterLine;
        _stride = header.Stride;
        MaxLength = header.MaxMessage;
        _mask = (ulong)header.Count - 1;
        _readerWakes = endpoint.PeerWakes;
    }

    internal int MaxLength { get; }

    /// <summary>Gets where the value that is being written is.</summary>
    internal byte* Payload => _buffer + ChannelLayout.WidePrefix;

    /// <summary>Opens the writer.</summary>
    internal static ValueWriter Open(ChannelMemory channel, EndpointOptions? options)
    {
        var writer = new ValueWriter(Endpoint.Enter(channel, EndpointRole.Writer, options));
        try
        {
            writer.TakeOver();
            return writer;
        }
        catch
        {
            writer.Dispose();
            throw;
        }
    }

    /// <summary>Marks the next buffer as being written. The act is the caller's.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Mark()
    {
        var version = _newest + 2;
        _buffer = _data + ((long)((version >> 1) & _mask) * _stride);
        // SYNC latest.odd: pairs with ValueReader.IsWhole. A reader that has copied a byte of the new value finds the mark; one that finds the mark finds a newer newest.
        // SAFETY: the buffer lies in the data, which the channel holds, at a multiple of 64.
        Volatile.Write(ref *(ulong*)(_buffer + ChannelLayout.VersionInBuffer), version - 1);
        Volatile.WriteBarrier();
        KillWindow.Pass(KillWindow.AfterMark);
    }

    /// <summary>Publishes the value that stands in the marked buffer.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Publish(int length)
    {
        var version = _newest + 2;
        // SAFETY: as in Mark.
        *(ulong*)(_buffer + ChannelLayout.LengthInBuffer) = (uint)length;
        KillWindow.Pass(KillWindow.BeforeEven);
        // SYNC latest.even: pairs with ValueReader.IsStill. A reader that sees the version sees the whole value.
        // SAFETY: as above.
        Volatile.Write(ref *(ulong*)(_buffer + ChannelLayout.VersionInBuffer), version);
        KillWindow.Pass(KillWindow.AfterEven);
        // SAFETY: the line lies in the bytes that the channel holds.
        *(long*)(_line + ChannelLayout.MessagesInLine) = ++_messages;
        // SAFETY: as above.
        *(long*)(_line + ChannelLayout.BytesInLine) = _bytes += length;
        _newest = version;
        KillWindow.Pass(KillWindow.BeforeNewest);
        // SYNC latest.newest: pairs with ValueReader.LoadNewest. The version is in its buffer.
        // SAFETY: as above.
        Volatile.Write(ref *(ulong*)(_line + ChannelLayout.IndexInLine), version);
        KillWindow.Pass(KillWindow.AfterNewest);
        _readerWakes.NotifyAll();
    }

    /// <summary>Begins to write a value in place.</summary>
    internal int Borrow()
    {
        Begin(EndAct.Borrow);
        Mark();
        return ++_ticket;
    }

    internal bool IsBorrowed(int ticket) => ticket == _ticket && Act == EndAct.Borrow;

    /// <summary>Ends it. What was not published stays marked, and is written over by the next value.</summary>
    internal void Return(int ticket)
    {
        if (IsBorrowed(ticket))
        {
            Act = EndAct.Idle;
        }
    }

    /// <summary>Ends the channel: readers keep the newest value.</summary>
    internal void Complete(int error)
    {
        Begin(EndAct.Completed);
        ChannelCompletion.Store(_line, error);
        Endpoint.Notify();
    }

    protected override bool Poll(int length) => true;

    protected override bool HasEnded() => false;

    private void TakeOver()
    {
        // SAFETY: the line lies in the bytes that the channel holds.
        var state = Volatile.Read(ref *(uint*)(_line + ChannelLayout.StateInLine));
        if (state != 0)
        {
            throw new InvalidOperationException($"{Endpoint.Channel.Subject} was completed by an earlier writer: nothing more can be published.");
        }

        // The mutex was entered: a former writer has confirmed its end, and stores nothing more. What it had marked and not published is written over.
        // SAFETY: as above.
        _newest = Volatile.Read(ref *(ulong*)(_line + ChannelLayout.IndexInLine));
        if (_newest > ChannelLayout.MostIndex || _newest % 2 != 0)
        {
            throw Corrupt("the newest version", ChannelLayout.WriterLine, $"is {_newest}");
        }

        // SAFETY: as above.
        _messages = Volatile.Read(ref *(long*)(_line + ChannelLayout.MessagesInLine));
        // SAFETY: as above.
        _bytes = Volatile.Read(ref *(long*)(_line + ChannelLayout.BytesInLine));
        Endpoint.Occupy();
    }
}

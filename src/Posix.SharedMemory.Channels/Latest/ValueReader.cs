using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Channels;

/// <summary>A reader of a latest value: copies the newest one, and again where the writer was faster. It stores nothing that the writer looks at.</summary>
internal sealed unsafe class ValueReader : ChannelEnd
{
    /// <summary>How often a copy is tried: only a value whose copy takes as long as several publications, or a hostile writer, needs more than a few.</summary>
    private const int MostAttempts = 1000;

    private readonly byte* _data;
    private readonly byte* _line;
    private readonly long _dataOffset;
    private readonly long _stride;
    private readonly ulong _mask;
    private readonly ChannelCompletion _completion;
    private ulong _newest;
    private ulong _seen;

    private ValueReader(Endpoint endpoint)
        : base(endpoint)
    {
        var header = endpoint.Channel.Header;
        _dataOffset = header.DataOffset;
        _data = endpoint.Channel.First + header.DataOffset;
        _line = endpoint.Channel.First + ChannelLayout.WriterLine;
        _stride = header.Stride;
        MaxLength = header.MaxMessage;
        _mask = (ulong)header.Count - 1;
        _completion = new(endpoint.Channel);
    }

    internal int MaxLength { get; }

    /// <summary>Gets what has become of the writer.</summary>
    internal PeerState Writer
    {
        get
        {
            try
            {
                return Endpoint.FindPeer()?.Look() ?? PeerState.None;
            }
            catch (InvalidDataException e)
            {
                throw Corrupt("the roster", ChannelLayout.RosterAt, $"was overwritten ({e.Message})");
            }
        }
    }

    /// <summary>Gets what completes when the writer has completed.</summary>
    internal Task Completion
    {
        get
        {
            var task = _completion.Task;
            _completion.EndIfCompleted();
            if (!task.IsCompleted)
            {
                RequireSeat();
                Watch();
                _completion.EndIfCompleted();
            }

            return task;
        }
    }

    internal override long Found => (long)_newest;

    /// <summary>Opens a reader. There can be any number; each process takes one seat, or none through a read-only mapping.</summary>
    internal static ValueReader Open(ChannelMemory channel, EndpointOptions? options) =>
        new(channel.IsWritable ? Endpoint.Enter(channel, EndpointRole.Reader, options) : Endpoint.Spectate(channel, options));

    /// <summary>Copies the newest value, which has the length of the type.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool TryRead<T>(out T value, out long version)
        where T : unmanaged
    {
        Begin(EndAct.Call);
        var attempts = 0;
        for (var found = LoadNewest(); found != 0; found = Next(found, ref attempts))
        {
            var buffer = BufferOf(found);
            if (IsStill(buffer, found))
            {
                // SAFETY: the buffer lies in the data, which the channel holds, and has room for the type, whose size the header was compared with. The copy may be torn.
                var (copy, length) = (*(T*)(buffer + ChannelLayout.WidePrefix), *(uint*)(buffer + ChannelLayout.LengthInBuffer));
                if (IsWhole(buffer, found))
                {
                    RequireLength(length == Unsafe.SizeOf<T>(), buffer, length);
                    (value, version) = (copy, (long)found);
                    Finish(EndAct.Call);
                    return true;
                }
            }
        }

        Finish(EndAct.Call);
        (value, version) = (default, attempts == 0 ? 0 : (long)_newest);
        return false;
    }

    /// <summary>Copies the newest value; the caller's span may be too short.</summary>
    internal bool TryRead(Span<byte> destination, out int length, out long version)
    {
        Begin(EndAct.Call);
        var attempts = 0;
        for (var found = LoadNewest(); found != 0; found = Next(found, ref attempts))
        {
            var buffer = BufferOf(found);
            if (IsStill(buffer, found))
            {
                // SAFETY: as above. One load: the length is used as it was checked.
                var stored = Volatile.Read(ref *(uint*)(buffer + ChannelLayout.LengthInBuffer));
                var fits = stored <= destination.Length;
                if (fits && stored <= (uint)MaxLength)
                {
                    // SAFETY: as above: the buffer has room for the longest value. The copy may be torn.
                    MessageCopy.Copy(new(buffer + ChannelLayout.WidePrefix, (int)stored), ref MemoryMarshal.GetReference(destination));
                }

                if (IsWhole(buffer, found))
                {
                    RequireLength(stored <= (uint)MaxLength, buffer, stored);
                    (length, version) = ((int)stored, (long)found);
                    Finish(EndAct.Call);
                    return fits;
                }
            }
        }

        Finish(EndAct.Call);
        (length, version) = (0, attempts == 0 ? 0 : (long)_newest);
        return false;
    }

    /// <summary>Blocks until another version than one is the newest.</summary>
    /// <returns>The newest; the one that was given: the time is up, or the writer has completed.</returns>
    internal long WaitForChange(long seen, TimeSpan timeout)
    {
        RequireSeat();
        RequireIdle();
        _seen = (ulong)seen;
        return Wait(0, timeout) == EndLook.Ready ? (long)_newest : seen;
    }

    /// <summary>As <see cref="WaitForChange"/>; no thread waits.</summary>
    internal ValueTask<long> WaitForChangeAsync(long seen, CancellationToken cancellationToken)
    {
        RequireSeat();
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<long>(cancellationToken);
        }

        Begin(EndAct.Wait);
        try
        {
            _seen = (ulong)seen;
            if (Poll(0))
            {
                Finish(EndAct.Wait);
                return new((long)_newest);
            }
        }
        catch
        {
            Finish(EndAct.Wait);
            throw;
        }

        return new(Pending, Pending.Start(0, cancellationToken));
    }

    internal void RequireSeat()
    {
        if (!Endpoint.TakesPart)
        {
            RefuseIfClosed();
            throw new NotSupportedException($"{Endpoint.Channel.Subject} was opened for reading only: its value can be read, but a process that waits stores that it does. Open it with FileAccess.ReadWrite.");
        }
    }

    internal override void OnChange() => _completion.EndIfCompleted();

    protected override void OnCorrupt(ChannelCorruptException corruption) => _completion.Fail(corruption);

    protected override bool Poll(int length) => LoadNewest() != _seen;

    protected override bool HasEnded()
    {
        var state = _completion.State;
        if (state == 0)
        {
            return false;
        }

        if (state > (uint)ChannelState.Continued)
        {
            throw Corrupt("the writer's state", ChannelLayout.WriterLine + ChannelLayout.StateInLine, $"is {state}");
        }

        // The state was stored after the newest value.
        return LoadNewest() != _seen || state != (uint)ChannelState.Aborted ? true : throw _completion.Abortion();
    }

    private void RequireIdle()
    {
        if (Act != EndAct.Idle)
        {
            throw Refusal();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private byte* BufferOf(ulong version) => _data + ((long)((version >> 1) & _mask) * _stride);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong LoadNewest()
    {
        // SYNC latest.newest: pairs with ValueWriter.Publish. The version is in its buffer, unless a newer one is newest meanwhile.
        // SAFETY: the line lies in the bytes that the channel holds.
        var newest = Volatile.Read(ref *(ulong*)(_line + ChannelLayout.IndexInLine));
        if (newest < _newest || newest > ChannelLayout.MostIndex || (newest & 1) != 0)
        {
            ThrowBackwards(newest);
        }

        _newest = newest;
        return newest;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsStill(byte* buffer, ulong version) =>
        // SYNC latest.even: pairs with ValueWriter.Publish. Whoever sees the version sees the whole value.
        // SAFETY: the buffer lies in the data, which the reader's channel holds.
        Volatile.Read(ref *(ulong*)(buffer + ChannelLayout.VersionInBuffer)) == version;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsWhole(byte* buffer, ulong version)
    {
        // SYNC latest.odd: pairs with ValueWriter.Mark. If a byte that was copied belongs to a newer value, the version is no longer the same.
        Volatile.ReadBarrier();
        return IsStill(buffer, version);
    }

    /// <summary>The version to try after one that was written over: a newer one, or the writer is none. 0: enough was tried.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private ulong Next(ulong version, ref int attempts)
    {
        var newest = LoadNewest();
        if (newest == version)
        {
            var buffer = BufferOf(version);
            throw Corrupt("a buffer's version", _dataOffset + (buffer - _data), $"is not {version}, which is the newest");
        }

        return ++attempts < MostAttempts ? newest : 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void RequireLength(bool holds, byte* buffer, uint length)
    {
        if (!holds)
        {
            ThrowLength(buffer, length);
        }
    }

    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ThrowLength(byte* buffer, uint length) =>
        throw Corrupt("a value's length", _dataOffset + (buffer - _data) + ChannelLayout.LengthInBuffer, $"is {length}, and the longest is {MaxLength}");

    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ThrowBackwards(ulong newest) => throw Corrupt("the newest version", ChannelLayout.WriterLine, $"went from {_newest} to {newest}");
}

using System.Net.Sockets;
using System.Runtime.InteropServices;
using Posix.SharedMemory.Tests.Passing;

namespace Posix.SharedMemory.Tests.Faults;

/// <summary>Passes handles and objects over three kinds of sockets, at random, and goes on when a call has failed.</summary>
internal sealed class PassingWalk(int seed) : IDisposable
{
    private readonly Random _random = new(seed);
    private readonly Tracked _memory = new();
    private readonly SocketPair[] _pairs = [new(), new(SocketType.Seqpacket), new(SocketType.Dgram)];
    private readonly byte[] _buffer = new byte[16];

    internal int Passed { get; private set; }

    internal int Dropped { get; private set; }

    internal int Objects { get; private set; }

    internal int Descriptors => _memory.Descriptors;

    internal void Pass(int rounds)
    {
        for (var round = 0; round < rounds; round++)
        {
            var pair = _pairs[round % _pairs.Length];
            if (_random.Next(4) == 0)
            {
                PassObject(pair);
            }
            else
            {
                PassHandles(pair);
            }
        }
    }

    public void Dispose()
    {
        _memory.Dispose();
        Array.ForEach(_pairs, pair => pair.Dispose());
    }

    private void PassHandles(SocketPair pair)
    {
        var handles = new SafeHandle[_random.Next(4)];
        Array.Fill(handles, _memory.Handle);
        if (!Try(() => pair.Sender.SendHandlesAsync(_buffer, handles).AsTask().GetAwaiter().GetResult()))
        {
            return;
        }

        var most = _random.Next(4);
        var isReceived = false;
        while (!isReceived)
        {
            isReceived = Try(() =>
            {
                using var result = pair.Receiver.ReceiveHandlesAsync(_buffer, most).AsTask().GetAwaiter().GetResult();
                Assert.Equal((Math.Min(handles.Length, most), handles.Length > most), (result.Handles.Count, result.HandlesDropped));
                Dropped += result.HandlesDropped ? 1 : 0;
            });
        }

        Passed++;
    }

    private void PassObject(SocketPair pair)
    {
        if (!Try(() => pair.Sender.SendObjectAsync(_memory.Memory).AsTask().GetAwaiter().GetResult()))
        {
            return;
        }

        // A failure behind recvmsg has closed the descriptor; one in front of it leaves the message.
        var isReceived = false;
        while (!isReceived && pair.Receiver.Available > 0)
        {
            isReceived = Try(() => pair.Receiver.ReceiveObjectAsync().AsTask().GetAwaiter().GetResult().Dispose());
        }

        Objects += isReceived ? 1 : 0;
    }

    private static bool Try(Action act)
    {
        try
        {
            act();
            return true;
        }
        catch (SharedMemoryException)
        {
            return false;
        }
    }
}

using System.Net.Sockets;

namespace Posix.SharedMemory.Tests.Interop;

/// <summary>C and Python at the other end of the socket: raw handles and object messages, in both directions.</summary>
public sealed class Passing
{
    private const int Length = 70_001;

    public static TheoryData<string, SocketType> Peers()
    {
        var rows = new TheoryData<string, SocketType>();
        foreach (var row in (IEnumerable<object[]>)Judge.Languages)
        {
            var language = (string)row[0];
            if (language.StartsWith('c') || language.StartsWith("python", StringComparison.Ordinal))
            {
                rows.Add(language, SocketType.Stream);
                rows.Add(language, SocketType.Seqpacket);
            }
        }

        return rows;
    }

    [SkippableTheory]
    [MemberData(nameof(Peers))]
    [Rule("pass.same")]
    [Rule("pass.limit")]
    public async Task Handles_go_both_ways(string language, SocketType type)
    {
        using var judge = Judge.Start(language);
        using var socket = Connect(judge, type);
        using var memory = SharedMemoryObject.CreateAnonymous(5);
        foreach (var (bytes, handles) in new[] { (1, 1), (100, 2), (4000, Native.MostHandles), (7, 0) })
        {
            await socket.SendHandlesAsync(Pattern.Of(bytes, 3), [.. Enumerable.Repeat(memory.SafeFileHandle, handles)]);
            var inode = handles > 0 ? memory.GetStatus().Identity.Inode : 0;
            var answer = judge.Ask("receive-fds", "2d", 4096, 253).TrimEnd();
            Assert.True(answer == $"ok same {bytes} {handles} {inode}" || (handles == 0 && answer == $"ok same {bytes} {handles}"), answer);

            Assert.Equal("ok", judge.Ask("send-fds", "2d", bytes, handles));
            var buffer = new byte[4096];
            using var result = await socket.ReceiveHandlesAsync(buffer, 253).AsTask().WaitAsync(Watchdog.Limit);
            Assert.Equal((bytes, handles, false), (result.BytesReceived, result.Handles.Count, result.HandlesDropped));
            Assert.Equal(Pattern.Of(bytes, 3), buffer[..bytes]);
            for (var index = 0; index < handles; index++)
            {
                using var received = SharedMemoryObject.FromHandle(result.TakeHandle(index));
                Assert.Equal(100, received.Length);
            }
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Peers))]
    [Rule("object.layout")]
    [Rule("object.kernel")]
    public async Task Objects_go_both_ways(string language, SocketType type)
    {
        using var judge = Judge.Start(language);
        using var socket = Connect(judge, type);
        const MemorySeals Frozen = MemorySeals.Shrink | MemorySeals.Grow | MemorySeals.Write;
        using var memory = SharedMemoryObject.CreateAnonymous(Length);
        memory.Write(Pattern.Of(Length, 5), 0);
        memory.AddSeals(Frozen);
        await socket.SendObjectAsync(memory);
        Assert.Equal($"ok same {Length} {(int)memory.Seals}", judge.Ask("receive-object", "2d", 5));

        Assert.Equal("ok", judge.Ask("send-object", "2d", Length, 9, (int)Frozen));
        using var received = await socket.ReceiveObjectAsync(Frozen).AsTask().WaitAsync(Watchdog.Limit);
        using var mapping = received.Map(new() { Access = FileAccess.Read });
        Assert.True(mapping.GetReadOnlySpan().SequenceEqual(Pattern.Of(Length, 9)));

        Assert.Equal("ok", judge.Ask("send-object", "2d", Length, 9, (int)MemorySeals.Shrink));
        await Assert.ThrowsAsync<InvalidDataException>(async () => await socket.ReceiveObjectAsync(Frozen));
    }

    private static Socket Connect(Judge judge, SocketType type)
    {
        using var directory = TemporaryDirectory.InMemory();
        using var listener = new Socket(AddressFamily.Unix, type, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(directory.File("socket")));
        listener.Listen();
        Assert.Equal("ok", judge.Ask("connect", Judge.Hex(directory.File("socket")), type == SocketType.Stream ? "stream" : "seqpacket"));
        return listener.Accept();
    }
}

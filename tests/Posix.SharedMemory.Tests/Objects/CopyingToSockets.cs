using System.Net;
using System.Net.Sockets;

namespace Posix.SharedMemory.Tests.Objects;

public sealed class CopyingToSockets
{
    private const int Length = FilledObject.Length;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Rule("copy.kernel")]
    public async Task Copies_to_a_socket(bool asynchronously)
    {
        using var memory = FilledObject.Create();
        using var pair = new Connection();
        var receiving = Task.Run(() => pair.ReceiveAll());
        var copied = asynchronously
            ? await memory.CopyToAsync(pair.Sender, 7)
            : await Task.Run(() => memory.CopyTo(pair.Sender.SafeHandle, 7));
        pair.Sender.Shutdown(SocketShutdown.Send);
        Assert.Equal(Length - 7, copied);
        Assert.Equal(Pattern.Of(Length)[7..], await receiving.WaitAsync(Watchdog.Limit));
    }

    [Fact]
    [Rule("copy.kernel")]
    [Rule("copy.fallback")]
    public async Task The_bytes_arrive_unchanged_where_the_kernel_moves_few_at_a_time()
    {
        using var host = new SubstitutedObject(new ScriptedPlatform { MostAtOnce = 1000 }, Length);
        host.Memory.Write(Pattern.Of(Length), 0);
        using var target = SharedMemoryObject.CreateUnpublished(Length);
        Assert.Equal(Length - 5, host.Memory.CopyTo(target.SafeFileHandle, 5));
        using var mapping = target.Map();
        Assert.Equal(Pattern.Of(Length)[5..], mapping.GetReadOnlySpan(0, Length - 5).ToArray());

        using var appending = Native.Open($"/proc/self/fd/{target.SafeFileHandle.DangerousGetHandle()}", Native.O_WRONLY | Native.O_APPEND);
        Assert.Equal(Length, host.Memory.CopyTo(appending));
        var appended = new byte[Length];
        Assert.Equal(Length, target.Read(appended, Length));
        Assert.Equal(Pattern.Of(Length), appended);

        using var pair = new Connection();
        var receiving = Task.Run(() => pair.ReceiveAll());
        Assert.Equal(Length - 7, await host.Memory.CopyToAsync(pair.Sender, 7));
        pair.Sender.Shutdown(SocketShutdown.Send);
        Assert.Equal(Pattern.Of(Length)[7..], await receiving.WaitAsync(Watchdog.Limit));
    }

    [Theory]
    [InlineData("EINVAL", 0)]
    [InlineData("EXDEV", 1)]
    [InlineData("EAGAIN", 0)]
    [Rule("copy.fallback")]
    public async Task Copies_to_a_socket_asynchronously_where_the_kernel_refuses(string errno, int occurrence)
    {
        var platform = new ScriptedPlatform("sendfile", Enum.Parse<Errno>(errno), occurrence);
        using var host = new SubstitutedObject(platform, Length);
        host.Memory.Write(Pattern.Of(Length), 0);
        using var pair = new Connection();
        var receiving = Task.Run(() => pair.ReceiveAll());
        Assert.Equal(500_000, await host.Memory.CopyToAsync(pair.Sender, 1, 500_000));
        pair.Sender.Shutdown(SocketShutdown.Send);
        Assert.Equal(Pattern.Of(Length)[1..500_001], await receiving.WaitAsync(Watchdog.Limit));
        Assert.True(platform.Fired);
    }

    [Fact]
    [Rule("copy.full")]
    public async Task CopyToAsync_returns_while_the_socket_is_full_and_completes_when_the_reader_drains()
    {
        const long Long = 64L << 20;
        using var memory = SharedMemoryObject.CreateUnpublished(Long, new() { Backing = Backing.Sparse });
        memory.Write(Pattern.Of(100), Long - 100);
        using var pair = new Connection();

        // Nobody reads: the call can only return, with its task open, because it does not block this thread.
        var copying = memory.CopyToAsync(pair.Sender).AsTask();
        Watchdog.Until(() => pair.Receiver.Available > 0, "the first bytes");
        Assert.False(copying.IsCompleted);

        // Nor does it hold a thread of the pool: none of this process's threads is inside sendfile or poll on this socket.
        Assert.DoesNotContain(SystemCalls(), call => call.StartsWith($"{SendFileNumber} 0x{pair.Sender.Handle:x} ", StringComparison.Ordinal));

        var receiving = Task.Run(() => pair.ReceiveAll());
        Assert.Equal(Long, await copying.WaitAsync(Watchdog.Limit));
        pair.Sender.Shutdown(SocketShutdown.Send);
        var received = await receiving.WaitAsync(Watchdog.Limit);
        Assert.Equal(Long, received.Length);
        Assert.Equal(Pattern.Of(100), received[^100..]);
        Assert.Equal(-1, received.AsSpan(0, received.Length - 100).IndexOfAnyExcept((byte)0));
    }

    [Fact]
    [Rule("copy.full")]
    public async Task CopyToAsync_can_be_cancelled_while_the_socket_is_full()
    {
        using var memory = SharedMemoryObject.CreateUnpublished(1L << 40, new() { Backing = Backing.Sparse });
        using var pair = new Connection();
        using var cancel = new CancellationTokenSource();
        var copying = memory.CopyToAsync(pair.Sender, cancellationToken: cancel.Token).AsTask();
        Watchdog.Until(() => pair.Receiver.Available > 0, "the first bytes");
        Assert.False(copying.IsCompleted);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => copying.WaitAsync(Watchdog.Limit));
        Assert.False(memory.SafeFileHandle.IsClosed);

        using var already = new CancellationTokenSource();
        await already.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => memory.CopyToAsync(pair.Sender, cancellationToken: already.Token).AsTask().WaitAsync(Watchdog.Limit));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Rule("copy.broken")]
    public async Task A_socket_whose_peer_is_gone_is_EPIPE_or_ECONNRESET(bool asynchronously)
    {
        using var memory = SharedMemoryObject.CreateUnpublished(1L << 34, new() { Backing = Backing.Sparse });
        using var pair = new Connection();
        var copying = asynchronously
            ? memory.CopyToAsync(pair.Sender).AsTask()
            : Task.Run(() => memory.CopyTo(pair.Sender.SafeHandle));
        Watchdog.Until(() => pair.Receiver.Available > 0, "the first bytes");
        pair.Receiver.Dispose();
        var failure = await Assert.ThrowsAnyAsync<Exception>(() => copying.WaitAsync(Watchdog.Limit));
        Assert.True(
            failure is SharedMemoryException { Errno: var errno } && (errno == Errno.EPIPE || errno == Errno.ECONNRESET)
            || failure is SocketException { SocketErrorCode: SocketError.ConnectionReset or SocketError.Shutdown },
            failure.ToString());
        Assert.True(asynchronously || failure is SharedMemoryException);
    }

    [Fact]
    [Rule("copy.kernel")]
    public async Task CopyToAsync_refuses_sockets_that_are_not_streams_and_parts_outside()
    {
        using var memory = FilledObject.Create();
        using var datagrams = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        await Assert.ThrowsAsync<ArgumentException>(() => memory.CopyToAsync(datagrams).AsTask());
        await Assert.ThrowsAsync<ArgumentNullException>(() => memory.CopyToAsync(null!).AsTask());
        using var pair = new Connection();
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => memory.CopyToAsync(pair.Sender, Length + 1).AsTask());
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => memory.CopyToAsync(pair.Sender, 1, Length).AsTask());
        Assert.Equal(0, await memory.CopyToAsync(pair.Sender, Length));
    }

    private static string SendFileNumber => System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture
        == System.Runtime.InteropServices.Architecture.X64 ? "40" : "71";

    /// <summary>The system call each thread of this process is in: its number and arguments.</summary>
    private static List<string> SystemCalls()
    {
        var calls = new List<string>();
        foreach (var thread in Directory.EnumerateDirectories("/proc/self/task"))
        {
            try
            {
                calls.Add(File.ReadAllText(thread + "/syscall"));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // The thread has ended.
            }
        }

        return calls;
    }

    /// <summary>Two connected stream sockets.</summary>
    private sealed class Connection : IDisposable
    {
        internal Connection()
        {
            using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            listener.Listen();
            Sender = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            Sender.Connect(listener.LocalEndPoint!);
            Receiver = listener.Accept();
        }

        internal Socket Sender { get; }

        internal Socket Receiver { get; }

        public void Dispose()
        {
            Sender.Dispose();
            Receiver.Dispose();
        }

        internal byte[] ReceiveAll()
        {
            using var received = new MemoryStream();
            var buffer = new byte[64 << 10];
            for (int count; (count = Receiver.Receive(buffer)) > 0;)
            {
                received.Write(buffer, 0, count);
            }

            return received.ToArray();
        }
    }
}

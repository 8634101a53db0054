using System.Net;
using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory.Tests.Objects;

public sealed class Copying
{
    private const int Length = 1_000_003;

    [Theory]
    [InlineData(0L, null)]
    [InlineData(0L, 0L)]
    [InlineData(1L, 70_000L)]
    [InlineData(999_999L, null)]
    [InlineData(1_000_003L, null)]
    [Rule("copy.kernel")]
    public void Copies_to_a_file(long offset, long? count)
    {
        using var memory = Filled();
        var path = Path.GetTempFileName();
        try
        {
            var expected = Pattern.Of(Length).Skip((int)offset).Take((int)(count ?? Length - offset)).ToArray();
            using (var file = Native.Open(path, Native.O_WRONLY))
            {
                Assert.Equal(expected.Length, memory.CopyTo(file, offset, count));
            }

            Assert.Equal(expected, File.ReadAllBytes(path));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    [Rule("copy.kernel")]
    public void Copies_to_another_memory_object_at_its_position()
    {
        using var memory = Filled();
        using var target = SharedMemoryObject.CreateUnpublished(100 + Length);
        Native.Seek(target.SafeFileHandle, 100);
        Assert.Equal(Length, memory.CopyTo(target.SafeFileHandle));
        using var mapping = target.Map();
        Assert.Equal(new byte[100], mapping.GetReadOnlySpan(0, 100).ToArray());
        Assert.Equal(Pattern.Of(Length), mapping.GetReadOnlySpan(100, Length).ToArray());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(Native.O_NONBLOCK)]
    [Rule("copy.kernel")]
    [Rule("copy.full")]
    public void Copies_to_a_pipe_blocking_or_not(int flags)
    {
        using var memory = Filled();
        var (reader, writer) = Native.Pipe(flags);
        using (reader)
        {
            var copying = Task.Run(() =>
            {
                using (writer)
                {
                    return memory.CopyTo(writer);
                }
            });
            var received = Drain(reader, copying);
            Assert.Equal(Length, Watchdog.Run(() => copying.Result, "the copy"));
            Assert.Equal(Pattern.Of(Length), received);
        }
    }

    [Fact]
    [Rule("copy.full")]
    public void A_full_nonblocking_pipe_is_waited_for()
    {
        var platform = new FaultingPlatform();
        using var host = new SubstitutedObject(platform, Length);
        host.Memory.Write(Pattern.Of(Length), 0);
        var (reader, writer) = Native.Pipe(Native.O_NONBLOCK);
        using (reader)
        {
            var copying = Task.Run(() =>
            {
                using (writer)
                {
                    return host.Memory.CopyTo(writer);
                }
            });
            Watchdog.Until(
                () =>
                {
                    lock (platform.Calls)
                    {
                        return platform.Calls[^1] == "poll";
                    }
                },
                "the copy to wait");
            Assert.False(copying.IsCompleted);
            Assert.Equal(Pattern.Of(Length), Drain(reader, copying));
            Assert.Equal(Length, Watchdog.Run(() => copying.Result, "the copy"));
        }
    }

    [Fact]
    [Rule("copy.fallback")]
    public void Copies_to_an_append_only_file_through_a_buffer()
    {
        var platform = new FaultingPlatform();
        using var host = new SubstitutedObject(platform, Length);
        host.Memory.Write(Pattern.Of(Length), 0);
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, "before");
            using (var file = Native.Open(path, Native.O_WRONLY | Native.O_APPEND))
            {
                Assert.Equal(Length - 1, host.Memory.CopyTo(file, 1));
            }

            Assert.Equal([.. "before"u8, .. Pattern.Of(Length)[1..]], File.ReadAllBytes(path));
            Assert.Contains("write", platform.Calls);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Theory]
    [InlineData("EINVAL", 0)]
    [InlineData("EXDEV", 0)]
    [InlineData("ENOSYS", 0)]
    [InlineData("EOPNOTSUPP", 0)]
    [InlineData("EINVAL", 2)]
    [InlineData("EXDEV", 3)]
    [Rule("copy.fallback")]
    public void The_bytes_arrive_the_same_where_the_kernel_refuses(string errno, int occurrence)
    {
        var number = (Errno)typeof(Errno).GetProperty(errno)!.GetValue(null)!;
        var platform = new FaultingPlatform("sendfile", number, occurrence);
        using var host = new SubstitutedObject(platform, Length);
        host.Memory.Write(Pattern.Of(Length), 0);
        var (reader, writer) = Native.Pipe(Native.O_NONBLOCK);
        using (reader)
        {
            var copying = Task.Run(() =>
            {
                using (writer)
                {
                    return host.Memory.CopyTo(writer, 3);
                }
            });
            Assert.Equal(Pattern.Of(Length)[3..], Drain(reader, copying));
            Assert.Equal(Length - 3, Watchdog.Run(() => copying.Result, "the copy"));
            Assert.True(platform.Fired);
        }
    }

    [Fact]
    [Rule("copy.kernel")]
    public void Copies_more_than_2_GiB()
    {
        var platform = new FaultingPlatform();
        const long Long = (5L << 30) + 123;
        using var host = new SubstitutedObject(platform, Long);
        using var sink = Native.Open("/dev/null", Native.O_WRONLY);
        Assert.Equal(Long, host.Memory.CopyTo(sink));
        Assert.Equal(Long - 1, host.Memory.CopyTo(sink, 1));
        Assert.Equal(Long - 7, host.Memory.CopyTo(sink, 5, Long - 7));
        Assert.DoesNotContain("write", platform.Calls);

        // And from behind 2 and 4 GiB the right bytes come.
        using var target = SharedMemoryObject.CreateUnpublished(20);
        foreach (var place in (long[])[int.MaxValue - 5L, uint.MaxValue - 5L, Long - 10])
        {
            host.Memory.Write(Pattern.Of(10, (int)(place % 100)), place);
            Native.Seek(target.SafeFileHandle, 0);
            Assert.Equal(10, host.Memory.CopyTo(target.SafeFileHandle, place, 10));
            var copied = new byte[10];
            target.Read(copied, 0);
            Assert.Equal(Pattern.Of(10, (int)(place % 100)), copied);
        }
    }

    [Theory]
    [InlineData(0L, null, 1_000_003L)]
    [InlineData(70_000L, 5L, 5L)]
    [InlineData(0L, 0L, 0L)]
    [InlineData(1_000_003L, null, 0L)]
    [Rule("copy.from")]
    public void Copies_from_a_file_at_its_position(long offset, long? count, long expected)
    {
        using var memory = SharedMemoryObject.CreateUnpublished(Length, new() { Backing = Backing.Sparse });
        using var file = new TemporaryFile();
        File.WriteAllBytes(file.Path, [1, 2, 3, .. Pattern.Of(Length + 100)]);
        using var source = Native.Open(file.Path, Native.O_RDONLY);
        Native.Seek(source, 3);
        Assert.Equal(expected, memory.CopyFrom(source, offset, count));
        var copied = new byte[Length];
        Assert.Equal(Length, memory.Read(copied, 0));
        Assert.Equal([.. new byte[offset], .. Pattern.Of(Length).Take((int)expected), .. new byte[Length - offset - expected]], copied);
        Assert.Equal(Length, memory.Length);
    }

    [Fact]
    [Rule("copy.from")]
    public void Copies_from_memory_pipes_and_files_that_the_kernel_makes_up()
    {
        using var memory = SharedMemoryObject.CreateUnpublished(Length + 10);
        using (var source = Filled())
        {
            Native.Seek(source.SafeFileHandle, 0);
            Assert.Equal(Length, memory.CopyFrom(source.SafeFileHandle, 10));
            Assert.Equal(0, memory.CopyFrom(source.SafeFileHandle));
        }

        var copied = new byte[Length];
        Assert.Equal(Length, memory.Read(copied, 10));
        Assert.Equal(Pattern.Of(Length), copied);

        var (reader, writer) = Native.Pipe(0);
        using (reader)
        {
            using (writer)
            {
                using var into = new FileStream(writer, FileAccess.Write);
                into.Write(Pattern.Of(5000));
            }

            Assert.Equal(5000, memory.CopyFrom(reader, 100));
        }

        Assert.Equal(5000, memory.Read(copied.AsSpan(0, 5000), 100));
        Assert.Equal(Pattern.Of(5000), copied[..5000]);

        using var status = Native.Open("/proc/self/status", Native.O_RDONLY);
        Assert.InRange(memory.CopyFrom(status), 100, 100_000);
        Assert.Equal("Name:"u8.Length, memory.Read(copied.AsSpan(0, 5), 0));
        Assert.Equal("Name:"u8.ToArray(), copied[..5]);
    }

    [Fact]
    [Rule("copy.from")]
    public void A_source_that_cannot_be_read_and_an_object_that_cannot_be_written_are_refused()
    {
        using var memory = Filled();
        using var name = new TemporaryName();
        SharedMemoryObject.Create(name, 10).Dispose();
        using var readOnly = SharedMemoryObject.Open(name, FileMode.Open, FileAccess.Read);
        using var file = new TemporaryFile();
        File.WriteAllText(file.Path, "text");
        using var writable = Native.Open(file.Path, Native.O_WRONLY);
        using var directory = Native.Open("/", Native.O_RDONLY);
        Assert.Equal(Errno.EBADF, Assert.Throws<SharedMemoryException>(() => memory.CopyFrom(writable)).Errno);
        Assert.Equal(Errno.EISDIR, Assert.Throws<SharedMemoryException>(() => memory.CopyFrom(directory)).Errno);
        Assert.Throws<InvalidOperationException>(() => readOnly.CopyFrom(memory.SafeFileHandle));
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.CopyFrom(directory, 1, Length));
        Assert.Throws<ArgumentNullException>(() => memory.CopyFrom(null!));
        writable.Dispose();
        Assert.Throws<ObjectDisposedException>(() => memory.CopyFrom(writable));
    }

    [Fact]
    [Rule("copy.kernel")]
    public void A_destination_that_is_not_open_for_writing_is_EBADF()
    {
        using var memory = Filled();
        using var zero = Native.Open("/dev/zero", Native.O_RDONLY);
        Assert.Equal(Errno.EBADF, Assert.Throws<SharedMemoryException>(() => memory.CopyTo(zero)).Errno);
        zero.Dispose();
        Assert.Throws<ObjectDisposedException>(() => memory.CopyTo(zero));
        Assert.Throws<ArgumentNullException>(() => memory.CopyTo(null!));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Rule("copy.kernel")]
    public async Task Copies_to_a_socket(bool asynchronously)
    {
        using var memory = Filled();
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
    public async Task The_bytes_arrive_the_same_where_the_kernel_moves_few_at_a_time()
    {
        using var host = new SubstitutedObject(new DribblingPlatform(), Length);
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
        var platform = new FaultingPlatform("sendfile", (Errno)typeof(Errno).GetProperty(errno)!.GetValue(null)!, occurrence);
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

    [Fact]
    [Rule("copy.broken")]
    public void A_pipe_whose_reader_is_gone_is_EPIPE()
    {
        using var memory = Filled();
        var (reader, writer) = Native.Pipe();
        using (writer)
        {
            reader.Dispose();
            var failure = Assert.Throws<SharedMemoryException>(() => memory.CopyTo(writer));
            Assert.Equal((Errno.EPIPE, "sendfile"), (failure.Errno, failure.Operation));
        }

        using var host = new SubstitutedObject(new FaultingPlatform("sendfile", Errno.EINVAL, 0));
        var (second, full) = Native.Pipe();
        using (full)
        {
            second.Dispose();
            var failure = Assert.Throws<SharedMemoryException>(() => host.Memory.CopyTo(full));
            Assert.Equal((Errno.EPIPE, "write"), (failure.Errno, failure.Operation));
        }
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
    public async Task CopyToAsync_refuses_what_is_no_stream_and_parts_outside()
    {
        using var memory = Filled();
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

    private static SharedMemoryObject Filled()
    {
        var memory = SharedMemoryObject.CreateUnpublished(Length);
        memory.Write(Pattern.Of(Length), 0);
        return memory;
    }

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

    /// <summary>Reads a pipe to its end; gives up when the writer failed.</summary>
    private static byte[] Drain(SafeFileHandle reader, Task writing)
    {
        using var received = new MemoryStream();
        var buffer = new byte[10_000];
        Watchdog.Until(
            () =>
            {
                var ended = writing.IsCompleted;
                var count = Native.Read(reader, buffer);
                received.Write(buffer, 0, Math.Max(count, 0));
                return count == 0 || (count < 0 && ended);
            },
            "the end of the pipe");
        return received.ToArray();
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

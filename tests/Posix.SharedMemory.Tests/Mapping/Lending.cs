using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Posix.SharedMemory.Tests.Mapping;

/// <summary>Mapped bytes as memory: in the hands of sockets, files and a web server, without a copy.</summary>
public sealed class Lending
{
    private const int Length = 300_000;

    [Fact]
    [Rule("memory.readonly")]
    public async Task Bytes_of_a_read_only_mapping_go_to_a_socket()
    {
        using var memory = Filled();
        using var mapping = memory.Map(new() { Access = FileAccess.Read });
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        using var sender = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await sender.ConnectAsync(listener.LocalEndPoint!);
        using var receiver = await listener.AcceptAsync();
        var received = new byte[Length - 10];
        var receiving = Task.Run(async () =>
        {
            await using var stream = new NetworkStream(receiver);
            await stream.ReadExactlyAsync(received);
        });
        using (var bytes = mapping.GetReadOnlyMemory(10, Length - 10))
        {
            // Nobody else keeps them mapped.
            mapping.Dispose();
            for (var rest = bytes.Memory; !rest.IsEmpty;)
            {
                rest = rest[await sender.SendAsync(rest)..];
            }
        }

        await receiving;
        Assert.Equal(Pattern.Of(Length)[10..], received);
        Assert.Empty(Held.Mappings(memory));
    }

    [Fact]
    [Rule("memory.readonly")]
    public async Task Bytes_of_a_read_only_mapping_go_to_a_file()
    {
        using var memory = Filled();
        using var mapping = memory.Map(1, Length - 1, new() { Access = FileAccess.Read });
        var path = Path.GetTempFileName();
        try
        {
            using (var bytes = mapping.GetReadOnlyMemory(0, Length - 1))
            {
                await using var file = new FileStream(path, FileMode.Open, FileAccess.Write);
                await RandomAccess.WriteAsync(file.SafeFileHandle, bytes.Memory, 0);
            }

            Assert.Equal(Pattern.Of(Length)[1..], await File.ReadAllBytesAsync(path));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    [Rule("memory.readonly")]
    public async Task Bytes_of_a_read_only_mapping_are_an_ASP_NET_Core_response()
    {
        using var memory = Filled();
        using var mapping = memory.Map(new() { Access = FileAccess.Read });
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        await using var app = builder.Build();
        app.Run(async context =>
        {
            context.Response.ContentLength = Length;
            using var bytes = mapping.GetReadOnlyMemory(0, Length);
            if (context.Request.Path == "/pipe")
            {
                await context.Response.BodyWriter.WriteAsync(bytes.Memory);
            }
            else if (context.Request.Path == "/stream")
            {
                await using var stream = mapping.OpenStream();
                await stream.CopyToAsync(context.Response.Body);
            }
            else
            {
                await context.Response.Body.WriteAsync(bytes.Memory);
            }
        });
        await app.StartAsync();
        var address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        using (var client = new HttpClient())
        {
            foreach (var path in (string[])["body", "pipe", "stream"])
            {
                Assert.Equal(Pattern.Of(Length), await client.GetByteArrayAsync(new Uri($"{address}/{path}")));
            }
        }

        await app.StopAsync();
    }

    [Fact]
    [Rule("memory.readonly")]
    [Rule("lease.memory")]
    public unsafe void Read_only_memory_keeps_its_bytes_mapped_until_it_is_disposed()
    {
        using var memory = Filled();
        var mapping = memory.Map(new() { Access = FileAccess.Read });
        var bytes = mapping.GetReadOnlyMemory(5, 20);
        foreach (var (offset, length) in ((long, int)[])[(0, Length + 1), (-1, 1), (Length + 1, 0), (1, -1), (long.MaxValue, 1)])
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => mapping.GetReadOnlyMemory(offset, length));
        }

        mapping.Dispose();
        Assert.Throws<ObjectDisposedException>(() => mapping.GetReadOnlyMemory(0, 1));
        var borrowed = bytes.Memory;
        Assert.Equal(Pattern.Of(Length)[5..25], borrowed.ToArray());
        using (var pin = borrowed[3..].Pin())
        {
            // SAFETY: pinned bytes of memory that is alive.
            Assert.Equal(Pattern.Of(Length)[8], *(byte*)pin.Pointer);
        }

        bytes.Dispose();
        bytes.Dispose();
        Assert.Empty(Held.Mappings(memory));
        Assert.Throws<ObjectDisposedException>(() => bytes.Memory);
        Assert.Throws<ObjectDisposedException>(() => borrowed.Span[0]);
        Assert.Throws<ObjectDisposedException>(() => borrowed.Pin());
    }

    [Fact]
    [Rule("lease.memory")]
    [Rule("map.bounds")]
    public unsafe void Typed_memory_is_checked_and_keeps_its_bytes_mapped()
    {
        using var memory = Filled();
        var mapping = memory.Map();
        using (var owner = mapping.GetMemory<long>(16, 10))
        {
            mapping.Dispose();
            owner.Memory.Span.Fill(-2);
            using var pin = owner.Memory[1..].Pin();
            // SAFETY: pinned values of memory that is alive.
            ((long*)pin.Pointer)[8] = 5;
            Assert.Equal((10, -2L, 5L), (owner.Memory.Length, owner.Memory.Span[0], owner.Memory.Span[9]));
        }

        Assert.Empty(Held.Mappings(memory));
        using var second = memory.Map(0, 100);
        Assert.Equal((-2, 5), (second.GetReadOnlyReference<long>(16), second.GetReadOnlyReference<long>(88)));
        Assert.Throws<ArgumentException>(() => second.GetMemory<long>(4, 1));
        foreach (var (offset, count) in ((long, int)[])[(0, 13), (-8, 1), (96, 1), (8, -1), (0, int.MaxValue)])
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => second.GetMemory<long>(offset, count));
        }

        using var reader = memory.Map(new() { Access = FileAccess.Read });
        Assert.Throws<InvalidOperationException>(() => reader.GetMemory<int>(0, 1));
        second.Dispose();
        reader.Dispose();
        Assert.Throws<ObjectDisposedException>(() => second.GetMemory<int>(0, 1));
        Assert.Empty(Held.Mappings(memory));
    }

    [Fact]
    [Rule("lease.holds")]
    [Rule("map.bounds")]
    public void A_lease_gives_typed_spans_and_references()
    {
        using var memory = Filled();
        using var mapping = memory.Map(8, 100);
        using (var lease = mapping.Acquire())
        {
            lease.GetSpan<int>(4, 3).Fill(6);
            Assert.Equal([6, 6, 6], lease.GetReadOnlySpan<int>(4, 3).ToArray());
            Assert.Equal((6, 6), (lease.GetReadOnlyReference<int>(8), lease.GetReference<int>(12)));
        }

        foreach (var (offset, count) in ((long, int)[])[(0, 26), (-4, 1), (100, 1), (4, -1), (0, int.MaxValue)])
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => Borrow(mapping, offset, count, write: true));
            Assert.Throws<ArgumentOutOfRangeException>(() => Borrow(mapping, offset, count, write: false));
        }

        Assert.Throws<ArgumentException>(() => Borrow(mapping, 1, 1, write: true));
        Assert.Throws<ArgumentException>(() => Borrow(mapping, 1, 1, write: false));
        using var reader = memory.Map(new() { Access = FileAccess.Read });
        Assert.Throws<InvalidOperationException>(() => Borrow(reader, 0, 1, write: true));
        Borrow(reader, 0, 1, write: false);

        static void Borrow(MemoryMapping mapping, long offset, int count, bool write)
        {
            using var lease = mapping.Acquire();
            _ = write ? lease.GetSpan<int>(offset, count).Length : lease.GetReadOnlySpan<int>(offset, count).Length;
        }
    }

    private static SharedMemoryObject Filled()
    {
        var memory = SharedMemoryObject.CreateUnpublished(Length);
        memory.Write(Pattern.Of(Length), 0);
        return memory;
    }
}

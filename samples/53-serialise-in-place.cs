// JSON and MessagePack written straight into the ring, and parsed there: dotnet run samples/53-serialise-in-place.cs
#:project ../src/Posix.SharedMemory.Channels/Posix.SharedMemory.Channels.csproj

using System.Buffers.Binary;
using System.Diagnostics;
using System.Text.Json;
using Posix.SharedMemory;
using Posix.SharedMemory.Channels;

const ushort Json = 1, MessagePack = 2;
if (args is [var given])
{
    using var reader = MessageChannel.Open(given).OpenReader();   // The reader keeps the object open, too.
    var sum = 0.0;
    // snippet: read
    while (reader.WaitToRead(TimeSpan.FromMinutes(1)) && reader.TryRead(out MessageLease message))
    {
        sum += message.Type == Json ? JsonSerializer.Deserialize<Order>(message.Span)!.Price : BinaryPrimitives.ReadDoubleBigEndian(message.Span[14..]);
        message.Dispose();   // Until here the parsers read in the ring. Copy the message first if its writer is not trusted.
    }
    // end

    return sum == 1000 * (1.5 + 2.5) ? 0 : 1;
}

var name = SharedMemoryObject.CreateUniqueName("sample-53");
using var channel = MessageChannel.Create(name, new() { Capacity = 1 << 16, ContentType = "orders" });
using var other = Process.Start(Environment.ProcessPath!, [name]);
using var writer = channel.OpenWriter();
for (var id = 0; id < 1000; id++)
{
    // snippet: write
    using (var json = new Utf8JsonWriter(writer))                 // An IBufferWriter<byte>, as serializers take it. It waits for room.
    {
        JsonSerializer.Serialize(json, new Order(id, 1.5));
    }

    writer.EndMessage(Json);
    // end

    writer.Advance(Pack(writer.GetSpan(32), (ushort)id, 2.5));
    writer.EndMessage(MessagePack);
}

writer.Complete();
other.WaitForExit();
Console.WriteLine($"{channel.GetStatus().Messages} messages, serialised and parsed in place: {(other.ExitCode == 0 ? "right" : "WRONG")}");
return other.ExitCode;

// The map {"id": id, "price": price}, as MessagePack has it.
static int Pack(Span<byte> to, ushort id, double price)
{
    ((byte[])[0x82, 0xA2, .. "id"u8, 0xCD, 0, 0, 0xA5, .. "price"u8, 0xCB]).CopyTo(to);
    BinaryPrimitives.WriteUInt16BigEndian(to[5..], id);
    BinaryPrimitives.WriteDoubleBigEndian(to[14..], price);
    return 22;
}

internal sealed record Order(int Id, double Price);

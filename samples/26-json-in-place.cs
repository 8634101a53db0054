// A serializer writes into the memory, and a reader parses it there: dotnet run samples/26-json-in-place.cs
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using System.Text.Json;
using Posix.SharedMemory;

var name = SharedMemoryObject.CreateUniqueName("sample-26");
using var memory = SharedMemoryObject.Create(name, 64 << 10, new() { Lifetime = Lifetime.UnlinkOnDispose });
using var map = memory.Map();

// snippet: write
// The first 8 bytes say how many bytes of JSON follow. The serializer writes straight into the mapped bytes.
using (var writer = map.OpenWriter(offset: 8))
{
    using (var json = new Utf8JsonWriter(writer))
    {
        JsonSerializer.Serialize(json, new Forecast("Oslo", [-3.5, -1, 2.25]));
    }

    Volatile.Write(ref map.GetReference<long>(0), writer.WrittenCount);
}
// end

// snippet: read
// In any process: a stream over exactly these bytes.
using var shared = SharedMemoryObject.Open(name, FileMode.Open, FileAccess.Read);
using var view = shared.Map();
var length = Volatile.Read(in view.GetReadOnlyReference<long>(0));
using var stream = view.OpenStream(8, length);
var forecast = JsonSerializer.Deserialize<Forecast>(stream)!;
// end

Console.WriteLine($"{length} bytes of JSON in place: {forecast.City}, {string.Join(' ', forecast.Celsius)}");
return forecast.City == "Oslo" && forecast.Celsius.SequenceEqual([-3.5, -1, 2.25]) ? 0 : 1;

internal sealed record Forecast(string City, double[] Celsius);

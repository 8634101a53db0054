using System.Buffers;
using System.Text;
using NATS.Client.Core;

namespace Posix.SharedMemory.Bridge.Nats;

/// <summary>The headers of a bridge as those of NATS: lines of <c>Name: value</c> after a line with the version.</summary>
internal static class HeaderText
{
    /// <summary>Longer headers are not those of a bridge.</summary>
    private const int MostBytes = 1024;

    internal static NatsHeaders? ToNats(BridgeHeaders headers)
    {
        if (headers == default)
        {
            return null;
        }

        var nats = new NatsHeaders();
        Add(BridgeHeaders.FrameName, headers.Frame);
        Add(BridgeHeaders.DescriptionName, headers.Description);
        Add(BridgeHeaders.BatchName, headers.IsBatch ? "1" : null);
        Add(BridgeHeaders.LostName, headers.Lost);
        Add(BridgeHeaders.EndName, headers.End);
        return nats;

        void Add(string name, string? value)
        {
            if (value is not null)
            {
                nats.Add(name, value);
            }
        }
    }

    /// <summary>Reads headers that any program may have written. Headers that do not belong to a bridge are ignored.</summary>
    internal static BridgeHeaders Parse(in ReadOnlySequence<byte>? buffer)
    {
        if (buffer is not { Length: > 0 and <= MostBytes } bytes)
        {
            return default;
        }

        Span<byte> copy = stackalloc byte[MostBytes];
        bytes.CopyTo(copy);
        ReadOnlySpan<byte> rest = copy[..(int)bytes.Length];
        var headers = default(BridgeHeaders);
        while (!rest.IsEmpty)
        {
            var end = rest.IndexOf("\r\n"u8);
            var line = end < 0 ? rest : rest[..end];
            rest = end < 0 ? default : rest[(end + 2)..];
            var colon = line.IndexOf((byte)':');
            if (colon > 0)
            {
                headers = With(headers, line[..colon], line[(colon + 1)..].Trim((byte)' '));
            }
        }

        return headers;
    }

    private static BridgeHeaders With(BridgeHeaders headers, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value) =>
        name.SequenceEqual("Shm"u8) ? headers with { Frame = Encoding.ASCII.GetString(value) }
        : name.SequenceEqual("Shm-Frame"u8) ? headers with { Description = Encoding.ASCII.GetString(value) }
        : name.SequenceEqual("Shm-Batch"u8) ? headers with { IsBatch = value.SequenceEqual("1"u8) }
        : name.SequenceEqual("Shm-Lost"u8) ? headers with { Lost = Encoding.ASCII.GetString(value) }
        : name.SequenceEqual("Shm-End"u8) ? headers with { End = Encoding.ASCII.GetString(value) }
        : headers;
}

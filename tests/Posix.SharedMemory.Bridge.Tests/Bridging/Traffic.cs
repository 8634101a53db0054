namespace Posix.SharedMemory.Bridge.Tests.Bridging;

/// <summary>Messages that prove what they are.</summary>
internal static class Traffic
{
    internal static byte[] Message(Random random, int length)
    {
        var message = new byte[length];
        random.NextBytes(message);
        return message;
    }

    internal static (byte[] Bytes, ushort Type) ReadOne(MessageReader reader)
    {
        Assert.True(reader.WaitToRead(Watchdog.Limit));
        Assert.True(reader.TryRead(out MessageLease lease));
        using (lease)
        {
            return (lease.Span.ToArray(), lease.Type);
        }
    }

    /// <summary>Writes a number, and after it bytes that follow from it.</summary>
    internal static async Task WriteNumberAsync(MessageWriter writer, long number, int length)
    {
        var message = new byte[length];
        BitConverter.TryWriteBytes(message, number);
        message.AsSpan(8).Fill((byte)number);
        await writer.WriteAsync(message, (ushort)(number & 0xFFF));
    }

    /// <summary>Reads numbers until the channel is completed; each must be whole.</summary>
    internal static void ReadNumbers(MessageReader reader, List<long> numbers, Action<long>? arrived = null)
    {
        while (reader.WaitToRead(Watchdog.Limit))
        {
            while (reader.TryRead(out MessageLease lease))
            {
                using (lease)
                {
                    var number = BitConverter.ToInt64(lease.Span);
                    Assert.Equal((ushort)(number & 0xFFF), lease.Type);
                    Assert.False(lease.Span[8..].ContainsAnyExcept((byte)number), $"the message {number} has wrong bytes");
                    numbers.Add(number);
                    arrived?.Invoke(number);
                }
            }
        }

        Assert.True(reader.Completion.IsCompletedSuccessfully, "the channel was not completed in time");
    }
}

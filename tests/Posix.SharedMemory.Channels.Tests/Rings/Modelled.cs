namespace Posix.SharedMemory.Channels.Tests.Rings;

/// <summary>Random acts on a ring do what they do on a queue, with ends that are closed and opened again.</summary>
public sealed class Modelled
{
    [Fact]
    [Rule("ring.order")]
    public void A_ring_is_a_queue()
    {
        var seed = Environment.GetEnvironmentVariable("SHM_MODEL_SEED") is { Length: > 0 } text ? int.Parse(text, System.Globalization.CultureInfo.InvariantCulture) : Random.Shared.Next();
        var steps = Environment.GetEnvironmentVariable("SHM_MODEL_STEPS") is { Length: > 0 } many ? int.Parse(many, System.Globalization.CultureInfo.InvariantCulture) : 60_000;
        try
        {
            Run(new Random(seed), steps);
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"SHM_MODEL_SEED={seed}: {e.Message}", e);
        }
    }

    private static void Run(Random random, int steps)
    {
        using var ring = new Ring(1 << random.Next(12, 15), 8 << random.Next(4));
        var queue = new Queue<(byte[] Bytes, ushort Type)>();
        var most = ring.Writer.MaxMessageLength;
        for (var step = 0; step < steps; step++)
        {
            switch (random.Next(12))
            {
                case 0 or 1 or 2:
                    Write(random, ring, queue, most, (ushort)(step % 0xFF00));
                    break;
                case 3:
                    Reserve(random, ring, queue, most);
                    break;
                case 4:
                    Batch(random, ring, queue, most);
                    break;
                case 5:
                    Build(random, ring, queue, most);
                    break;
                case 6 or 7:
                    Assert.Equal(queue.Count > 0, ring.Reader.TryRead(out MessageLease lease));
                    if (queue.TryDequeue(out var expected))
                    {
                        Assert.True(lease.Span.SequenceEqual(expected.Bytes));
                        Assert.Equal(expected.Type, lease.Type);
                        lease.Dispose();
                    }

                    break;
                case 8:
                    Copy(random, ring, queue, most);
                    break;
                case 9:
                    Enumerate(random.Next(20), ring, queue);
                    break;
                case 10 when random.Next(10) == 0:
                    ring.ReopenReader();
                    break;
                case 11 when random.Next(10) == 0:
                    ring.ReopenWriter();
                    break;
                default:
                    Assert.Equal(queue.Count > 0, ring.Reader.WaitToReadOrKnown());
                    break;
            }

            Assert.Equal(queue.Count == 0, ring.Reader.Available == 0);
        }
    }

    private static byte[] Next(Random random, int most)
    {
        var message = new byte[random.Next(4) == 0 ? random.Next(most + 1) : random.Next(64)];
        random.NextBytes(message);
        return message;
    }

    private static void Write(Random random, Ring ring, Queue<(byte[] Bytes, ushort Type)> queue, int most, ushort type)
    {
        var message = Next(random, most);
        if (ring.Writer.TryWrite(message, type))
        {
            queue.Enqueue((message, type));
        }
        else
        {
            Assert.NotEmpty(queue);
        }
    }

    private static void Enumerate(int limit, Ring ring, Queue<(byte[] Bytes, ushort Type)> queue)
    {
        foreach (var found in ring.Reader.ReadAvailable())
        {
            var (bytes, type) = queue.Dequeue();
            Assert.True(found.Span.SequenceEqual(bytes));
            Assert.Equal(type, found.Type);
            if (limit-- == 0)
            {
                break;
            }
        }
    }

    private static void Reserve(Random random, Ring ring, Queue<(byte[] Bytes, ushort Type)> queue, int most)
    {
        var message = Next(random, most);
        if (ring.Writer.TryReserve(message.Length, out var reservation))
        {
            using (reservation)
            {
                message.CopyTo(reservation.Span);
                if (random.Next(3) > 0)
                {
                    var length = random.Next(message.Length + 1);
                    reservation.Commit(length, 7);
                    queue.Enqueue((message[..length], 7));
                }
            }
        }
    }

    private static void Batch(Random random, Ring ring, Queue<(byte[] Bytes, ushort Type)> queue, int most)
    {
        using var batch = ring.Writer.BeginBatch();
        for (var i = random.Next(20); i > 0; i--)
        {
            var message = Next(random, most);
            if (random.Next(2) == 0)
            {
                if (batch.TryWrite(message, 3))
                {
                    queue.Enqueue((message, 3));
                }
            }
            else if (batch.TryReserve(message.Length, out var span) && random.Next(4) > 0)
            {
                message.CopyTo(span);
                batch.Commit(message.Length, 4);
                queue.Enqueue((message, 4));
            }
        }
    }

    private static void Build(Random random, Ring ring, Queue<(byte[] Bytes, ushort Type)> queue, int most)
    {
        var message = Next(random, most);
        if (!ring.Writer.WaitToWrite(message.Length, TimeSpan.Zero))
        {
            return;
        }

        for (var at = 0; at < message.Length;)
        {
            var length = Math.Min(random.Next(1, 200), message.Length - at);
            message.AsSpan(at, length).CopyTo(random.Next(2) == 0 ? ring.Writer.GetSpan(length) : ring.Writer.GetMemory(length).Span);
            ring.Writer.Advance(length);
            at += length;
        }

        if (random.Next(4) == 0)
        {
            ring.Writer.CancelMessage();
        }
        else
        {
            ring.Writer.EndMessage(5);
            queue.Enqueue((message, 5));
        }
    }

    private static void Copy(Random random, Ring ring, Queue<(byte[] Bytes, ushort Type)> queue, int most)
    {
        var destination = new byte[random.Next(most)];
        var isRead = ring.Reader.TryRead(destination, out var length, out var type);
        if (queue.TryPeek(out var expected))
        {
            Assert.Equal((expected.Bytes.Length, expected.Type), (length, type));
            Assert.Equal(length <= destination.Length, isRead);
            if (isRead)
            {
                Assert.True(destination.AsSpan(0, length).SequenceEqual(expected.Bytes));
                queue.Dequeue();
            }
        }
        else
        {
            Assert.False(isRead);
        }
    }
}

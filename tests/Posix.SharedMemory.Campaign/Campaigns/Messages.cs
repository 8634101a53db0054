using System.Buffers.Binary;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Campaign;

/// <summary>A hostile sender sends anything with anything; the receiver takes memory only, keeps nothing open, and comes to an end.</summary>
internal sealed class Messages : FaultCampaign
{
    private static readonly SocketType[] s_types = [SocketType.Stream, SocketType.Seqpacket, SocketType.Dgram];

    internal override string Name => "hostile-messages";

    internal override double Share => 5;

    internal override IReadOnlyList<PlantedFault> Planted =>
    [
        new("a receiver that keeps a descriptor", session =>
        {
            using var arsenal = new Arsenal(session);
            using var pair = new SocketPair();
            var before = Open(arsenal);
            pair.Sender.SendHandlesAsync(new byte[1], [arsenal.Handles[0]]).AsTask().GetAwaiter().GetResult();
            var kept = pair.Receiver.ReceiveHandlesAsync(new byte[1], 1).AsTask().GetAwaiter().GetResult();
            LookAtDescriptors(session, arsenal, before);
            kept.Dispose();
        }),
        new("an object that is taken for whole and is not", session =>
        {
            using var memory = SharedMemoryObject.CreateAnonymous(100);
            LookAtObject(session, memory, MemorySeals.Shrink);
        }),
    ];

    internal override void Run(Session session)
    {
        using var arsenal = new Arsenal(session);
        Meet(session, arsenal, new(1));
        var before = Open(arsenal);
        foreach (var random in session.Rounds(atLeast: 200))
        {
            Watchdog.Run(() => { Meet(session, arsenal, random); return true; }, "a receiver whose sender has gone");
            if (session.Round % 50 == 0)
            {
                LookAtDescriptors(session, arsenal, before);
            }
        }

        LookAtDescriptors(session, arsenal, before);
    }

    /// <summary>The sender sends a few messages and hangs up; the receiver takes what comes, until the end.</summary>
    private static void Meet(Session session, Arsenal arsenal, Random random)
    {
        using var pair = new SocketPair(s_types[random.Next(s_types.Length)]);
        var messages = 1 + random.Next(6);
        for (var message = 0; message < messages; message++)
        {
            try
            {
                var (data, handles) = arsenal.Draw(random, pair.Sender.SocketType == SocketType.Stream);
                pair.Sender.SendHandlesAsync(data, handles).AsTask().GetAwaiter().GetResult();
                session.Count("messages");
                session.Count("descriptors sent", handles.Count);
            }
            catch (SharedMemoryException e) when (e.Errno == Errno.ETOOMANYREFS || e.Errno == Errno.EMSGSIZE)
            {
                // Only root may have more descriptors on the way than it may open.
                session.Count("messages that the kernel refused");
            }
        }

        pair.Sender.Dispose();
        while ((pair.Receiver.SocketType != SocketType.Dgram || pair.Receiver.Available > 0) && Receive(session, pair.Receiver, random))
        {
        }
    }

    /// <returns>Whether to go on.</returns>
    private static bool Receive(Session session, Socket receiver, Random random)
    {
        try
        {
            if (random.Next(4) == 0)
            {
                return ReceiveHandles(session, receiver, random);
            }

            var required = random.Next(2) == 0 ? MemorySeals.None : MemorySeals.Shrink | MemorySeals.Write;
            using var memory = receiver.ReceiveObjectAsync(required).AsTask().GetAwaiter().GetResult();
            LookAtObject(session, memory, required);
            session.Count("objects taken");
            return true;
        }
        catch (InvalidDataException)
        {
            session.Count("messages refused");
            return true;
        }
        catch (EndOfStreamException)
        {
            return false;
        }
        catch (SharedMemoryException e) when (e.Errno == Errno.ECONNRESET)
        {
            return false;
        }
    }

    private static bool ReceiveHandles(Session session, Socket receiver, Random random)
    {
        using var result = receiver.ReceiveHandlesAsync(new byte[1 + random.Next(40)], random.Next(5)).AsTask().GetAwaiter().GetResult();
        for (var at = 0; at < result.Handles.Count; at++)
        {
            try
            {
                using var memory = result.TakeObject(at);
                _ = memory.Read(new byte[100], 0);
                session.Count("objects taken");
            }
            catch (ArgumentException)
            {
                session.Count("descriptors refused");
            }
        }

        return result.BytesReceived > 0 || result.Handles.Count > 0;
    }

    private static void LookAtObject(Session session, SharedMemoryObject memory, MemorySeals required)
    {
        if ((memory.Seals & required) != required || memory.SafeFileHandle.IsInvalid || memory.Length < 0)
        {
            session.Violate($"an object was taken whose seals are {memory.Seals}, where {required} were required");
            return;
        }

        if (required == MemorySeals.None)
        {
            _ = memory.Read(new byte[100], 0);
        }
        else if (memory.Length > 0)
        {
            // Sealed against shrinking: every byte may be touched, whoever sent it.
            using var mapping = memory.Map(new() { Access = FileAccess.Read });
            _ = mapping.GetReadOnlySpan().Count((byte)1);
        }
    }

    /// <summary>How often this process has open what the sender sends; what else it has open is the runtime's affair.</summary>
    private static int Open(Arsenal arsenal) => Directory.GetFileSystemEntries("/proc/self/fd").Count(path => arsenal.Targets.Contains(new FileInfo(path).LinkTarget ?? ""));

    private static void LookAtDescriptors(Session session, Arsenal arsenal, int before)
    {
        var now = Open(arsenal);
        if (now != before)
        {
            session.Violate($"{now} descriptors are open of what was sent, where there were {before}");
        }
    }

    /// <summary>What a sender can lay hands on.</summary>
    private sealed class Arsenal : IDisposable
    {
        private readonly List<IDisposable> _owned = [];

        internal Arsenal(Session session)
        {
            var file = Keep(new TemporaryFile());
            var fifo = Keep(TemporaryName.Of(session.Prefix + "fifo"));
            Native.MakeFifo(fifo.Path);
            var (reader, writer) = Native.Pipe();
            var pair = Keep(new SocketPair());
            var named = Keep(SharedMemoryObject.Create(session.Prefix + "named", 5000));
            var whole = Sealed(5000, MemorySeals.Shrink | MemorySeals.Grow | MemorySeals.Write);
            Handles =
            [
                whole.SafeFileHandle, Sealed(100, MemorySeals.Shrink).SafeFileHandle, Sealed(5000, MemorySeals.None).SafeFileHandle, Sealed(0, MemorySeals.Shrink | MemorySeals.Write).SafeFileHandle,
                named.SafeFileHandle, Keep(reader), Keep(writer), pair.Sender.SafeHandle, Keep(Native.Open(file.Path, Native.O_RDWR)), Keep(Native.Open("/dev/shm", 0)), Keep(Native.Open("/", 0)),
                Keep(Native.Open("/dev/null", Native.O_RDWR)), Keep(Native.Open("/proc/self/stat", 0)), Keep(Native.Open(fifo.Path, Native.O_RDWR)), Keep(Native.Open(file.Path, Native.O_PATH)),
                Keep(Native.Open($"/proc/self/fd/{whole.SafeFileHandle.DangerousGetHandle()}", Native.O_PATH)), Keep(Native.Open("/dev/shm/" + named.Name, Native.O_WRONLY)),
                Keep(Native.Open("/dev/shm/" + named.Name, Native.O_PATH)),
            ];
            Targets = Handles.Select(handle => new FileInfo($"/proc/self/fd/{handle.DangerousGetHandle()}").LinkTarget ?? "").ToHashSet(StringComparer.Ordinal);
            Targets.Remove("/dev/null");
        }

        internal IReadOnlyList<SafeHandle> Handles { get; }

        /// <summary>Gets what the descriptors stand for, as /proc tells it; without what every program has open.</summary>
        internal HashSet<string> Targets { get; }

        internal (byte[] Data, IReadOnlyList<SafeHandle> Handles) Draw(Random random, bool isStream)
        {
            var data = new byte[random.Next(6) == 0 ? random.Next(isStream ? 1 : 0, 40) : 16];
            random.NextBytes(data);
            if (random.Next(6) != 0 && data.Length >= 8)
            {
                ((ReadOnlySpan<byte>)[0x53, 0x48, 0x4D, 0x4F, 0x42, 0x4A, 0, (byte)(random.Next(8) == 0 ? random.Next(256) : 1)]).CopyTo(data);
            }

            if (data.Length >= 16)
            {
                BinaryPrimitives.WriteInt64LittleEndian(data.AsSpan(8), random.Next(5) switch { 0 => random.NextInt64(long.MinValue, long.MaxValue), 1 => 5000, 2 => 5001, _ => 0 });
            }

            var count = data.Length == 0 && isStream ? 0 : random.Next(10) switch { 0 => 0, 1 => random.Next(2, 254), 2 => 2, _ => 1 };
            return (data, [.. Enumerable.Range(0, count).Select(_ => Handles[random.Next(random.Next(2) == 0 ? 5 : Handles.Count)])]);
        }

        public void Dispose() => _owned.ForEach(owned => owned.Dispose());

        private SharedMemoryObject Sealed(long length, MemorySeals seals)
        {
            var memory = Keep(SharedMemoryObject.CreateAnonymous(length));
            memory.AddSeals(seals);
            return memory;
        }

        private T Keep<T>(T owned)
            where T : IDisposable
        {
            _owned.Add(owned);
            return owned;
        }
    }
}

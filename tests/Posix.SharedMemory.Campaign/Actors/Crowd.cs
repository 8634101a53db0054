using System.Net.Sockets;

namespace Posix.SharedMemory.Campaign;

/// <summary>Roles that share names with others, and are killed and stopped at any moment: <c>ROLE PREFIX SEED</c>.</summary>
internal static class Crowd
{
    internal const int Published = 3, Renamed = 4;
    internal const UnixFileMode Permissions = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;

    /// <summary>Makes objects whose names say how long they are and whether their memory is reserved, and removes them.</summary>
    internal static void Create(string[] arguments)
    {
        var (prefix, random) = (arguments[0], new Random(Actor.Number(arguments[1])));
        Actor.UntilTold(round =>
        {
            var length = random.Next(1, 1 << 18);
            var backing = random.Next(2) == 0 ? Backing.Reserved : Backing.Sparse;
            var name = $"{prefix}c-{backing}-{Actor.Text(length)}-{Actor.Text(Environment.ProcessId)}-{Actor.Text(round % 3)}";
            var options = new SharedMemoryOptions { Permissions = Permissions, Backing = backing, Lifetime = (Lifetime)random.Next(3) };
            using var memory = random.Next(2) == 0
                ? SharedMemoryObject.Create(name, length, options)
                : SharedMemoryObject.OpenOrCreate(name, length, out _, options);
            if (options.Lifetime == Lifetime.Keep)
            {
                memory.Unlink();
            }
        });
    }

    /// <summary>Fills objects and publishes them over one of a few names that are always taken.</summary>
    internal static void Publish(string[] arguments)
    {
        var (prefix, random) = (arguments[0], new Random(Actor.Number(arguments[1])));
        Actor.UntilTold(round => PublishOne(prefix, $"{prefix}p{Actor.Text(random.Next(Published))}", round, random));
    }

    /// <summary>Publishes a payload by either way of writing it.</summary>
    internal static void PublishOne(string tag, string name, long number, Random random)
    {
        var bytes = Payload.Make(tag, number, random.Next(1 << 16), random);
        using var memory = SharedMemoryObject.CreateUnpublished(bytes.Length);
        if (random.Next(2) == 0)
        {
            memory.Write(bytes, 0);
        }
        else
        {
            using var mapping = memory.Map();
            bytes.CopyTo(mapping.GetSpan());
        }

        memory.Publish(name, RenameMode.Replace);
    }

    /// <summary>Exchanges names, one of which is free: no object may get lost, whoever is killed.</summary>
    internal static void Rename(string[] arguments)
    {
        var (prefix, random) = (arguments[0], new Random(Actor.Number(arguments[1])));
        Actor.UntilTold(_ =>
        {
            try
            {
                SharedMemoryObject.Rename($"{prefix}r{Actor.Text(random.Next(Renamed))}", $"{prefix}r{Actor.Text(random.Next(Renamed))}", RenameMode.Exchange);
            }
            catch (SharedMemoryException e) when (e.Errno == Errno.ENOENT)
            {
                // It was the free one.
            }
        });
    }

    /// <summary>Claims slots at the end of one object, makes it as long as they need, and fills them.</summary>
    internal static void Grow(string[] arguments)
    {
        using var region = MappedRegion.Attach("/dev/shm/" + Slots.NameIn(arguments[0]), new() { AddressSpace = Slots.MostBytes });
        Actor.UntilTold(round =>
        {
            Slots.Claim(region);
            if (round % 16 == 0)
            {
                Thread.Sleep(1);
            }
        });
    }

    /// <summary>Becomes a member and leaves; the name stays while this member lives.</summary>
    internal static void Member(string[] arguments)
    {
        var (prefix, random) = (arguments[0], new Random(Actor.Number(arguments[1])));
        var options = new SharedMemoryOptions { Lifetime = Lifetime.UnlinkOnLastDispose };
        Actor.UntilTold(round =>
        {
            try
            {
                using var memory = SharedMemoryObject.OpenOrCreate(prefix + "l", 64, out _, options);
                Thread.SpinWait(random.Next(2000));
                if (memory.IsUnlinked)
                {
                    throw new InvalidOperationException($"In round {round} the name is gone, while this user lives.");
                }
            }
            catch (SharedMemoryException e) when (e.Errno == Errno.EAGAIN)
            {
                // The last user has been stopped while removing the name, for longer than this one waits.
            }
        });
    }

    /// <summary>Receives sealed objects over a socket and checks them; the socket ends when all is over: <c>receive PREFIX SEED SOCKET</c>.</summary>
    internal static void Receive(string[] arguments)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Connect(new UnixDomainSocketEndPoint(arguments[2]));
        var ended = false;
        Actor.UntilTold(_ =>
        {
            try
            {
                if (ended)
                {
                    Thread.Sleep(1);
                    return;
                }

                using var memory = socket.ReceiveObjectAsync(MemorySeals.Shrink | MemorySeals.Write).AsTask().GetAwaiter().GetResult();
                if (Payload.Check(memory, arguments[0], out var _) is { } complaint)
                {
                    throw new InvalidOperationException($"Received: {complaint}.");
                }
            }
            catch (EndOfStreamException)
            {
                ended = true;
            }
            catch (SharedMemoryException e) when (e.Errno == Errno.ECONNRESET)
            {
                ended = true;
            }
        });
    }

    /// <summary>Makes, grows and leaves file-backed regions in a directory: those called <c>auto</c> never have a name, those called <c>own</c> are as long as they say.</summary>
    internal static void Region(string[] arguments)
    {
        var (directory, random) = ($"/dev/shm/{arguments[0]}d", new Random(Actor.Number(arguments[1])));
        Actor.UntilTold(_ =>
        {
            var cleanup = random.Next(2) == 0 ? FileCleanup.Immediate : FileCleanup.OnDispose;
            var length = random.Next(1, 1 << 17);
            var name = $"{(cleanup == FileCleanup.Immediate ? "auto" : "own")}-{Actor.Text(length)}-{Actor.Text(Environment.ProcessId)}";
            using var region = MappedRegion.Create(Path.Combine(directory, name), length, cleanup, new() { AddressSpace = 1 << 20 });
            region.Mapping.GetSpan().Fill(1);
            region.Resize(length + random.Next(1, 1 << 17));
            if (region.Mapping.GetReadOnlySpan(length, (int)(region.Length - length)).ContainsAnyExcept((byte)0))
            {
                throw new InvalidOperationException("What the region grew by is not zero.");
            }
        });
    }
}

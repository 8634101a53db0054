using System.Globalization;
using System.Net.Sockets;

namespace Posix.SharedMemory.Campaign;

/// <summary>The names that a crowd shares, and what has to hold of them at every moment and when all is quiet.</summary>
internal sealed class CrowdScene : IDisposable
{
    private readonly Session _session;
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("campaign");
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly Lock _lock = new();
    private readonly List<Socket> _accepted = [];

    /// <summary>Makes what is there from the start.</summary>
    internal CrowdScene(Session session)
    {
        _session = session;
        for (var number = 0; number < Crowd.Published; number++)
        {
            Crowd.PublishOne(Prefix, $"{Prefix}p{Actor.Text(number)}", number, new(number));
        }

        for (var number = 0; number < Crowd.Renamed - 1; number++)
        {
            Crowd.PublishOne(Prefix, $"{Prefix}r{Actor.Text(number)}", number, new(number));
        }

        Slots.Create(Prefix);
        Directory.CreateDirectory(RegionDirectory);
        _listener.Bind(new UnixDomainSocketEndPoint(SocketPath));
        _listener.Listen();
        new Thread(Accept) { IsBackground = true }.Start();
    }

    internal string Prefix => _session.Prefix;

    internal string SocketPath => Path.Combine(_directory.FullName, "socket");

    private string RegionDirectory => $"/dev/shm/{Prefix}d";

    /// <summary>Whoever has a role, in the figures.</summary>
    internal static string Doer(string role) => role switch
    {
        "create" => "creators",
        "publish" => "publishers",
        "rename" => "renamers",
        "grow" => "growers",
        "member" => "members",
        "receive" => "receivers",
        _ => "region owners",
    };

    internal static bool IsStopped(Peer peer) => File.ReadAllText($"/proc/{peer.ProcessId}/stat").Contains(") T ", StringComparison.Ordinal);

    /// <summary>What is true at every moment, whichever process has been killed or stopped.</summary>
    internal void Look()
    {
        Watchdog.Run(
            () =>
            {
                LookAtCreated();
                LookAtPublished();
                LookAtRenamed();
                LookAtRegions();
                LookAtSlots();
                return true;
            },
            "a look at all objects");
        _session.Count("looks at all names");
    }

    /// <summary>What other processes can do while one is stopped.</summary>
    internal void GoOn(Random random) => Watchdog.Run(
        () =>
        {
            Crowd.PublishOne(Prefix, $"{Prefix}p{Actor.Text(random.Next(Crowd.Published))}", 99, random);
            var name = Prefix + "c-mine";
            using (SharedMemoryObject.Create(name, 5000))
            {
                SharedMemoryObject.Rename(name, name + "-2", RenameMode.Exchange);
                SharedMemoryObject.Unlink(name + "-2");
            }

            return true;
        },
        "the survivors");

    /// <summary>Ends the sockets of the receivers.</summary>
    internal void HangUp()
    {
        lock (_lock)
        {
            _accepted.ForEach(socket => socket.Dispose());
            _accepted.Clear();
        }
    }

    /// <summary>Has a process leave in order.</summary>
    internal void Finish(Peer peer, string role)
    {
        var (exitCode, _, errors) = peer.Finish();
        if (exitCode != 0)
        {
            _session.Violate($"{role} ended with {exitCode.ToString(CultureInfo.InvariantCulture)}: {errors}");
        }
    }

    /// <summary>What holds when nobody is left: the survivor is this process.</summary>
    internal void LookWhenQuiet()
    {
        Look();
        var numbers = new List<long>();
        for (var at = 0; at < Crowd.Renamed; at++)
        {
            if (SharedMemoryObject.TryOpen($"{Prefix}r{Actor.Text(at)}", FileAccess.Read, out var memory))
            {
                using (memory)
                {
                    _ = Payload.Check(memory, Prefix, out var number);
                    numbers.Add(number);
                }
            }
        }

        Demand(numbers.Order().SequenceEqual([0, 1, 2]), $"of the objects 0 1 2 that were only exchanged, there are {string.Join(' ', numbers)}");

        // The membership is taken over, and ends with the member that leaves cleanly. The growth goes on.
        SharedMemoryObject.OpenOrCreate(Prefix + "l", 64, out _, new() { Lifetime = Lifetime.UnlinkOnLastDispose }).Dispose();
        Demand(!TemporaryName.Of(Prefix + "l").Exists, "a name is left though its last user has left in order");
        using (var region = MappedRegion.Attach("/dev/shm/" + Slots.NameIn(Prefix), new() { AddressSpace = Slots.MostBytes }))
        {
            Watchdog.Run(() => { Slots.Claim(region); return true; }, "growth after the end of the others");
        }

        // A name that is taken can be published over, and what others left on the way there can be removed.
        Crowd.PublishOne(Prefix, $"{Prefix}p0", 0, new(0));
        _ = MappedRegion.RemoveAbandonedTemporaries("/dev/shm");
        Demand(Leftovers.TemporariesOf(Prefix) is [], $"temporary names are left: {string.Join(' ', Leftovers.TemporariesOf(Prefix))}");
        foreach (var path in Leftovers.Paths(Prefix + "c").Concat(Directory.GetFileSystemEntries(RegionDirectory)))
        {
            _session.Count("complete objects left by the killed, and removed");
            File.Delete(path);
        }

        var (_, full, hasRoom) = Slots.Check(Prefix);
        _session.Count("slots grown and whole", full);
        if (!hasRoom)
        {
            SharedMemoryObject.Unlink(Slots.NameIn(Prefix));
            Slots.Create(Prefix);
        }

        _session.Count("times all left, and nothing else was there");
    }

    public void Dispose()
    {
        _listener.Dispose();
        HangUp();
        _directory.Delete(recursive: true);
    }

    private void LookAtCreated()
    {
        foreach (var entry in SharedMemoryDirectory.Enumerate().Where(entry => entry.Name.StartsWith(Prefix + "c-", StringComparison.Ordinal)))
        {
            if (entry.Name[(Prefix.Length + 2)..].Split('-') is [var backing, var length, _, _])
            {
                Demand(
                    entry.Length == Actor.Number(length) && entry.Permissions == Crowd.Permissions
                    && (backing == nameof(Backing.Sparse) || entry.AllocatedBytes >= entry.Length),
                    $"{entry.Name} has {entry.Length} bytes, {entry.AllocatedBytes} of them allocated, and {entry.Permissions}");
                _session.Count("created objects found complete");
            }
        }
    }

    private void LookAtPublished()
    {
        for (var number = 0; number < Crowd.Published; number++)
        {
            var name = $"{Prefix}p{Actor.Text(number)}";
            using var memory = SharedMemoryObject.Open(name, access: FileAccess.Read);
            Demand(Payload.Check(memory, Prefix, out _) is null, $"{name} is torn: {Payload.Check(memory, Prefix, out _)}");
            _session.Count("published objects found whole");
        }
    }

    private void LookAtRenamed()
    {
        for (var number = 0; number < Crowd.Renamed; number++)
        {
            var name = $"{Prefix}r{Actor.Text(number)}";
            if (SharedMemoryObject.TryOpen(name, FileAccess.Read, out var memory))
            {
                using (memory)
                {
                    Demand(Payload.Check(memory, Prefix, out _) is null, $"{name} is torn");
                }
            }
        }
    }

    private void LookAtRegions()
    {
        foreach (var file in new DirectoryInfo(RegionDirectory).EnumerateFiles())
        {
            try
            {
                Demand(!file.Name.StartsWith("auto", StringComparison.Ordinal), $"the region {file.Name} has a name");
                if (file.Name.Split('-') is ["own", var length, _])
                {
                    file.Refresh();
                    Demand(!file.Exists || file.Length >= Actor.Number(length), $"the region {file.Name} has {(file.Exists ? file.Length : 0)} bytes");
                }
            }
            catch (FileNotFoundException)
            {
                // Its owner has left in order meanwhile.
            }
        }
    }

    private void LookAtSlots()
    {
        if (Slots.Check(Prefix).Complaint is { } complaint)
        {
            _session.Violate(complaint);
        }
    }

    private void Demand(bool condition, string complaint)
    {
        if (!condition)
        {
            _session.Violate(complaint);
        }
    }

    /// <summary>Sends sealed objects to each receiver until it is gone.</summary>
    private void Accept()
    {
        while (true)
        {
            Socket socket;
            try
            {
                socket = _listener.Accept();
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return;
            }

            lock (_lock)
            {
                _accepted.Add(socket);
            }

            new Thread(() => Send(socket)) { IsBackground = true }.Start();
        }
    }

    private void Send(Socket socket)
    {
        var random = new Random(1);
        try
        {
            for (var number = 0L; ; number++)
            {
                var bytes = Payload.Make(Prefix, number, random.Next(1 << 14), random);
                using var memory = SharedMemoryObject.CreateAnonymous(bytes.Length);
                memory.Write(bytes, 0);
                memory.AddSeals(MemorySeals.Shrink | MemorySeals.Grow | MemorySeals.Write);
                socket.SendObjectAsync(memory).AsTask().GetAwaiter().GetResult();
                _session.Count("objects sent to receivers");
            }
        }
        catch (Exception e) when (e is ObjectDisposedException || (e is SharedMemoryException failure && (failure.Errno == Errno.EPIPE || failure.Errno == Errno.ECONNRESET)))
        {
            // The receiver has been killed, or all is to be quiet.
        }
        catch (Exception e)
        {
            _session.Violate($"sending to a receiver that was killed: {e}");
        }
    }
}

using System.IO.Pipes;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;

namespace Posix.SharedMemory.Testing;

/// <summary>The operations there are, each in the situations that lead it to different system calls.</summary>
internal static class FaultPaths
{
    private const long Large = (1 << 20) + 4096;

    private static readonly SharedMemoryOptions s_membership = new() { Lifetime = Lifetime.UnlinkOnLastDispose };

    internal static IReadOnlyList<FaultPath> All { get; } = [.. Opening(), .. Creating(), .. Anonymous(), .. Publishing(), .. Naming(), .. Sizing(), .. Copying(), .. Asking(), .. Closing()];

    private static IEnumerable<FaultPath> Opening()
    {
        foreach (var mode in new[] { FileMode.Open, FileMode.OpenOrCreate, FileMode.Create, FileMode.Truncate })
        {
            yield return new($"Open {mode} existing", scene => scene.Create(5000), scene => scene.Keep(SharedMemoryObject.Open(scene.Name, mode)));
        }

        foreach (var mode in new[] { FileMode.CreateNew, FileMode.OpenOrCreate, FileMode.Create })
        {
            yield return new($"Open {mode} missing", _ => { }, scene => scene.Keep(SharedMemoryObject.Open(scene.Name, mode)));
        }

        yield return new("Open read", scene => scene.Create(5000), scene => scene.Keep(SharedMemoryObject.Open(scene.Name, access: FileAccess.Read)));
        yield return new("Open as a member", WithMembers, scene => scene.Keep(SharedMemoryObject.Open(scene.Name)));
        yield return new("TryOpen", scene => scene.Create(5000), scene => TryOpen(scene));
        yield return new("TryOpen joining", WithMembers, scene =>
        {
            if (SharedMemoryObject.TryOpen(scene.Name, new SharedMemoryOptions { Lifetime = Lifetime.UnlinkOnLastDispose, OnConflict = NameConflict.ReplaceAbandoned }, out var memory))
            {
                scene.Keep(memory);
            }
        });
        yield return new("TryOpen resuming", LeftBehind, Resume);
        yield return new("FromHandle", scene => scene.Create(5000), scene => SharedMemoryObject.FromHandle(scene.Memory.SafeFileHandle));
    }

    /// <summary>What a new object does not have by itself, so that it must be set.</summary>
    private const UnixFileMode Readable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;

    private static IEnumerable<FaultPath> Creating()
    {
        foreach (var backing in Enum.GetValues<Backing>())
        {
            foreach (var lifetime in Enum.GetValues<Lifetime>())
            {
                var options = new SharedMemoryOptions { Backing = backing, Lifetime = lifetime, Permissions = Readable };
                yield return new(
                    $"Create {backing} {lifetime}", _ => { }, scene => scene.Keep(SharedMemoryObject.Create(scene.Name, Large + 1, options)));
                yield return new(
                    $"OpenOrCreate {backing} {lifetime} missing", _ => { },
                    scene => scene.Keep(SharedMemoryObject.OpenOrCreate(scene.Name, 5000, out var _, options)));
            }

            yield return new(
                $"CreateUnpublished {backing}", _ => { }, scene => scene.Keep(SharedMemoryObject.CreateUnpublished(Large, new() { Backing = backing, Permissions = Readable })));
        }

        yield return new(
            "OpenOrCreate existing", scene => scene.Create(100), scene => scene.Keep(SharedMemoryObject.OpenOrCreate(scene.Name, 5000, out _)));
        yield return new(
            "OpenOrCreate joining members", WithMembers, scene => scene.Keep(SharedMemoryObject.OpenOrCreate(scene.Name, 5000, out _, s_membership)));
        yield return new(
            "OpenOrCreate joining nobody", scene => scene.Create(100),
            scene => scene.Keep(SharedMemoryObject.OpenOrCreate(scene.Name, 5000, out _, s_membership)));
    }

    private static IEnumerable<FaultPath> Anonymous()
    {
        foreach (var options in new AnonymousMemoryOptions[] { new(), new() { AllowSealing = false }, new() { Executable = true }, new() { Backing = Backing.Sparse } })
        {
            yield return new(
                $"CreateAnonymous {options.Backing} {(options.AllowSealing ? "sealable" : "unsealable")}{(options.Executable ? " executable" : "")}", _ => { },
                scene => scene.Keep(SharedMemoryObject.CreateAnonymous(Large, options)));
        }

        yield return new("Seals", scene => scene.CreateAnonymous(), scene => _ = scene.Memory.Seals);
        yield return new("AddSeals", scene => scene.CreateAnonymous(), scene => scene.Memory.AddSeals(MemorySeals.Grow | MemorySeals.Shrink));
        yield return new("SetLength grow sealed against writing", scene => scene.CreateAnonymous(MemorySeals.Write), scene => scene.Memory.SetLength(9001));
        yield return new(
            "Map read-only sealed against writing", scene => scene.CreateAnonymous(MemorySeals.Write),
            scene => scene.Keep(scene.Memory.Map(new() { Access = FileAccess.Read })));
        yield return new(
            "IsStable",
            scene =>
            {
                scene.CreateAnonymous();
                scene.Mapping = scene.Keep(scene.Memory.Map());
                scene.AddSealsFromElsewhere(MemorySeals.Shrink);
            },
            scene => _ = scene.Mapping!.IsStable);
    }

    private static IEnumerable<FaultPath> Publishing()
    {
        foreach (var lifetime in Enum.GetValues<Lifetime>())
        {
            yield return new(
                $"Publish NoReplace {lifetime}", scene => scene.CreateUnpublished(lifetime), scene => scene.Memory.Publish(scene.Name));
            yield return new(
                $"Publish Replace {lifetime} free", scene => scene.CreateUnpublished(lifetime),
                scene => scene.Memory.Publish(scene.Name, RenameMode.Replace));
            yield return new(
                $"Publish Replace {lifetime} taken",
                scene =>
                {
                    scene.CreateUnpublished(lifetime);
                    scene.Occupy();
                },
                scene => scene.Memory.Publish(scene.Other, RenameMode.Replace));
        }
    }

    private static IEnumerable<FaultPath> Naming()
    {
        foreach (var mode in Enum.GetValues<RenameMode>())
        {
            yield return new($"Rename {mode} to a free name", scene => scene.Create(100), scene => SharedMemoryObject.Rename(scene.Name, scene.Other, mode));
        }

        foreach (var mode in new[] { RenameMode.Replace, RenameMode.Exchange })
        {
            yield return new(
                $"Rename {mode} to a taken name",
                scene =>
                {
                    scene.Create(100);
                    scene.Occupy();
                },
                scene => SharedMemoryObject.Rename(scene.Name, scene.Other, mode));
        }

        yield return new("Exists", scene => scene.Create(100), scene => SharedMemoryObject.Exists(scene.Name));
        yield return new("Rename own", scene => scene.Create(100), scene => scene.Memory.Rename(scene.Other, RenameMode.NoReplace));
        yield return new(
            "OpenWhenReady", scene => scene.Create(100),
            scene => scene.Keep(SharedMemoryObject.OpenWhenReadyAsync(scene.Name).AsTask().GetAwaiter().GetResult()));
        yield return new("Unlink name", scene => scene.Create(100), scene => SharedMemoryObject.Unlink(scene.Name));
        yield return new("TryUnlink", scene => scene.Create(100), scene => SharedMemoryObject.TryUnlink(scene.Name));
        yield return new("Unlink object", scene => scene.Create(100), scene => scene.Memory.Unlink());
        yield return new("IsUnlinked", scene => scene.Create(100), scene => _ = scene.Memory.IsUnlinked);
        yield return new("UnlinkOnDispose made", scene => scene.Create(100), scene => scene.Keep(new NameOwner(scene.Memory)));
        yield return new("Entry opened", scene => scene.Create(100), scene => scene.Keep(EntryOf(scene).Open())) { DependsOnNeighbours = true };
        yield return new("Entry asked", scene => scene.Create(100), scene => EntryOf(scene).IsHeld()) { DependsOnNeighbours = true };
        yield return new("Entry SetPermissions", scene => scene.Create(100), scene => EntryOf(scene).SetPermissions(UnixFileMode.UserRead)) { DependsOnNeighbours = true };
        yield return new("Entry unlinked", scene => scene.Create(100), scene => EntryOf(scene).Unlink()) { DependsOnNeighbours = true };
    }

    private static IEnumerable<FaultPath> Sizing()
    {
        foreach (var backing in Enum.GetValues<Backing>())
        {
            yield return new($"SetLength grow {backing}", scene => scene.Create(8192, backing), scene => scene.Memory.SetLength(Large + 5, backing));
            yield return new($"SetLength grow unaligned {backing}", scene => scene.Create(5000, backing), scene => scene.Memory.SetLength(9001, backing));
        }

        yield return new("SetLength received", scene =>
        {
            scene.CreateAnonymous();
            scene.Memory = scene.Keep(SharedMemoryObject.FromHandle(Native.Duplicate(scene.Memory.SafeFileHandle)));
        }, scene => scene.Memory.SetLength(9001));
        yield return new("SetLength shrink", scene => scene.Create(5000), scene => scene.Memory.SetLength(3));
        yield return new("Reserve", scene => scene.Create(Large, Backing.Sparse), scene => scene.Memory.Reserve(0, Large));
        yield return new("Discard", scene => scene.Create(50000), scene => scene.Memory.Discard(5, 40000));
        yield return new(
            "GetAllocatedRanges",
            scene =>
            {
                scene.Create(9 * 4096, Backing.Sparse);
                scene.Memory.Write("x"u8, 5 * 4096);
            },
            scene => scene.Memory.GetAllocatedRanges());
        yield return new("Map", scene => scene.Create(5000), scene => scene.Keep(scene.Memory.Map()));
        yield return new(
            "Map part with options", scene => scene.Create(50000),
            scene => scene.Keep(scene.Memory.Map(4097, 100, new() { AdviseHugePages = true, Populate = true, Private = true })));
    }

    private static IEnumerable<FaultPath> Copying()
    {
        yield return new("Read", scene => scene.Create(5000), scene => scene.Memory.Read(new byte[5000], 0));
        yield return new("Write dense", scene => scene.Create(50000), scene => scene.Memory.Write(new byte[40000], 1));
        yield return new("Write sparse", scene => scene.Create(Large, Backing.Sparse), scene => scene.Memory.Write(new byte[Large - 1], 1));
        yield return new(
            "CopyTo pipe", scene => scene.Create(5000),
            scene =>
            {
                using var pipe = new AnonymousPipeServerStream(PipeDirection.Out);
                scene.Memory.CopyTo(pipe.SafePipeHandle);
            });
        yield return new("CopyFrom memory", scene => scene.Create(5000), CopyFrom);
        yield return new("CopyFrom pipe", scene => scene.Create(5000), CopyFromPipe);
        yield return new("CopyTo memory", scene => scene.Create(5000), scene => CopyTo(scene, append: false));
        yield return new("CopyTo append-only", scene => scene.Create(5000), scene => CopyTo(scene, append: true));
        yield return new("CopyToAsync", scene => scene.Create(300_000), scene => CopyToSocket(scene)) { Calls = 6, DependsOnNeighbours = true };
    }

    private static IEnumerable<FaultPath> Asking()
    {
        yield return new("Length", scene => scene.Create(5000), scene => _ = scene.Memory.Length);
        yield return new("GetStatus", scene => scene.Create(5000), scene => scene.Memory.GetStatus());
        yield return new("Permissions read", scene => scene.Create(5000), scene => _ = scene.Memory.Permissions);
        yield return new("Owner set", scene => scene.Create(5000), scene => scene.Memory.SetOwner(null, null));
        yield return new(
            "Create for a group", _ => { },
            scene => scene.Keep(SharedMemoryObject.Create(scene.Name, 5000, new() { GroupId = Native.getegid(), Permissions = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.SetGroup })));
        yield return new("Permissions set", scene => scene.Create(5000), scene => scene.Memory.Permissions = UnixFileMode.UserRead);
        yield return new("Enumerate", scene => scene.Create(5000), scene => Demand(SharedMemoryDirectory.Enumerate().All(entry => entry.Name != scene.Other.Name))) { DependsOnNeighbours = true, Calls = 8 };
        yield return new("Watch", _ => { }, scene => scene.Keep(SharedMemoryDirectory.Watch()));
        yield return new(
            "GetPageStates",
            scene =>
            {
                scene.Create(9 * 4096, Backing.Sparse);
                scene.Memory.Write("x"u8, 5 * 4096);
            },
            scene => scene.Memory.GetPageStates());
        yield return new("FindHugePages", scene => scene.Create(5000), scene => scene.Memory.FindHugePages()) { DependsOnNeighbours = true, Calls = 2 };
        yield return new("GetUsage", _ => { }, _ => SharedMemoryDirectory.GetUsage());
        yield return new("IndexHolders", _ => { }, _ => SharedMemoryDirectory.IndexHolders()) { DependsOnNeighbours = true, Calls = 2 };
        yield return new("EnumerateUnnamed", _ => { }, _ => Demand(SharedMemoryDirectory.EnumerateUnnamed().All(found => found.DebugName is not null))) { DependsOnNeighbours = true, Calls = 1 };
        yield return new(
            "OpenDescriptor", scene => scene.Create(5000),
            scene => scene.Keep(SharedMemoryDirectory.OpenDescriptor(Environment.ProcessId, (int)scene.Memory.SafeFileHandle.DangerousGetHandle())));
        yield return new("HasOtherMembers", scene => scene.Create(5000), scene => Demand(!scene.Memory.HasOtherMembers));
        yield return new("GetHolders", scene => scene.Create(5000), scene => SharedMemoryDirectory.GetHolders(scene.Name))
        {
            DependsOnNeighbours = true,
            Calls = 2,
        };
    }

    private static IEnumerable<FaultPath> Closing()
    {
        foreach (var lifetime in new[] { Lifetime.UnlinkOnDispose, Lifetime.UnlinkOnLastDispose })
        {
            yield return new($"Dispose {lifetime}", scene => scene.Create(5000, lifetime: lifetime), scene => scene.Memory.Dispose()) { Closes = true };
        }

        yield return new(
            "Dispose of a reader that is a member",
            scene =>
            {
                WithMembers(scene);
                var reader = SharedMemoryObject.Open(scene.Name, access: FileAccess.Read);
                scene.Memory.Dispose();
                scene.Memory = scene.Keep(reader);
            },
            scene => scene.Memory.Dispose()) { Closes = true };
        yield return new(
            "Dispose of an UnlinkOnDispose",
            scene =>
            {
                scene.Create(100);
                scene.Owner = scene.Keep(new NameOwner(scene.Memory));
            },
            scene => scene.Owner!.Dispose());
    }

    private static void WithMembers(FaultScene scene) => scene.Create(5000, lifetime: Lifetime.UnlinkOnLastDispose);

    private static void TryOpen(FaultScene scene)
    {
        if (SharedMemoryObject.TryOpen(scene.Name, FileAccess.Read, out var memory))
        {
            scene.Keep(memory);
        }
    }

    private static void Resume(FaultScene scene)
    {
        if (SharedMemoryObject.TryOpen(scene.Name, s_membership, out var memory))
        {
            scene.Keep(memory);
        }
    }

    private static void LeftBehind(FaultScene scene) => SharedMemoryObject.Create(scene.Name, 5000, new() { Lifetime = Lifetime.UnlinkOnDispose }).SafeFileHandle.Dispose();

    private static SharedMemoryEntry EntryOf(FaultScene scene) =>
        SharedMemoryDirectory.Enumerate().FirstOrDefault(entry => entry.Name == scene.Name.Name)
        ?? throw new SharedMemoryException(Errno.ENOENT, "getdents64");

    private static void CopyFrom(FaultScene scene)
    {
        using var file = new TemporaryFile();
        File.WriteAllBytes(file.Path, Pattern.Of(5000));
        using var source = Native.Open(file.Path, Native.O_RDONLY);
        Demand(scene.Memory.CopyFrom(source) == 5000);
        var copied = new byte[5000];
        Demand(scene.Memory.Read(copied, 0) == 5000);
        Demand(copied.AsSpan().SequenceEqual(Pattern.Of(5000)));
    }

    private static void CopyFromPipe(FaultScene scene)
    {
        var (reader, writer) = Native.Pipe(0);
        using (reader)
        {
            using (var into = new FileStream(writer, FileAccess.Write))
            {
                into.Write(Pattern.Of(5000));
            }

            Demand(scene.Memory.CopyFrom(reader) == 5000);
        }
    }

    private static void CopyTo(FaultScene scene, bool append)
    {
        const int WriteOnly = 1, Append = 0x400, Create = 0x40;
        var path = System.Text.Encoding.UTF8.GetBytes(scene.Other.Path + '\0');
        {
            using var destination = new SafeFileHandle(Libc.open(ref path[0], WriteOnly | Create | (append ? Append : 0), 0x180), ownsHandle: true);
            try
            {
                Demand(scene.Memory.CopyTo(destination) == 5000);
            }
            finally
            {
                File.Delete(scene.Other.Path);
            }
        }
    }

    private static void CopyToSocket(FaultScene scene)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var sender = new Socket(SocketType.Stream, ProtocolType.Tcp);
        sender.Connect(listener.LocalEndpoint);
        using var receiver = listener.AcceptSocket();
        var drained = Task.Run(() =>
        {
            var total = 0L;
            for (var buffer = new byte[1 << 16]; receiver.Receive(buffer) is var count and > 0;)
            {
                total += count;
            }

            return total;
        });
        try
        {
            Demand(scene.Memory.CopyToAsync(sender).AsTask().GetAwaiter().GetResult() == 300_000);
        }
        finally
        {
            sender.Dispose();
            drained.Wait();
        }

        Demand(drained.Result == 300_000);
    }

    /// <summary>What has been done is to be right as well, whichever call failed on the way.</summary>
    private static void Demand(bool condition, [CallerArgumentExpression(nameof(condition))] string? what = null)
    {
        if (!condition)
        {
            throw new WrongResultException(what!);
        }
    }
}

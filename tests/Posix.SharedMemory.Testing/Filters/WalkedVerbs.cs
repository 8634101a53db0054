namespace Posix.SharedMemory.Testing;

/// <summary>The operations of the library that make system calls: those that the faults walk, and one for each public member besides.</summary>
internal static partial class WalkedVerbs
{
    /// <summary>An odd length, by which nothing of another test is taken for ours.</summary>
    private const int Length = 5003;

    private static readonly SharedMemoryOptions s_membership = new() { Lifetime = Lifetime.UnlinkOnLastDispose };

    /// <summary>Gets every operation.</summary>
    internal static IReadOnlyList<WalkedVerb> All { get; } =
    [
        .. Names(), .. Objects(), .. Bytes(), .. Mappings(), .. Regions(), .. Passing(), .. Inspection(),
        .. FaultPaths.All.Select(path => new WalkedVerb("path " + path.Name, [], scene => Arranged(path, scene), (scene, _) => Acted(path, scene))),
    ];

    /// <summary>Gets the public members that make system calls and are not walked, with the reason.</summary>
    internal static IReadOnlyDictionary<string, string> NotWalked { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["HandleInheritance.Start"] = "The program that it starts would run behind the filter too. Its own calls are those of SetInheritable.",
        ["SharedMemoryWatcher.WatchAsync"] = "It waits on threads of the pool, which would keep the filter. Its calls are those of Wait.",
    };

    private static IEnumerable<WalkedVerb> Names()
    {
        yield return Verb("Create", ["SharedMemoryObject.Create"], scene => scene.Keep(SharedMemoryObject.Create(scene.Name, Length)));
        yield return Verb(
            "Create in place of another", ["SharedMemoryObject.Create"], scene => scene.Occupy(),
            scene => scene.Keep(SharedMemoryObject.Create(scene.Other, Length, new() { OnConflict = NameConflict.Replace })));
        yield return Verb(
            "Create in place of what was left behind", ["SharedMemoryObject.Create"], Abandoned,
            scene => scene.Keep(SharedMemoryObject.Create(scene.Name, Length, new() { OnConflict = NameConflict.ReplaceAbandoned, Lifetime = Lifetime.UnlinkOnDispose })));
        yield return Verb("CreateUnpublished", ["SharedMemoryObject.CreateUnpublished"], scene => scene.Keep(SharedMemoryObject.CreateUnpublished(Length)));
        yield return Verb("CreateAnonymous", ["SharedMemoryObject.CreateAnonymous"], scene => scene.Keep(SharedMemoryObject.CreateAnonymous(Length)));
        yield return Verb("Open", ["SharedMemoryObject.Open"], scene => scene.Create(Length), scene => scene.Keep(SharedMemoryObject.Open(scene.Name)));
        yield return Verb("Open a member's object", ["SharedMemoryObject.Open"], Member, scene => scene.Keep(SharedMemoryObject.Open(scene.Name)));
        yield return Verb("Open CreateNew", ["SharedMemoryObject.Open"], scene => scene.Keep(SharedMemoryObject.Open(scene.Name, FileMode.CreateNew)));
        yield return Verb(
            "TryOpen", ["SharedMemoryObject.TryOpen"], scene => scene.Create(Length),
            scene => SharedMemoryObject.TryOpen(scene.Name, FileAccess.Read, out var memory) ? scene.Keep(memory) : "missing");
        yield return Verb(
            "TryOpen joining", ["SharedMemoryObject.TryOpen"], Member,
            scene => SharedMemoryObject.TryOpen(scene.Name, s_membership, out var memory) ? scene.Keep(memory) : "missing");
        yield return Verb(
            "TryOpen resuming", ["SharedMemoryObject.TryOpen"], Abandoned,
            scene => SharedMemoryObject.TryOpen(scene.Name, s_membership, out var memory) ? scene.Keep(memory) : "missing");
        yield return Verb("OpenOrCreate missing", ["SharedMemoryObject.OpenOrCreate"], scene => OpenOrCreate(scene, new()));
        yield return Verb("OpenOrCreate existing", ["SharedMemoryObject.OpenOrCreate"], scene => scene.Create(Length), scene => OpenOrCreate(scene, new()));
        yield return Verb("OpenOrCreate joining", ["SharedMemoryObject.OpenOrCreate"], Member, scene => OpenOrCreate(scene, s_membership));
        yield return Verb(
            "OpenWhenReadyAsync", ["SharedMemoryObject.OpenWhenReadyAsync"], scene => scene.Create(Length),
            scene => scene.Keep(SharedMemoryObject.OpenWhenReadyAsync(scene.Name).AsTask().GetAwaiter().GetResult()));
        yield return Verb("Exists", ["SharedMemoryObject.Exists"], scene => scene.Create(Length), scene => $"{SharedMemoryObject.Exists(scene.Name)} {SharedMemoryObject.Exists(scene.Other)}");
        yield return Verb("TryUnlink", ["SharedMemoryObject.TryUnlink"], scene => scene.Create(Length), scene => $"{SharedMemoryObject.TryUnlink(scene.Name)} {SharedMemoryObject.TryUnlink(scene.Other)}");
        yield return Verb("Unlink", ["SharedMemoryObject.Unlink"], scene => scene.Create(Length), scene => Done(scene.Memory.Unlink));
        foreach (var mode in Enum.GetValues<RenameMode>())
        {
            yield return Verb($"Rename {mode}", ["SharedMemoryObject.Rename"], scene => scene.Create(Length), scene => Done(() => scene.Memory.Rename(scene.Other, mode)));
        }

        foreach (var mode in new[] { RenameMode.NoReplace, RenameMode.Replace })
        {
            yield return Verb($"Publish {mode}", ["SharedMemoryObject.Publish"], scene => scene.CreateUnpublished(), scene => Done(() => scene.Memory.Publish(scene.Name, mode)));
        }

        yield return Verb("IsUnlinked", ["SharedMemoryObject.IsUnlinked"], scene => scene.Create(Length), scene => $"{scene.Memory.IsUnlinked}");
        yield return Verb("HasOtherMembers", ["SharedMemoryObject.HasOtherMembers"], Member, scene =>
        {
            using var other = SharedMemoryObject.Open(scene.Name);
            return $"{other.HasOtherMembers}";
        });
        yield return Verb("IsMember", ["SharedMemoryObject.IsMember"], Member, scene => $"{scene.Memory.IsMember}");
        yield return Verb("NameOwner", ["NameOwner..ctor", "NameOwner.Dispose"], scene => scene.Create(Length), scene => Done(() => new NameOwner(scene.Memory).Dispose()));
        yield return Verb("Dispose of the last member", ["SharedMemoryObject.Dispose"], Member, scene => Done(scene.Memory.Dispose));
        yield return Verb("DisposeKeepingLocks of the last member", ["SharedMemoryObject.DisposeKeepingLocks"], Member, scene => Done(scene.Memory.DisposeKeepingLocks));
    }

    private static IEnumerable<WalkedVerb> Objects()
    {
        yield return Verb("Length", ["SharedMemoryObject.Length"], scene => scene.Create(Length), scene => $"{scene.Memory.Length}");
        yield return Verb("GetStatus", ["SharedMemoryObject.GetStatus"], scene => scene.Create(Length), scene => $"{scene.Memory.GetStatus().Length} {scene.Memory.GetStatus().Permissions}");
        yield return Verb("Permissions", ["SharedMemoryObject.Permissions"], scene => scene.Create(Length), scene =>
        {
            scene.Memory.Permissions = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead;
            return null;
        });
        yield return Verb("Permissions asked", ["SharedMemoryObject.Permissions"], scene => scene.Create(Length), scene => $"{scene.Memory.Permissions}");
        yield return Verb("SetOwner", ["SharedMemoryObject.SetOwner"], scene => scene.Create(Length), scene => Done(() => scene.Memory.SetOwner(null, Native.getegid())));
        foreach (var backing in Enum.GetValues<Backing>())
        {
            yield return Verb($"SetLength {backing}", ["SharedMemoryObject.SetLength"], scene => scene.Create(Length, backing), scene => Done(() => scene.Memory.SetLength(3 * 4096, backing)));
            yield return Verb($"SetLength {backing} from whole pages", ["SharedMemoryObject.SetLength"], scene => scene.Create(8192, backing), scene => Done(() => scene.Memory.SetLength(3 * 4096, backing)));
        }

        yield return Verb("SetLength shorter", ["SharedMemoryObject.SetLength"], scene => scene.Create(Length), scene => Done(() => scene.Memory.SetLength(7)));
        yield return Verb("Reserve", ["SharedMemoryObject.Reserve"], scene => scene.Create(9 * 4096, Backing.Sparse), scene => Done(() => scene.Memory.Reserve(5, 20_000)));
        yield return Verb("Discard", ["SharedMemoryObject.Discard"], scene => scene.Create(9 * 4096), scene => Done(() => scene.Memory.Discard(5, 20_000)));
        yield return Verb("Seals", ["SharedMemoryObject.Seals"], scene => scene.CreateAnonymous(MemorySeals.Grow), scene => $"{scene.Memory.Seals}");
        yield return Verb("AddSeals", ["SharedMemoryObject.AddSeals"], scene => scene.CreateAnonymous(), scene => Done(() => scene.Memory.AddSeals(MemorySeals.Shrink)));
        yield return Verb("FromHandle", ["SharedMemoryObject.FromHandle"], scene => scene.CreateAnonymous(), scene => SharedMemoryObject.FromHandle(scene.Memory.SafeFileHandle));
        yield return Verb("SafeFileHandle", ["SharedMemoryObject.SafeFileHandle"], scene => scene.Create(Length), scene => $"{scene.Memory.SafeFileHandle.IsClosed}");
    }

    private static object? Arranged(FaultPath path, FaultScene scene)
    {
        path.Arrange(scene);
        return null;
    }

    private static object? Acted(FaultPath path, FaultScene scene)
    {
        path.Act(scene);
        return null;
    }

    private static WalkedVerb Verb(string name, string[] members, Func<FaultScene, object?> act) => new(name, members, _ => null, (scene, _) => act(scene));

    private static WalkedVerb Verb(string name, string[] members, Action<FaultScene> arrange, Func<FaultScene, object?> act) => new(
        name, members,
        scene =>
        {
            arrange(scene);
            return null;
        },
        (scene, _) => act(scene));

    private static WalkedVerb Verb<T>(string name, string[] members, Func<FaultScene, T> arrange, Func<FaultScene, T, object?> act) =>
        new(name, members, scene => arrange(scene), (scene, arranged) => act(scene, (T)arranged!));

    private static object? Done(Action act)
    {
        act();
        return null;
    }

    private static object OpenOrCreate(FaultScene scene, SharedMemoryOptions options)
    {
        var memory = scene.Keep(SharedMemoryObject.OpenOrCreate(scene.Name, Length, out var created, options));
        return (created, memory);
    }

    private static void Member(FaultScene scene) => scene.Create(Length, lifetime: Lifetime.UnlinkOnLastDispose);

    /// <summary>As a creator leaves it that is killed.</summary>
    private static void Abandoned(FaultScene scene) => SharedMemoryObject.Create(scene.Name, 3, new() { Lifetime = Lifetime.UnlinkOnDispose }).SafeFileHandle.Dispose();

    /// <summary>What an operation returned, in words; asked where no filter is.</summary>
    internal static string AnswerOf(object? answer) => answer switch
    {
        SharedMemoryObject memory => Describe(memory),
        MemoryMapping mapping => Describe(mapping),
        MappedRegion region => Describe(region),
        (bool created, SharedMemoryObject memory) => $"{created} {Describe(memory)}",
        Func<string> later => later(),
        _ => answer?.ToString() ?? "",
    };

    private static string Describe(SharedMemoryObject memory)
    {
        var status = memory.GetStatus();
        return $"{memory.Access} {status.Length} {status.Permissions} {status.AllocatedBytes}";
    }
}

using System.Net.Sockets;

namespace Posix.SharedMemory.Testing;

/// <summary>Passing, and looking at what is there.</summary>
internal static partial class WalkedVerbs
{
    private static IEnumerable<WalkedVerb> Passing()
    {
        yield return Paired("SendObjectAsync", ["DescriptorPassing.SendObjectAsync"], _ => { }, (scene, pair) => Done(() => pair.Sender.SendObjectAsync(scene.Memory).AsTask().GetAwaiter().GetResult()));
        yield return Paired("ReceiveObjectAsync", ["DescriptorPassing.ReceiveObjectAsync"], SendObject, (scene, pair) =>
            scene.Keep(pair.Receiver.ReceiveObjectAsync().AsTask().GetAwaiter().GetResult()));
        yield return Paired("SendHandlesAsync", ["DescriptorPassing.SendHandlesAsync"], _ => { }, (scene, pair) => Done(() => SendHandles(scene, pair)));
        yield return Paired("ReceiveHandlesAsync", ["DescriptorPassing.ReceiveHandlesAsync"], SendObject, (_, pair) =>
        {
            using var received = ReceiveHandles(pair);
            return $"{received.BytesReceived} {received.Handles.Count} {received.HandlesDropped}";
        });
        yield return Taking("TakeObject", (scene, received) => scene.Keep(received.TakeObject(0)));
        yield return Taking("TakeHandle", (scene, received) => $"{scene.Keep(received.TakeHandle(0)).IsInvalid}");
        yield return Taking("Dispose", (_, received) => Done(received.Dispose));
        yield return Verb("TakeSocket", ["HandleReceiveResult.TakeSocket"], scene =>
        {
            var pair = scene.Keep(new SocketPair());
            pair.Sender.SendHandlesAsync(new byte[1], [pair.Receiver.SafeHandle]).AsTask().GetAwaiter().GetResult();
            return scene.Keep(ReceiveHandles(pair));
        }, (scene, received) => $"{scene.Keep(received.TakeSocket(0)).AddressFamily}");
        yield return Paired("GetPeerCredentials", ["DescriptorPassing.GetPeerCredentials"], _ => { }, (_, pair) => $"{pair.Sender.GetPeerCredentials().ProcessId == Environment.ProcessId}");
        yield return Verb("SetInheritable", ["HandleInheritance.SetInheritable"], scene => scene.Create(Length), scene =>
        {
            HandleInheritance.SetInheritable(scene.Memory.SafeFileHandle, inheritable: true);
            return $"{Native.Flags(scene.Memory.SafeFileHandle, Native.F_GETFD)}";
        });
    }

    private static IEnumerable<WalkedVerb> Inspection()
    {
        yield return Verb("Enumerate", ["SharedMemoryDirectory.Enumerate"], scene => scene.Create(Length), scene => $"{SharedMemoryDirectory.Enumerate().Single(entry => entry.Name == scene.Name.Name).Length}");
        yield return Verb("Find", ["SharedMemoryDirectory.Find"], scene => scene.Create(Length), scene => $"{SharedMemoryDirectory.Find(scene.Name)?.Length} {SharedMemoryDirectory.Find(scene.Other)?.Length}");
        yield return Verb("GetUsage", ["SharedMemoryDirectory.GetUsage"], _ => $"{SharedMemoryDirectory.GetUsage().TotalBytes > 0}");
        yield return Verb("GetMemoryLimit", ["SharedMemoryDirectory.GetMemoryLimit"], _ => KnownOrNot(SharedMemoryDirectory.GetMemoryLimit() is { } limit ? limit.LimitBytes : null));
        yield return Verb("OpenDescriptor", ["SharedMemoryDirectory.OpenDescriptor"], scene => scene.Create(Length), scene =>
            scene.Keep(SharedMemoryDirectory.OpenDescriptor(Environment.ProcessId, (int)scene.Memory.SafeFileHandle.DangerousGetHandle())));
        yield return Verb("GetHolders by name", ["SharedMemoryDirectory.GetHolders"], scene => scene.Create(Length), scene => Describe(SharedMemoryDirectory.GetHolders(scene.Name)));
        yield return Verb("GetHolders of an object", ["SharedMemoryObject.GetHolders"], scene => scene.Create(Length), scene => Describe(scene.Memory.GetHolders()));
        yield return Verb("IndexHolders", ["SharedMemoryDirectory.IndexHolders"], scene => scene.Create(Length), scene => Describe(SharedMemoryDirectory.IndexHolders()[scene.Memory.GetStatus().Identity]));
        yield return Verb("EnumerateUnnamed", ["SharedMemoryDirectory.EnumerateUnnamed"], scene => scene.CreateAnonymous(), scene =>
        {
            // What is unnamed, as far as it is known: memory of a process that cannot be looked at is not in the list.
            var identity = scene.Memory.GetStatus().Identity;
            return KnownOrNot(SharedMemoryDirectory.EnumerateUnnamed().Any(found => found.Identity == identity) ? 1 : null);
        });
        yield return Verb("Watch", ["SharedMemoryDirectory.Watch", "SharedMemoryWatcher.Wait", "SharedMemoryWatcher.Dispose"], scene =>
        {
            using var watcher = SharedMemoryDirectory.Watch();
            _ = watcher.Wait(TimeSpan.Zero);
            return null;
        });
        yield return Verb("Wait", ["SharedMemoryWatcher.Wait"], Watched, (scene, watcher) => Describe(watcher, scene));
        yield return Entry("Open", (scene, entry) => scene.Keep(entry.Open()));
        yield return Entry("IsHeld", (_, entry) => KnownOrNot(entry.IsHeld() is { } isHeld ? isHeld ? 1 : 0 : null));
        yield return Entry("GetHolders", (_, entry) => Describe(entry.GetHolders()));
        yield return Entry("SetPermissions", (_, entry) => Done(() => entry.SetPermissions(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead)));
        yield return Entry("Unlink", (_, entry) => Done(entry.Unlink));
        yield return Entry("Rename", (scene, entry) => Done(() => entry.Rename(scene.Other, RenameMode.NoReplace)));
        yield return Verb("GetAllocatedRanges", ["SharedMemoryObject.GetAllocatedRanges"], Holed, scene => string.Join(' ', scene.Memory.GetAllocatedRanges()));
        yield return Verb("GetPageStates", ["SharedMemoryObject.GetPageStates"], Holed, scene => string.Join(' ', scene.Memory.GetPageStates().Select(run => (run.Range, run.State != PageState.Absent))));
        yield return Verb("FindHugePages", ["SharedMemoryObject.FindHugePages"], scene => scene.Create(Length), scene => KnownOrNot(scene.Memory.FindHugePages()?.Count));
    }

    /// <summary>An answer that may be unknown behind a filter, and never wrong.</summary>
    private static string KnownOrNot(long? answer) => answer is { } known ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $"known {known}") : Unknown;

    /// <summary>What an operation answers that does not know.</summary>
    internal const string Unknown = "unknown";

    private static string Describe(SharedMemoryHolders holders) =>
        holders.FirstOrDefault(holder => holder.ProcessId == Environment.ProcessId) is { } own ? $"known {own.Descriptors.Count} {own.Mappings.Count}"
        : holders.IsComplete ? "known: no process holds it"
        : Unknown;

    private static string Describe(SharedMemoryWatcher watcher, FaultScene scene)
    {
        while (watcher.Wait(TimeSpan.FromSeconds(60)) is { } change)
        {
            if (System.Text.Encoding.UTF8.GetString(change.NameBytes.Span) == scene.Name.Name || change.Kind == SharedMemoryChangeKind.Missed)
            {
                return "told";
            }
        }

        return "not told";
    }

    private static SharedMemoryWatcher Watched(FaultScene scene)
    {
        var watcher = scene.Keep(SharedMemoryDirectory.Watch());
        scene.Create(Length);
        return watcher;
    }

    private static void Holed(FaultScene scene)
    {
        scene.Create(9 * 4096, Backing.Sparse);
        scene.Memory.Write("x"u8, 5 * 4096);
    }

    private static WalkedVerb Entry(string member, Func<FaultScene, SharedMemoryEntry, object?> act) => Verb(
        $"{member} of an entry", [$"SharedMemoryEntry.{member}"],
        scene =>
        {
            scene.Create(Length);
            return SharedMemoryDirectory.Find(scene.Name)!;
        },
        act);

    private static WalkedVerb Paired(string name, string[] members, Action<(FaultScene Scene, SocketPair Pair)> arrange, Func<FaultScene, SocketPair, object?> act) => Verb(
        name, members,
        scene =>
        {
            scene.CreateAnonymous();
            var pair = scene.Keep(new SocketPair(SocketType.Seqpacket));
            arrange((scene, pair));
            return pair;
        },
        act);

    private static WalkedVerb Taking(string member, Func<FaultScene, HandleReceiveResult, object?> act) => Verb(
        $"{member} of what was received", [$"HandleReceiveResult.{member}"],
        scene =>
        {
            scene.CreateAnonymous();
            var pair = scene.Keep(new SocketPair());
            SendHandles(scene, pair);
            return scene.Keep(ReceiveHandles(pair));
        },
        act);

    private static void SendObject((FaultScene Scene, SocketPair Pair) at) => at.Pair.Sender.SendObjectAsync(at.Scene.Memory).AsTask().GetAwaiter().GetResult();

    private static void SendHandles(FaultScene scene, SocketPair pair) =>
        pair.Sender.SendHandlesAsync(new byte[1], [scene.Memory.SafeFileHandle]).AsTask().GetAwaiter().GetResult();

    private static HandleReceiveResult ReceiveHandles(SocketPair pair) => pair.Receiver.ReceiveHandlesAsync(new byte[64], 4).AsTask().GetAwaiter().GetResult();
}

using System.Diagnostics;
using System.Reflection;
using System.Runtime.Versioning;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;

namespace Posix.SharedMemory.Tests.Objects;

/// <summary>
/// A process that closes any descriptor of a file loses all its POSIX locks on it. Every public operation is run on an object that the caller has locked through a descriptor of its own, and then
/// another process is asked whether the lock still holds.
/// </summary>
[SupportedOSPlatform("linux")]
public sealed class CallersLocks(LockJudge judge) : IClassFixture<LockJudge>
{
    private const int PosixLock = 6;

    /// <summary>Types of which each public member is run here.</summary>
    private static readonly Type[] s_acting =
    [
        typeof(SharedMemoryObject), typeof(SharedMemoryDirectory), typeof(SharedMemoryEntry), typeof(SharedMemoryWatcher), typeof(MappedRegion), typeof(MemoryMapping),
        typeof(DescriptorPassing), typeof(HandleInheritance), typeof(HandleReceiveResult), typeof(NameOwner),
    ];

    /// <summary>Types that are values, or stand for mapped memory alone: they have no descriptor and no name to act on.</summary>
    private static readonly Type[] s_passive =
    [
        typeof(MappingHold), typeof(MappingLease), typeof(MappingWriter), typeof(MappedReadOnlyMemory), typeof(MappingOptions), typeof(SharedMemoryOptions), typeof(AnonymousMemoryOptions),
        typeof(MappedRegionOptions), typeof(ByteRange), typeof(ErrnoNumbers), typeof(MemoryPage), typeof(ObjectIdentity), typeof(PeerCredentials), typeof(SharedMemoryException),
        typeof(SharedMemoryStatus), typeof(HeldDescriptor), typeof(HeldMapping), typeof(MemoryLimit), typeof(PageRun), typeof(SharedMemoryChange), typeof(SharedMemoryHolder),
        typeof(SharedMemoryHolderIndex), typeof(HandleReceipt), typeof(SharedMemoryHolders), typeof(SharedMemoryUsage), typeof(UnnamedMemory), typeof(UnnamedMemoryList),
    ];

    /// <summary>The operations by name and number of parameters; each is given an object of its own that the caller has locked.</summary>
    private static readonly Dictionary<string, Action<Scene>> s_acts = new(StringComparer.Ordinal)
    {
        ["SharedMemoryObject.Open/4"] = scene =>
        {
            scene.Keep(SharedMemoryObject.Open(scene.Name));
            scene.Keep(SharedMemoryObject.Open(scene.Name, FileMode.OpenOrCreate, FileAccess.ReadWrite));
            Assert.Throws<SharedMemoryException>(() => SharedMemoryObject.Open(scene.Name, FileMode.CreateNew));
        },
        ["SharedMemoryObject.TryOpen/3"] = scene =>
        {
            Assert.True(SharedMemoryObject.TryOpen(scene.Name, FileAccess.Read, out var memory));
            scene.Keep(memory);
            foreach (var lifetime in Enum.GetValues<Lifetime>())
            {
                Assert.True(SharedMemoryObject.TryOpen(scene.Name, new SharedMemoryOptions { Lifetime = lifetime, OnConflict = NameConflict.ReplaceAbandoned }, out memory));
                scene.Keep(memory);
            }
        },
        ["SharedMemoryObject.OpenWhenReadyAsync/4"] = scene =>
        {
            scene.Keep(SharedMemoryObject.OpenWhenReadyAsync(scene.Name).AsTask().GetAwaiter().GetResult());
            using var cancellation = new CancellationTokenSource(100);
            Assert.ThrowsAny<OperationCanceledException>(() => SharedMemoryObject.OpenWhenReadyAsync(scene.Name, minimumLength: 1 << 20, cancellationToken: cancellation.Token).AsTask().GetAwaiter().GetResult());
        },
        ["SharedMemoryObject.Create/3"] = scene =>
        {
            foreach (var conflict in new[] { NameConflict.Fail, NameConflict.ReplaceAbandoned })
            {
                foreach (var lifetime in Enum.GetValues<Lifetime>())
                {
                    Assert.Throws<SharedMemoryException>(() => SharedMemoryObject.Create(scene.Name, 100, new() { OnConflict = conflict, Lifetime = lifetime }));
                }
            }

            scene.Memory.Mark();
            scene.Keep(SharedMemoryObject.Create(scene.Name, 100, new() { OnConflict = NameConflict.ReplaceAbandoned, Lifetime = Lifetime.UnlinkOnDispose }));
            scene.Keep(SharedMemoryObject.Create(scene.Name, 100, new() { OnConflict = NameConflict.Replace }));
        },
        ["SharedMemoryObject.OpenOrCreate/4"] = scene =>
        {
            scene.Keep(SharedMemoryObject.OpenOrCreate(scene.Name, 100, out var isCreated));
            Assert.False(isCreated);
            scene.Memory.Mark();
            scene.Keep(SharedMemoryObject.OpenOrCreate(scene.Name, 100, out isCreated, new() { OnConflict = NameConflict.ReplaceAbandoned, Lifetime = Lifetime.UnlinkOnDispose }));
            Assert.True(isCreated);
        },
        ["SharedMemoryObject.CreateUnpublished/2"] = scene => SharedMemoryObject.CreateUnpublished(100).Dispose(),
        ["SharedMemoryObject.Publish/2"] = scene =>
        {
            var memory = scene.Keep(SharedMemoryObject.CreateUnpublished(100, new() { OnConflict = NameConflict.ReplaceAbandoned, Lifetime = Lifetime.UnlinkOnDispose }));
            Assert.Throws<SharedMemoryException>(() => memory.Publish(scene.Name));
            memory.Publish(scene.Name, RenameMode.Replace);
        },
        ["SharedMemoryObject.CreateAnonymous/2"] = scene => SharedMemoryObject.CreateAnonymous(100).Dispose(),
        ["SharedMemoryObject.CreateUniqueName/1"] = scene => SharedMemoryObject.CreateUniqueName("test"),
        ["SharedMemoryObject.FromHandle/2"] = scene =>
        {
            scene.Keep(SharedMemoryObject.FromHandle(scene.Keep(Native.Duplicate(scene.Memory.SafeFileHandle))));
            Assert.Throws<ArgumentException>(() => SharedMemoryObject.FromHandle(scene.Keep(Native.Open(scene.Name.Path, Native.O_WRONLY))));
        },
        ["SharedMemoryObject.Unlink/1"] = scene => SharedMemoryObject.Unlink(scene.Name),
        ["SharedMemoryObject.TryUnlink/1"] = scene => SharedMemoryObject.TryUnlink(scene.Name),
        ["SharedMemoryObject.Exists/1"] = scene => SharedMemoryObject.Exists(scene.Name),
        ["SharedMemoryObject.Rename/3"] = scene => SharedMemoryObject.Rename(scene.Name, scene.Other, RenameMode.Exchange),
        ["SharedMemoryObject.Rename/2"] = scene =>
        {
            scene.Memory.Rename(scene.Other);
            SharedMemoryObject.Rename(scene.Other, scene.Name, RenameMode.NoReplace);
        },
        ["SharedMemoryObject.Unlink/0"] = scene => scene.Memory.Unlink(),
        ["SharedMemoryObject.Read/2"] = scene => scene.Memory.Read(new byte[10], 0),
        ["SharedMemoryObject.Write/2"] = scene => scene.Memory.Write(new byte[5000], 0),
        ["SharedMemoryObject.CopyFrom/3"] = scene =>
        {
            using var file = new TemporaryFile();
            File.WriteAllBytes(file.Path, new byte[100]);
            using var source = Native.Open(file.Path, Native.O_RDONLY);
            scene.Memory.CopyFrom(source);
            scene.Keep(SharedMemoryObject.CreateAnonymous(5000)).CopyFrom(scene.Memory.SafeFileHandle);
        },
        ["SharedMemoryObject.CopyTo/3"] = scene =>
        {
            using var file = new TemporaryFile();
            using var destination = Native.Open(file.Path, Native.O_WRONLY);
            scene.Memory.CopyTo(destination);
            scene.Memory.CopyTo(scene.Memory.SafeFileHandle, 0, 10);
        },
        ["SharedMemoryObject.CopyToAsync/4"] = scene =>
        {
            using var pair = new SocketPair();
            scene.Memory.CopyToAsync(pair.Sender).AsTask().GetAwaiter().GetResult();
        },
        ["SharedMemoryObject.Length/0"] = scene => _ = scene.Memory.Length,
        ["SharedMemoryObject.Permissions/0"] = scene => _ = scene.Memory.Permissions,
        ["SharedMemoryObject.Permissions=/1"] = scene => scene.Memory.Permissions = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        ["SharedMemoryObject.SetOwner/2"] = scene => scene.Memory.SetOwner(null, Native.getegid()),
        ["SharedMemoryObject.GetStatus/0"] = scene => scene.Memory.GetStatus(),
        ["SharedMemoryObject.SetLength/2"] = scene =>
        {
            scene.Memory.SetLength(25_001);
            scene.Memory.SetLength(30_001, Backing.Sparse);
            scene.Memory.SetLength(32_768);
            scene.Memory.SetLength(40_960);
            scene.Memory.SetLength(20_000);
        },
        ["SharedMemoryObject.Reserve/2"] = scene => scene.Memory.Reserve(0, 5000),
        ["SharedMemoryObject.Discard/2"] = scene => scene.Memory.Discard(0, 4096),
        ["SharedMemoryObject.GetAllocatedRanges/0"] = scene => scene.Memory.GetAllocatedRanges(),
        ["SharedMemoryObject.GetPageStates/0"] = scene => scene.Memory.GetPageStates(),
        ["SharedMemoryObject.FindHugePages/0"] = scene => scene.Memory.FindHugePages(),
        ["SharedMemoryObject.Map/1"] = scene => scene.Memory.Map().Dispose(),
        ["SharedMemoryObject.Map/3"] = scene => scene.Memory.Map(1, 10, new() { Private = true }).Dispose(),
        ["SharedMemoryObject.Seals/0"] = scene => _ = scene.Memory.Seals,
        ["SharedMemoryObject.AddSeals/1"] = scene => Assert.ThrowsAny<Exception>(() => scene.Memory.AddSeals(MemorySeals.Shrink)),
        ["SharedMemoryObject.Name/0"] = scene => _ = scene.Memory.Name,
        ["SharedMemoryObject.Utf8Name/0"] = scene => _ = scene.Memory.Utf8Name,
        ["SharedMemoryObject.Access/0"] = scene => _ = scene.Memory.Access,
        ["SharedMemoryObject.SafeFileHandle/0"] = scene => _ = scene.Memory.SafeFileHandle,
        ["SharedMemoryObject.GetHolders/0"] = scene => scene.Memory.GetHolders(),
        ["SharedMemoryObject.IsMember/0"] = scene => _ = scene.Memory.IsMember,
        ["SharedMemoryObject.HasOtherMembers/0"] = scene => _ = scene.Memory.HasOtherMembers,
        ["SharedMemoryObject.IsUnlinked/0"] = scene => _ = scene.Memory.IsUnlinked,
        // Disposing an object closes a descriptor of the caller's. A member that may only read opens the object that has its name to leave; here another object of the caller's has the name by then.
        ["SharedMemoryObject.Dispose/0"] = scene =>
        {
            using var made = SharedMemoryObject.Create(scene.Other, 100, new() { Lifetime = Lifetime.UnlinkOnLastDispose });
            var reader = SharedMemoryObject.Open(scene.Other, access: FileAccess.Read);
            SharedMemoryObject.Rename(scene.Name, scene.Other);
            reader.Dispose();
        },
        ["SharedMemoryObject.DisposeKeepingLocks/0"] = scene =>
        {
            var again = SharedMemoryObject.Open(scene.Name);
            again.DisposeKeepingLocks();
            Assert.Throws<ObjectDisposedException>(() => again.Length);
        },
        ["SharedMemoryDirectory.Enumerate/0"] = scene => Assert.Contains(SharedMemoryDirectory.Enumerate(), entry => entry.Name == scene.Name),
        ["SharedMemoryDirectory.Find/1"] = scene =>
        {
            Assert.NotNull(SharedMemoryDirectory.Find(scene.Name));
            Assert.NotNull(SharedMemoryDirectory.Find(Encoding.UTF8.GetBytes(scene.Name)));
        },
        ["SharedMemoryDirectory.GetUsage/0"] = scene => SharedMemoryDirectory.GetUsage(),
        ["SharedMemoryDirectory.GetMemoryLimit/0"] = scene => SharedMemoryDirectory.GetMemoryLimit(),
        ["SharedMemoryDirectory.Watch/0"] = scene => SharedMemoryDirectory.Watch().Dispose(),
        ["SharedMemoryDirectory.GetHolders/1"] = scene =>
        {
            SharedMemoryDirectory.GetHolders(scene.Name);
            SharedMemoryDirectory.GetHolders(Encoding.UTF8.GetBytes(scene.Name));
        },
        ["SharedMemoryDirectory.IndexHolders/0"] = scene => SharedMemoryDirectory.IndexHolders(),
        ["SharedMemoryDirectory.EnumerateUnnamed/0"] = scene =>
        {
            scene.Memory.Unlink();
            Assert.Contains(SharedMemoryDirectory.EnumerateUnnamed(), found => found.Identity == scene.Memory.GetStatus().Identity);
        },
        ["SharedMemoryDirectory.OpenDescriptor/3"] = scene =>
        {
            scene.Keep(SharedMemoryDirectory.OpenDescriptor(Environment.ProcessId, (int)scene.Memory.SafeFileHandle.DangerousGetHandle()));
            // Where all file systems are memory, there is nothing to refuse.
            using var directory = TemporaryDirectory.OnDisk();
            if (directory is null)
            {
                return;
            }

            File.WriteAllText(directory.File(), "");
            using var onDisk = new LockedFile(directory.File());
            Assert.ThrowsAny<Exception>(() => SharedMemoryDirectory.OpenDescriptor(Environment.ProcessId, (int)onDisk.Handle.DangerousGetHandle()));
            Assert.True(scene.Judge.SeesLock(onDisk.Handle), "The lock on a file that is not memory is gone.");
        },
        ["SharedMemoryEntry.Open/1"] = scene =>
        {
            scene.Keep(scene.Entry.Open());
            SharedMemoryObject.Rename(scene.Name, scene.Other);
            using var newer = SharedMemoryObject.Create(scene.Name, 100);
            var entry = SharedMemoryDirectory.Find(scene.Name)!;
            SharedMemoryObject.Rename(scene.Other, scene.Name);
            Assert.Throws<SharedMemoryException>(() => entry.Open());
        },
        ["SharedMemoryEntry.GetHolders/0"] = scene => scene.Entry.GetHolders(),
        ["SharedMemoryEntry.IsHeld/0"] = scene =>
        {
            for (var round = 0; round < 200; round++)
            {
                Assert.True(scene.Entry.IsHeld());
            }
        },
        ["SharedMemoryEntry.Rename/2"] = scene => scene.Entry.Rename(scene.Other),
        ["SharedMemoryEntry.SetPermissions/1"] = scene => scene.Entry.SetPermissions(UnixFileMode.UserRead | UnixFileMode.UserWrite),
        ["SharedMemoryEntry.Unlink/0"] = scene => scene.Entry.Unlink(),
        ["SharedMemoryWatcher.Wait/2"] = scene =>
        {
            using var watcher = SharedMemoryDirectory.Watch();
            scene.Memory.Rename(scene.Other);
            Assert.NotNull(watcher.Wait(TimeSpan.FromMinutes(1)));
        },
        ["SharedMemoryWatcher.WatchAsync/1"] = scene =>
        {
            using var watcher = SharedMemoryDirectory.Watch();
            scene.Memory.Rename(scene.Other);
            Assert.NotEmpty(watcher.WatchAsync().Take(1).ToBlockingEnumerable());
        },
        ["SharedMemoryWatcher.Dispose/0"] = scene => SharedMemoryDirectory.Watch().Dispose(),
        ["MappedRegion.Create/4"] = scene =>
        {
            foreach (var conflict in new[] { NameConflict.Fail, NameConflict.ReplaceAbandoned })
            {
                Assert.Throws<SharedMemoryException>(() => MappedRegion.Create(scene.Name.Path, 100, FileCleanup.OnDispose, new() { OnConflict = conflict }));
            }

            scene.Memory.Mark();
            scene.Keep(MappedRegion.Create(scene.Name.Path, 100, FileCleanup.OnDispose, new() { OnConflict = NameConflict.ReplaceAbandoned }));
            scene.Keep(MappedRegion.Create(scene.Name.Path, 100, FileCleanup.OnDispose, new() { OnConflict = NameConflict.Replace }));
        },
        ["MappedRegion.Attach/2"] = scene =>
        {
            scene.Keep(MappedRegion.Attach(scene.Name.Path));
            scene.Keep(MappedRegion.Attach(scene.Keep(Native.Duplicate(scene.Memory.SafeFileHandle)), 100));
            scene.Memory.SetLength(0);
            for (var round = 0; round < 200; round++)
            {
                Assert.Throws<InvalidDataException>(() => MappedRegion.Attach(scene.Name.Path));
            }
        },
        ["MappedRegion.RemoveAbandonedTemporaries/1"] = scene =>
        {
            using var named = TemporaryName.Of(PublishingName.Make());
            scene.Memory.Rename(named.Name);
            // The caller's lock, on all of the object, does not prove that its maker lives.
            MappedRegion.RemoveAbandonedTemporaries("/dev/shm");
        },
        ["MappedRegion.Path/0"] = scene => _ = scene.Region.Path,
        ["MappedRegion.Length/0"] = scene => _ = scene.Region.Length,
        ["MappedRegion.OwnsFile/0"] = scene => _ = scene.Region.OwnsFile,
        ["MappedRegion.SafeFileHandle/0"] = scene => _ = scene.Region.SafeFileHandle,
        ["MappedRegion.Mapping/0"] = scene => _ = scene.Region.Mapping,
        ["MappedRegion.SetLength/1"] = scene => scene.Region.SetLength(25_001),
        ["MappedRegion.Resize/1"] = scene => scene.Region.Resize(25_001),
        ["MappedRegion.Refresh/0"] = scene => scene.Region.Refresh(),
        ["MappedRegion.CheckAndRemap/0"] = scene => scene.Region.CheckAndRemap(),
        ["MappedRegion.TakeOwnership/0"] = scene => scene.Region.TakeOwnership(),
        ["MappedRegion.ReleaseOwnership/0"] = scene => scene.Region.ReleaseOwnership(),
        // As for objects: disposing closes a descriptor of the caller's. A region of another file leaves this one alone.
        ["MappedRegion.Dispose/0"] = scene => MappedRegion.Create("/dev/shm/" + scene.Other, 100, FileCleanup.OnDispose).Dispose(),
        ["MemoryMapping.Dispose/0"] = scene => scene.Memory.Map().Dispose(),
        ["MemoryMapping.Length/0"] = scene => _ = scene.Mapping.Length,
        ["MemoryMapping.Offset/0"] = scene => _ = scene.Mapping.Offset,
        ["MemoryMapping.Access/0"] = scene => _ = scene.Mapping.Access,
        ["MemoryMapping.IsPrivate/0"] = scene => _ = scene.Mapping.IsPrivate,
        ["MemoryMapping.IsStable/0"] = scene => _ = scene.Mapping.IsStable,
        ["MemoryMapping.Flush/0"] = scene => scene.Mapping.Flush(),
        ["MemoryMapping.Flush/2"] = scene => scene.Mapping.Flush(0, 10),
        ["MemoryMapping.Advise/1"] = scene => scene.Mapping.Advise(MemoryAdvice.WillNeed),
        ["MemoryMapping.Advise/3"] = scene => scene.Mapping.Advise(MemoryAdvice.WillNeed, 0, 10),
        ["MemoryMapping.Prefault/0"] = scene => scene.Mapping.Prefault(),
        ["MemoryMapping.Prefault/2"] = scene => scene.Mapping.Prefault(0, 10),
        ["MemoryMapping.CollapseToHugePages/0"] = scene => scene.Mapping.CollapseToHugePages(),
        ["MemoryMapping.CollapseToHugePages/2"] = scene => scene.Mapping.CollapseToHugePages(0, 10),
        ["MemoryMapping.LockInMemory/0"] = scene => scene.Mapping.LockInMemory(),
        ["MemoryMapping.LockInMemory/2"] = scene => scene.Mapping.LockInMemory(0, 10),
        ["MemoryMapping.UnlockFromMemory/0"] = scene => scene.Mapping.UnlockFromMemory(),
        ["MemoryMapping.UnlockFromMemory/2"] = scene => scene.Mapping.UnlockFromMemory(0, 10),
        ["MemoryMapping.Protect/1"] = scene => scene.Mapping.Protect(FileAccess.Read),
        ["MemoryMapping.Acquire/0"] = scene => scene.Mapping.Acquire().Dispose(),
        ["MemoryMapping.Hold/2"] = scene => scene.Mapping.Hold().Dispose(),
        ["MemoryMapping.GetMemory/2"] = scene => ((IDisposable)scene.Mapping.GetMemory(0, 10)).Dispose(),
        ["MemoryMapping.GetReadOnlyMemory/2"] = scene => scene.Mapping.GetReadOnlyMemory(0, 10).Dispose(),
        ["MemoryMapping.OpenStream/3"] = scene => scene.Mapping.OpenStream().Dispose(),
        ["MemoryMapping.OpenWriter/1"] = scene => scene.Mapping.OpenWriter().Dispose(),
        ["MemoryMapping.TryRead/2"] = scene => scene.Mapping.TryRead(0, new byte[10]),
        ["MemoryMapping.TryWrite/2"] = scene => scene.Mapping.TryWrite(0, new byte[10]),
        ["MemoryMapping.Refresh/0"] = scene => scene.Mapping.Refresh(),
        ["MemoryMapping.GetSpan/0"] = scene => scene.Mapping.GetSpan()[0] = 1,
        ["MemoryMapping.GetSpan/2"] = scene => scene.Mapping.GetSpan<int>(0, 1)[0] = 1,
        ["MemoryMapping.GetReadOnlySpan/0"] = scene => _ = scene.Mapping.GetReadOnlySpan()[0],
        ["MemoryMapping.GetReadOnlySpan/2"] = scene => _ = scene.Mapping.GetReadOnlySpan(0, 1)[0],
        ["MemoryMapping.GetReference/1"] = scene => scene.Mapping.GetReference<int>(0) = 1,
        ["MemoryMapping.GetReadOnlyReference/1"] = scene => _ = scene.Mapping.GetReadOnlyReference<int>(0),
        ["MemoryMapping.DangerousGetPointer/0"] = scene => _ = scene.Mapping.Length,
        ["DescriptorPassing.SendObjectAsync/3"] = scene => scene.Send(),
        ["DescriptorPassing.ReceiveObjectAsync/3"] = scene =>
        {
            scene.Send();
            scene.Keep(scene.Sockets.Receiver.ReceiveObjectAsync().AsTask().GetAwaiter().GetResult());
            // Refused: it lacks a seal.
            scene.Send();
            Assert.Throws<InvalidDataException>(() => scene.Sockets.Receiver.ReceiveObjectAsync(MemorySeals.Write).AsTask().GetAwaiter().GetResult());
        },
        ["DescriptorPassing.SendHandlesAsync/4"] = scene => scene.Sockets.Sender.SendHandlesAsync(new byte[1], [scene.Memory.SafeFileHandle]).AsTask().GetAwaiter().GetResult(),
        ["DescriptorPassing.ReceiveHandlesAsync/4"] = scene =>
        {
            // One is asked for and three are sent: the others are closed.
            scene.Sockets.Sender.SendHandlesAsync(new byte[1], [scene.Memory.SafeFileHandle, scene.Memory.SafeFileHandle, scene.Memory.SafeFileHandle]).AsTask().GetAwaiter().GetResult();
            var received = scene.Sockets.Receiver.ReceiveHandlesAsync(new byte[1], 1).AsTask().GetAwaiter().GetResult();
            Assert.True(received.HandlesDropped);
            scene.Keep(received);
            scene.Sockets.Sender.SendHandlesAsync(new byte[1], [scene.Memory.SafeFileHandle, scene.Memory.SafeFileHandle]).AsTask().GetAwaiter().GetResult();
            var handles = new SafeFileHandle?[1];
            Assert.True(scene.Sockets.Receiver.ReceiveHandlesAsync(new byte[1], handles).AsTask().GetAwaiter().GetResult().HandlesDropped);
            scene.Keep(handles[0]!);
        },
        ["DescriptorPassing.GetPeerCredentials/1"] = scene => scene.Sockets.Sender.GetPeerCredentials(),
        ["DescriptorPassing.MaxHandles/0"] = scene => _ = DescriptorPassing.MaxHandles,
        ["HandleInheritance.Start/2"] = scene =>
        {
            using var child = HandleInheritance.Start(new ProcessStartInfo("true"), scene.Memory.SafeFileHandle);
            child.WaitForExit();
        },
        ["HandleInheritance.SetInheritable/2"] = scene =>
        {
            HandleInheritance.SetInheritable(scene.Memory.SafeFileHandle, true);
            HandleInheritance.SetInheritable(scene.Memory.SafeFileHandle, false);
        },
        ["HandleReceiveResult.BytesReceived/0"] = scene => _ = scene.Received.BytesReceived,
        ["HandleReceiveResult.Handles/0"] = scene => _ = scene.Received.Handles,
        ["HandleReceiveResult.HandlesDropped/0"] = scene => _ = scene.Received.HandlesDropped,
        ["HandleReceiveResult.DataTruncated/0"] = scene => _ = scene.Received.DataTruncated,
        ["HandleReceiveResult.TakeObject/1"] = scene => scene.Keep(scene.Received.TakeObject(0)),
        ["HandleReceiveResult.TakeSocket/1"] = scene => Assert.Throws<ArgumentException>(() => scene.Received.TakeSocket(0)),
        ["HandleReceiveResult.TakeHandle/1"] = scene => scene.Keep(scene.Received.TakeHandle(0)),
        ["HandleReceiveResult.Dispose/0"] = scene => scene.Received.Dispose(),
        ["NameOwner.new/1"] = scene => _ = new NameOwner(scene.Memory),
        ["NameOwner.Dispose/0"] = scene => new NameOwner(scene.Memory).Dispose(),
    };

    public static TheoryData<string> Operations { get; } = [.. s_acts.Keys];

    [Theory]
    [MemberData(nameof(Operations))]
    [Rule("locks.kept")]
    public void A_posix_lock_survives_every_public_operation(string operation)
    {
        foreach (var isThroughMemory in new[] { false, true })
        {
            using var scene = new Scene(judge, isThroughMemory);
            Assert.True(scene.IsLocked);
            s_acts[operation](scene);
            Assert.True(scene.IsLocked, $"The lock is gone after {operation}.");
        }
    }

    [Fact]
    [Rule("locks.kept")]
    public void Every_public_operation_is_run()
    {
        var types = typeof(SharedMemoryObject).Assembly.GetExportedTypes()
            .Where(type => !type.IsEnum && !type.IsNested && !typeof(Delegate).IsAssignableFrom(type)).Except(s_passive).ToHashSet();
        Assert.Equal(s_acting.Select(type => type.Name).Order(StringComparer.Ordinal), types.Select(type => type.Name).Order(StringComparer.Ordinal));
        const BindingFlags Own = BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
        var members = from type in s_acting
                      from member in type.GetMethods(Own).Cast<MethodBase>().Concat(type.GetConstructors(Own))
                      let name = member.IsConstructor ? "new" : member.Name.StartsWith("get_", StringComparison.Ordinal) ? member.Name[4..]
                          : member.Name.StartsWith("set_", StringComparison.Ordinal) ? member.Name[4..] + "=" : member.Name
                      // What an entry shows was read when it was made.
                      where type != typeof(SharedMemoryEntry) || !member.IsSpecialName
                      select $"{type.Name}.{name}/{member.GetParameters().Length}";
        Assert.Equal("", string.Join(' ', members.Except(s_acts.Keys)));
    }

    [Fact]
    [Rule("locks.kept")]
    public void A_descriptor_kept_open_for_a_lock_is_used_again_and_closed_when_the_lock_is_gone()
    {
        using var scene = new Scene(judge, isThroughMemory: false);
        var before = Descriptors(scene);
        for (var round = 0; round < 5; round++)
        {
            Assert.True(scene.Entry.IsHeld());
            Assert.Throws<SharedMemoryException>(() => SharedMemoryObject.Create(scene.Name, 100, new() { OnConflict = NameConflict.ReplaceAbandoned }));
        }

        Assert.True(scene.IsLocked);
        Assert.InRange(Descriptors(scene) - before, 1, 2);
        scene.Unlock();
        SharedMemoryObject.CreateAnonymous(1).Dispose();
        Assert.Equal(before, Descriptors(scene));
    }

    [Fact]
    [Rule("locks.kept")]
    public void A_descriptor_kept_open_for_a_lock_is_no_member()
    {
        using var name = new TemporaryName("locks");
        using var made = SharedMemoryObject.Create(name, 100, new() { Lifetime = Lifetime.UnlinkOnLastDispose });
        using var locked = new LockedFile(name.Path);
        var reader = SharedMemoryObject.Open(name, access: FileAccess.Read);
        Assert.True(made.HasOtherMembers);
        // There is no name to remove: the member leaves by closing alone.
        SharedMemoryObject.Unlink(name);
        reader.DisposeKeepingLocks();
        Assert.False(made.HasOtherMembers);
    }

    [Fact]
    [Rule("locks.kept")]
    public void A_lock_that_only_another_process_has_keeps_nothing_open()
    {
        using var name = new TemporaryName("locks");
        SharedMemoryObject.Create(name, 5000).Dispose();
        using var other = Peer.Run("python3", "-c", $"import fcntl, sys\nf=open('{name.Path}','r+b')\nfcntl.lockf(f, fcntl.LOCK_EX)\nprint('locked', flush=True)\nsys.stdin.readline()");
        other.ReadLine();
        Assert.True(SharedMemoryDirectory.Find(name)!.IsHeld());
        Assert.Equal(0, DescriptorsOf(name.Path));
    }

    [Fact]
    [Rule("locks.kept")]
    public void A_lock_survives_where_the_kernel_does_not_say_whether_there_is_one()
    {
        using var scene = new Scene(judge, isThroughMemory: false);
        using (Platform.Substitute(new ScriptedPlatform("fcntl(F_OFD_GETLK)", Errno.EPERM, occurrence: 0)))
        {
            Assert.True(SharedMemoryDirectory.Find(scene.Name)!.IsHeld());
        }

        Assert.True(scene.IsLocked);
    }

    [Fact]
    [Rule("locks.kept")]
    public void The_locks_on_any_number_of_objects_survive()
    {
        const int Many = 70;
        var kept = new Stack<IDisposable>();
        try
        {
            var files = new List<LockedFile>();
            for (var i = 0; i < Many; i++)
            {
                var name = new TemporaryName("locks");
                kept.Push(name);
                SharedMemoryObject.Create(name, 100).Dispose();
                files.Add(new(name.Path));
                kept.Push(files[^1]);
                Assert.True(SharedMemoryDirectory.Find(name)!.IsHeld());
            }

            Assert.All(files, file => Assert.True(judge.SeesLock(file.Handle)));
        }
        finally
        {
            while (kept.TryPop(out var one))
            {
                one.Dispose();
            }
        }
    }

    private static int Descriptors(Scene scene) => DescriptorsOf(scene.Name.Path);

    private static int DescriptorsOf(string path) => Directory.GetFileSystemEntries("/proc/self/fd").Count(link => new FileInfo(link).LinkTarget is { } target && target.StartsWith(path, StringComparison.Ordinal));

    /// <summary>An object that this process has locked, through the object or through a descriptor of its own, and what the operations need beside it.</summary>
    private sealed class Scene : IDisposable
    {
        private readonly Stack<IDisposable> _kept = new();
        private readonly LockedFile _lock;
        private SharedMemoryEntry? _entry;
        private MappedRegion? _region;
        private MemoryMapping? _mapping;
        private SocketPair? _sockets;
        private HandleReceiveResult? _received;

        internal Scene(LockJudge judge, bool isThroughMemory)
        {
            Judge = judge;
            Name = new("locks");
            Other = new(Name, "-other");
            Memory = SharedMemoryObject.Create(Name, 5000);
            _lock = isThroughMemory ? new(Memory.SafeFileHandle) : new(Name.Path);
        }

        internal LockJudge Judge { get; }

        internal TemporaryName Name { get; }

        internal TemporaryName Other { get; }

        internal SharedMemoryObject Memory { get; }

        internal SharedMemoryEntry Entry => _entry ??= SharedMemoryDirectory.Find(Name)!;

        internal MappedRegion Region => _region ??= Keep(MappedRegion.Attach(Name.Path));

        internal MemoryMapping Mapping => _mapping ??= Keep(Memory.Map());

        internal SocketPair Sockets => _sockets ??= Keep(new SocketPair());

        internal HandleReceiveResult Received
        {
            get
            {
                if (_received is null)
                {
                    Sockets.Sender.SendHandlesAsync(new byte[1], [Memory.SafeFileHandle]).AsTask().GetAwaiter().GetResult();
                    _received = Keep(Sockets.Receiver.ReceiveHandlesAsync(new byte[1], 1).AsTask().GetAwaiter().GetResult());
                }

                return _received;
            }
        }

        internal bool IsLocked => Judge.SeesLock(_lock.Handle);

        internal void Send() => Sockets.Sender.SendObjectAsync(Memory).AsTask().GetAwaiter().GetResult();

        internal void Unlock() => _lock.Unlock();

        /// <summary>Keeps open what an operation opened: closing it is the caller's own act, and gives the lock back.</summary>
        internal T Keep<T>(T opened)
            where T : IDisposable
        {
            _kept.Push(opened);
            return opened;
        }

        public void Dispose()
        {
            while (_kept.TryPop(out var kept))
            {
                kept.Dispose();
            }

            _lock.Dispose();
            Memory.Dispose();
            Name.Dispose();
            Other.Dispose();
        }
    }

    /// <summary>A POSIX lock on the first bytes of a file.</summary>
    private sealed class LockedFile : IDisposable
    {
        private readonly bool _isOwner;

        internal LockedFile(string path)
            : this(Native.Open(path, Native.O_RDWR)) => _isOwner = true;

        internal LockedFile(SafeFileHandle handle)
        {
            Handle = handle;
            Set(Linux.F_WRLCK);
        }

        internal SafeFileHandle Handle { get; }

        internal void Unlock() => Set(Linux.F_UNLCK);

        public void Dispose()
        {
            if (_isOwner)
            {
                Handle.Dispose();
            }
        }

        private void Set(short type)
        {
            var request = new LinuxFlock { l_type = type, l_len = 100 };
            Assert.Equal(0, Libc.fcntl_flock(Handle, PosixLock, ref request));
        }
    }
}

/// <summary>Marks an object as one that its creator left behind.</summary>
file static class Abandoning
{
    internal static void Mark(this SharedMemoryObject memory) => Platform.Current.Membership.Mark(memory.Target, isOwned: true);
}

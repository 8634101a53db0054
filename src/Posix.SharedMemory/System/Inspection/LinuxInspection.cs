using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Linux;
using static Posix.SharedMemory.Interop.Unix;
using static Posix.SharedMemory.SystemCalls;

using Posix.SharedMemory.Inspection;

namespace Posix.SharedMemory;

/// <summary>Linux: /proc, <c>cachestat</c> and inotify.</summary>
internal class LinuxInspection(
    SystemCalls calls, LinuxFiles files, SystemNames names, SystemBacking backing, LinuxSeals seals, LinuxMembership membership, LinuxPages pages, SystemWire wire)
    : SystemInspection
{
    internal override SharedMemoryUsage GetUsage()
    {
        var arguments = default(LinuxStatfs);
        var result = calls.OnBytes("statfs", LinuxFiles.Directory, ref arguments, static (ref path, _, ref fileSystem) => Libc.statfs_linux(ref path, out fileSystem));
        Check(result, "statfs(/dev/shm)");
        return LinuxFiles.UsageOf(arguments);
    }

    internal override MemoryLimit? GetMemoryLimit() => LinuxControlGroup.Smallest();

    internal override SharedMemoryHolderIndex IndexHolders(ObjectIdentity? only)
    {
        if (only is { } wanted)
        {
            return new LinuxProcessScan(calls, files, (identity, _) => identity == wanted).Walk();
        }

        Check(files.StatBehind("/dev/shm", out var directory), "statx(/dev/shm)");
        return new LinuxProcessScan(calls, files, (identity, _) => identity.Device == directory.Identity.Device).Walk();
    }

    internal override UnnamedMemoryList ListUnnamed()
    {
        const string Memfd = "/memfd:", Suffix = " (deleted)";
        // /proc shows the path that remains when all symbolic links are followed.
        var directoryPath = (files.RealPathOf(LinuxFiles.Directory) ?? "/dev/shm").TrimEnd('/') + "/";
        var found = new Dictionary<ObjectIdentity, (string Name, bool IsUnlinked)>();
        var hasDirectory = files.StatBehind("/dev/shm", out var directory).IsSuccess;
        var index = new LinuxProcessScan(calls, files, IsAnonymous, readsPaths: true).Walk();
        if (found.Values.Any(each => each.IsUnlinked))
        {
            // What was made without a name and published has one now, although /proc still shows it as it was made.
            foreach (var name in names.List())
            {
                if (names.Find(name) is { } named)
                {
                    found.Remove(named.Identity);
                }
            }
        }

        var listed = found.Select(each => new UnnamedMemory
        {
            DebugName = each.Value.Name,
            IsUnlinked = each.Value.IsUnlinked,
            Identity = each.Key,
            Status = StatusThrough(index[each.Key], each.Key),
            Holders = index[each.Key],
        });
        return new([.. listed], index.UnreadableProcessIds, index.IsComplete);

        bool IsAnonymous(ObjectIdentity identity, ReadOnlySpan<char> path)
        {
            var isGone = path.EndsWith(Suffix);
            var bare = isGone ? path[..^Suffix.Length] : path;
            if (bare.StartsWith(Memfd))
            {
                found.TryAdd(identity, (bare[Memfd.Length..].ToString(), false));
            }
            else if (isGone && hasDirectory && identity.Device == directory.Identity.Device && bare.StartsWith(directoryPath) && IsObject(bare[directoryPath.Length..]))
            {
                // A process that opened it by its name shows that name; one that made it without a name and published it shows a number.
                var isBetter = !found.TryGetValue(identity, out var known) || known.Name.StartsWith('#');
                found[identity] = isBetter ? (bare[directoryPath.Length..].ToString(), true) : known;
            }

            return found.ContainsKey(identity);
        }

        // Semaphores are made under another name and then linked: they look removed, and are not objects anyway.
        static bool IsObject(ReadOnlySpan<char> name) => !name.Contains('/') && !name.StartsWith("sem.");
    }

    internal override Errno OpenDescriptor(int processId, int descriptor, FileAccess access, out SafeFileHandle? handle)
    {
        var error = Open($"/proc/{processId}/fd/{descriptor}\0", access, out handle);
        if (error is not (Errno.ENOENT or Errno.EACCES))
        {
            return error;
        }

        // The first thread has ended, and what it had belongs to root; or another one has descriptors of its own.
        foreach (var thread in new LinuxNumberedDirectory(calls, files).ThreadsOf(processId))
        {
            if (thread != processId && Open($"/proc/{processId}/task/{thread}/fd/{descriptor}\0", access, out handle).IsSuccess)
            {
                return default;
            }
        }

        if (error == Errno.ENOENT)
        {
            LinuxProcess.RequireProc();
        }

        return error;
    }

    internal override DirectoryWatch WatchDirectory() => LinuxDirectoryWatch.Start(calls, wire);

    internal override IReadOnlyList<ByteRange> GetAllocatedRanges(in OpenObject target)
    {
        var extent = backing.GetExtent(target);
        return extent.Length == 0 ? []
            : !files.ConsistsOfPages(target) ? new AllocationMap(calls, files, membership, pages, target).Ranges(extent.Length)
            : LinuxPages.HasAllBytes(extent) && pages.HasMemoryPastEnd(target, extent) != true ? [new(0, extent.Length)]
            : seals.HugePagesOf(target) is not null ? throw new PlatformNotSupportedException(
                "The kernel does not report which parts of an object of huge pages have memory behind them. GetStatus returns how many bytes have.")
            : new AllocationMap(calls, files, membership, pages, target).Ranges(extent.Length);
    }

    internal override IReadOnlyList<PageRun> GetPageStates(in OpenObject target) =>
        new AllocationMap(calls, files, membership, pages, target).States(backing.GetLength(target), this);

    internal override IReadOnlyList<ByteRange>? FindHugePages(in OpenObject target)
    {
        var status = backing.GetStatus(target);
        return Directory.Exists("/proc/self") ? new LinuxHugePageScan(calls, files).Find(IndexHolders(status.Identity)[status.Identity], status.Length) : null;
    }

    private Errno Open(FormattableString path, FileAccess access, out SafeFileHandle? handle) => files.OpenRegularFile(
        Encoding.ASCII.GetBytes(FormattableString.Invariant(path)), (access == FileAccess.Read ? O_RDONLY : O_RDWR) | O_CLOEXEC, UnixFileMode.None, out handle);

    /// <summary>What the kernel reports of an object that only other processes have: by a descriptor of theirs or, where this user may see that much, by a mapping.</summary>
    private SharedMemoryStatus? StatusThrough(SharedMemoryHolders holders, ObjectIdentity identity)
    {
        // The first thread has all of it, unless it has ended or another one has descriptors of its own.
        return StatusThrough(holders, identity, holder => [holder.ProcessId])
            ?? StatusThrough(holders, identity, holder => new LinuxNumberedDirectory(calls, files).ThreadsOf(holder.ProcessId));
    }

    /// <param name="threadsOf">Under which numbers in /proc to look, where a thread has a directory as a process has.</param>
    private SharedMemoryStatus? StatusThrough(SharedMemoryHolders holders, ObjectIdentity identity, Func<SharedMemoryHolder, IReadOnlyList<int>> threadsOf)
    {
        var threads = holders.SelectMany(holder => threadsOf(holder).Select(thread => (holder, thread))).ToList();
        var paths = threads.SelectMany(one => one.holder.Descriptors.Select(held => string.Create(CultureInfo.InvariantCulture, $"/proc/{one.thread}/fd/{held.Number}")))
            .Concat(threads.SelectMany(one => one.holder.Mappings.Select(held => string.Create(
                CultureInfo.InvariantCulture, $"/proc/{one.thread}/map_files/{held.Address:x}-{held.Address + (ulong)held.Length:x}"))));
        foreach (var path in paths)
        {
            if (files.StatBehind(path, out var status).IsSuccess && status.Identity == identity)
            {
                return status;
            }
        }

        return null;
    }
}

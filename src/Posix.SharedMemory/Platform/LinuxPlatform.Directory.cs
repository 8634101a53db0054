using Posix.SharedMemory.Inspection;
using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Linux;
using static Posix.SharedMemory.Interop.Unix;

namespace Posix.SharedMemory;

internal partial class LinuxPlatform
{
    internal override IEnumerable<ObjectName> ListNames() => ListFiles(DirectoryPath.ToArray());

    /// <summary>Lists the regular files in a directory, whatever bytes their names are.</summary>
    private IEnumerable<ObjectName> ListFiles(byte[] directoryPath)
    {
        var error = OpenPath(directoryPath, O_RDONLY | O_DIRECTORY | O_CLOEXEC, UnixFileMode.None, out var directory);
        if (directory is null)
        {
            throw new SharedMemoryException(error, $"open({Encoding.UTF8.GetString(directoryPath).TrimEnd('\0')})");
        }

        using (directory)
        {
            var records = new byte[32 << 10];
            while (ReadRecords(directory, records) is var filled and > 0)
            {
                for (var at = 0; at < filled; at += BinaryPrimitives.ReadUInt16LittleEndian(records.AsSpan(at + LinuxDirent64.d_reclen)))
                {
                    var name = NameIn(records.AsSpan(at));
                    if (!name.IsNone)
                    {
                        yield return name;
                    }
                }
            }
        }
    }

    internal override unsafe SharedMemoryUsage GetUsage()
    {
        LinuxStatfs fileSystem = default;
        nint result;
        do
        {
            // SAFETY: a literal is pinned by its nature and ends with a NUL.
            fixed (byte* path = DirectoryPath)
            {
                result = Fails("statfs") ? -1 : Libc.statfs_linux(path, out fileSystem);
            }
        }
        while (IsInterrupted(result));
        Check(result, "statfs(/dev/shm)", default);
        return UsageOf(fileSystem);
    }

    internal override MemoryLimit? GetMemoryLimit() => LinuxControlGroup.Smallest();

    internal override SharedMemoryHolderIndex IndexHolders(ObjectIdentity? only)
    {
        if (only is { } wanted)
        {
            return new LinuxProcessScan(this, (identity, _) => identity == wanted).Walk();
        }

        var error = StatusBehind("/dev/shm", out var directory);
        ThrowIfFailed(error, "statx(/dev/shm)", default);
        return new LinuxProcessScan(this, (identity, _) => identity.Device == directory.Identity.Device).Walk();
    }

    internal override IEnumerable<UnnamedMemory> ListUnnamed()
    {
        const string Memfd = "/memfd:", Named = "/dev/shm/", Suffix = " (deleted)";
        var names = new Dictionary<ObjectIdentity, (string Name, bool IsUnlinked)>();
        var hasDirectory = StatusBehind("/dev/shm", out var directory).IsSuccess;
        var index = new LinuxProcessScan(this, IsAnonymous, readsPaths: true).Walk();
        if (names.Values.Any(found => found.IsUnlinked))
        {
            // What was made without a name and published has one now, though it keeps the other look.
            foreach (var name in ListNames())
            {
                if (Find(name) is { } named)
                {
                    names.Remove(named.Identity);
                }
            }
        }

        return names.Select(found => new UnnamedMemory
        {
            DebugName = found.Value.Name,
            IsUnlinked = found.Value.IsUnlinked,
            Identity = found.Key,
            Status = StatusThrough(index[found.Key], found.Key),
            Holders = index[found.Key],
        });

        bool IsAnonymous(ObjectIdentity identity, ReadOnlySpan<char> path)
        {
            var isGone = path.EndsWith(Suffix);
            var bare = isGone ? path[..^Suffix.Length] : path;
            if (bare.StartsWith(Memfd))
            {
                names.TryAdd(identity, (bare[Memfd.Length..].ToString(), false));
            }
            else if (isGone && hasDirectory && identity.Device == directory.Identity.Device && bare.StartsWith(Named) && IsObject(bare[Named.Length..]))
            {
                // Who opened it by its name shows that; who made it without one and published it, a number.
                var isBetter = !names.TryGetValue(identity, out var known) || known.Name.StartsWith('#');
                names[identity] = isBetter ? (bare[Named.Length..].ToString(), true) : known;
            }

            return names.ContainsKey(identity);
        }

        // Semaphores are made under another name and then linked: they look removed, and are no objects anyway.
        static bool IsObject(ReadOnlySpan<char> name) => !name.Contains('/') && !name.StartsWith("sem.");
    }

    internal override Errno OpenDescriptor(int processId, int descriptor, FileAccess access, out SafeFileHandle? handle)
    {
        var path = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}/fd/{descriptor}\0"));
        return OpenRegularFile(path, (access == FileAccess.Read ? O_RDONLY : O_RDWR) | O_CLOEXEC, UnixFileMode.None, out handle);
    }

    /// <summary>What the kernel tells of an object that only others have; by a descriptor of theirs, or where they may be looked into that far, by a mapping.</summary>
    private SharedMemoryStatus? StatusThrough(SharedMemoryHolders holders, ObjectIdentity identity)
    {
        var paths = holders.SelectMany(holder => holder.Descriptors.Select(held => string.Create(CultureInfo.InvariantCulture, $"/proc/{holder.ProcessId}/fd/{held.Number}")))
            .Concat(holders.SelectMany(holder => holder.Mappings.Select(held => string.Create(
                CultureInfo.InvariantCulture, $"/proc/{holder.ProcessId}/map_files/{held.Address:x}-{held.Address + (ulong)held.Length:x}"))));
        foreach (var path in paths)
        {
            if (StatusBehind(path, out var status).IsSuccess && status.Identity == identity)
            {
                return status;
            }
        }

        return null;
    }

    /// <summary>Follows a link, such as those in /proc, to what it stands for.</summary>
    internal unsafe Errno StatusBehind(string path, out SharedMemoryStatus status)
    {
        var bytes = Encoding.ASCII.GetBytes(path + "\0");
        LinuxStatx statx = default;
        // SAFETY: the path is pinned for the length of the call and ends with a NUL.
        fixed (byte* pathPointer = bytes)
        {
            var error = ErrorOf(Fails(nameof(Libc.statx)) ? -1 : Libc.statx(SYS_statx, AT_FDCWD, pathPointer, AT_STATX_DONT_SYNC, STATX_BASIC_STATS, out statx));
            status = StatusOf(statx);
            return error;
        }
    }

    private static SharedMemoryUsage UsageOf(in LinuxStatfs fileSystem)
    {
        var block = fileSystem.f_frsize == 0 ? fileSystem.f_bsize : fileSystem.f_frsize;
        return new(
            (long)fileSystem.f_blocks * block,
            (long)(fileSystem.f_blocks - fileSystem.f_bfree) * block,
            (long)fileSystem.f_bavail * block)
        {
            TotalInodes = (long)fileSystem.f_files,
            AvailableInodes = (long)fileSystem.f_ffree,
        };
    }

    /// <summary>The name in a record; none for what is not a regular file and for POSIX semaphores, which live there too.</summary>
    private static ObjectName NameIn(ReadOnlySpan<byte> record)
    {
        const byte Unknown = 0, RegularFile = 8;
        var name = record[LinuxDirent64.d_name..];
        name = name[..name.IndexOf((byte)0)];
        return record[LinuxDirent64.d_type] is Unknown or RegularFile && !name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8)
            && !name.StartsWith("sem."u8)
                ? ObjectName.FromSystem(name)
                : default;
    }

    private unsafe int ReadRecords(SafeFileHandle directory, byte[] records)
    {
        nint result;
        // SAFETY: the array is pinned for the length of the call and the kernel writes at most its length.
        fixed (byte* buffer = records)
        {
            result = Fails(nameof(Libc.getdents64)) ? -1 : Libc.getdents64(SYS_getdents64, directory, buffer, records.Length);
        }

        Check(result, nameof(Libc.getdents64), default);
        return (int)result;
    }
}

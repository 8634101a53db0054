using System.Diagnostics.CodeAnalysis;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory;

/// <summary>A file mapped into memory and shared by path or descriptor, that grows while it is in use.</summary>
/// <remarks>
/// On a file system that lasts its contents last; <see cref="MemoryMapping.Flush()"/> makes them durable. Members that change the region
/// (<see cref="Resize"/>, <see cref="CheckAndRemap"/>, ownership, disposing) may be called from several threads.
/// </remarks>
public sealed class MappedRegion : IDisposable
{
    private readonly Platform _platform;
    private readonly SharedMemoryObject _file;
    private readonly FilePath? _path;
    private readonly MappedRegionOptions _options;
    private OwnedFile? _owned;

    private MappedRegion(Platform platform, SharedMemoryObject file, FilePath? path, MappedRegionOptions options, long? length)
    {
        _platform = platform;
        _file = file;
        _path = path;
        _options = options;
        Mapping = file.MapFollowing(length, options.AddressSpace);
    }

    /// <summary>Creates a file of <paramref name="length"/> bytes, all zero, and maps it.</summary>
    /// <param name="path">Where it gets its place, in one step, when it is complete. A file that is there loses its path to it and keeps its own users and bytes.</param>
    /// <param name="length">In bytes, at least 1.</param>
    /// <param name="cleanup"><see cref="FileCleanup.OnDispose"/>: this region owns the file. <see cref="FileCleanup.Immediate"/>: the file never gets its path, and nothing that is there is touched.</param>
    /// <param name="options">Permissions, address space, backing.</param>
    /// <exception cref="ArgumentException">The path cannot be one; the length is not positive.</exception>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.ENOENT"/>, <see cref="Errno.ENOTDIR"/>: there is no such directory. <see cref="Errno.EACCES"/>. <see cref="Errno.EINVAL"/>: the path is
    /// a directory's, or the length is not a multiple of the huge pages that files there are made of. <see cref="Errno.ENOSPC"/>: the space is not there. <see cref="Errno.EFBIG"/>. Nothing is left behind.
    /// </exception>
    /// <exception cref="PlatformNotSupportedException">The file system has no files without a name, or cannot reserve space, or is one of huge pages and address space is asked for.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/mmap.2.html">mmap(2)</see></remarks>
    public static MappedRegion Create(string path, long length, FileCleanup cleanup, MappedRegionOptions? options = null)
    {
        var place = FilePath.Parse(path);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        SharedMemoryOptions.Check(cleanup);
        options = MappedRegionOptions.Check(options);
        var platform = Platform.Current;
        var error = platform.Names.CreateFile(place, out var handle, out var temporary);
        if (handle is null)
        {
            throw new SharedMemoryException(error, "open", place.Text);
        }

        var target = new OpenObject(handle, place.Label);
        MappedRegion? region = null;
        var placed = false;
        try
        {
            var file = SharedMemoryObject.OfFile(platform, target);
            file.CheckPages(length, "ftruncate");
            platform.Backing.SetInitialLength(target, length, options.Backing);
            platform.Backing.SetPermissions(target, options.Permissions);
            region = new(platform, file, place, options, length: null);
            // All that may fail comes before the path leads to the file.
            var owned = new OwnedFile(platform, place, platform.Backing.GetStatus(target).Identity);
            if (cleanup != FileCleanup.Immediate)
            {
                if (platform.Names.PlaceFile(target, temporary, place) is { IsSuccess: false } refusal)
                {
                    throw new SharedMemoryException(refusal, platform.Names.PublishCall, place.Text);
                }

                region._owned = cleanup == FileCleanup.OnDispose ? owned : null;
                placed = true;
            }
            else
            {
                RemoveTemporary(platform, temporary);
                placed = true;
            }

            return region;
        }
        finally
        {
            if (!placed)
            {
                RemoveTemporary(platform, temporary);
                region?.Mapping.Dispose();
                handle.Dispose();
            }
        }
    }

    /// <summary>Maps a file that is there, for reading and writing.</summary>
    /// <param name="path">Where it is.</param>
    /// <param name="options">Address space; backing, for <see cref="Resize"/>.</param>
    /// <exception cref="ArgumentException">The path cannot be one.</exception>
    /// <exception cref="InvalidDataException">The file is empty.</exception>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.ENOENT"/>, <see cref="Errno.EACCES"/>; <see cref="Errno.EINVAL"/>, <see cref="Errno.EISDIR"/>: not a file. <see cref="Errno.EAGAIN"/>, after a second
    /// of trying, as <see cref="SharedMemoryObject.Open(string, FileMode, FileAccess, UnixFileMode)"/>.
    /// </exception>
    /// <exception cref="PlatformNotSupportedException">Address space is asked for, and the file is of huge pages (hugetlbfs).</exception>
    /// <example>
    /// <code><![CDATA[
    /// using var attached = MappedRegion.Attach(path, new() { AddressSpace = 1L << 30 });
    /// if (attached.CheckAndRemap())
    /// {
    ///     Console.WriteLine($"{attached.Path} has grown to {attached.Length} bytes, where it was");
    /// }
    /// ]]></code>
    /// </example>
    [SuppressMessage("ApiDesign", "RS0027", Justification = "The overloads differ in the type of the first argument: no call fits both.")]
    public static MappedRegion Attach(string path, MappedRegionOptions? options = null)
    {
        var place = FilePath.Parse(path);
        options = MappedRegionOptions.Check(options);
        var platform = Platform.Current;
        var error = platform.Names.OpenFile(place, out var handle);
        return handle is null
            ? throw new SharedMemoryException(error, "open", place.Text)
            : Attach(platform, new(handle, place.Label), place, options, length: null);
    }

    /// <summary>Removes the temporary files in a directory that processes left which were killed while they replaced a file there.</summary>
    /// <param name="directory">The directory of the regions' files.</param>
    /// <returns>The names of the files that were removed.</returns>
    /// <exception cref="ArgumentException">The path is empty, contains a NUL or half a surrogate pair, or is the root.</exception>
    /// <exception cref="SharedMemoryException"><see cref="Errno.ENOENT"/>, <see cref="Errno.EACCES"/>: the directory does not exist, or this user may not read it.</exception>
    /// <remarks>
    /// <see cref="Create"/> over an existing file gives the new file a name <c>.shm-publish-</c> and 16 digits for an instant. A file is removed only if its name is one that this library makes,
    /// and if the kernel has given back the lock that its maker holds while it lives. In /dev/shm, <c>shm gc</c> finds such names among those that no process uses.
    /// </remarks>
    /// <example><code>var removed = MappedRegion.RemoveAbandonedTemporaries("/var/lib/service/regions");</code></example>
    public static IReadOnlyList<string> RemoveAbandonedTemporaries(string directory) =>
        Platform.Current.Names.RemoveAbandoned(FilePath.Parse(directory));

    /// <summary>Maps the file behind a descriptor that came from elsewhere.</summary>
    /// <param name="handle">Open for reading and writing; disposing the region closes it. Where this method throws it stays the caller's.</param>
    /// <param name="length">How many bytes to map, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">The length is not positive, or the file is shorter.</exception>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EBADF"/>, <see cref="Errno.EACCES"/>: not open for reading and writing. <see cref="Errno.ENODEV"/>: cannot be mapped.</exception>
    /// <example>
    /// <code><![CDATA[
    /// using var temporary = MappedRegion.Create(path, 1 << 20, FileCleanup.Immediate, new() { Permissions = UnixFileMode.UserRead | UnixFileMode.UserWrite, Backing = Backing.Sparse });
    /// using var again = MappedRegion.Attach(temporary.SafeFileHandle, temporary.Length);   // The file has no path any more.
    /// ]]></code>
    /// </example>
    public static MappedRegion Attach(SafeFileHandle handle, long length)
    {
        ArgumentNullException.ThrowIfNull(handle);
        ObjectDisposedException.ThrowIf(handle.IsClosed, handle);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        var platform = Platform.Current;
        var target = new OpenObject(handle, default, SharesOpen: true);
        var present = platform.Backing.GetLength(target);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, present);
        return new(platform, SharedMemoryObject.OfFile(platform, target), path: null, MappedRegionOptions.Default, length);
    }

    /// <summary>Gets the file's path, absolute; <see langword="null"/> for a region attached by descriptor.</summary>
    public string? Path => _path?.Text;

    /// <summary>Gets how many bytes are mapped.</summary>
    public long Length => Mapping.Length;

    /// <summary>Gets whether disposing this region removes the file.</summary>
    public bool OwnsFile => _owned is not null;

    /// <summary>Gets the descriptor: close-on-exec. It is closed with this region.</summary>
    public SafeFileHandle SafeFileHandle => _file.SafeFileHandle;

    /// <summary>
    /// Gets the region's bytes. Where the region has outgrown its address space this is another mapping afterwards: what was taken from the former one
    /// directly is invalid then, and leases of it stay valid and see the same bytes.
    /// </summary>
    public MemoryMapping Mapping { get; private set; }

    /// <summary>Makes the file longer and maps what is new. The same length is nothing.</summary>
    /// <param name="newLength">In bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is smaller than what is mapped.</exception>
    /// <exception cref="SharedMemoryException"><see cref="Errno.ENOSPC"/>: the space is not there; nothing has changed. <see cref="Errno.EFBIG"/>, <see cref="Errno.ENOMEM"/>; <see cref="Errno.EMFILE"/>, as for <see cref="SharedMemoryObject.SetLength"/>; <see cref="Errno.EINVAL"/>: no multiple of the file's huge pages.</exception>
    /// <remarks>The file is never cut: where another process has made it longer meanwhile, the region shows that length.</remarks>
    public void Resize(long newLength)
    {
        lock (_file)
        {
            var target = _file.Target;
            ArgumentOutOfRangeException.ThrowIfLessThan(newLength, Length);
            if (newLength > Length)
            {
                _file.CheckPages(newLength, "ftruncate");
                _ = _platform.Backing.Grow(target, newLength, _options.Backing);
                Adopt(_platform.Backing.GetLength(target));
            }
        }
    }

    /// <summary>Adopts growth that was made elsewhere. It never changes the file.</summary>
    /// <returns>Whether the file had grown. One that was cut is left as it is mapped.</returns>
    /// <exception cref="SharedMemoryException"><see cref="Errno.ENOMEM"/>: no address space left.</exception>
    public bool CheckAndRemap()
    {
        lock (_file)
        {
            var present = _platform.Backing.GetLength(_file.Target);
            if (present <= Length)
            {
                return false;
            }

            Adopt(present);
            return true;
        }
    }

    /// <summary>Makes disposing this region remove the file, if the path still leads to it then.</summary>
    /// <exception cref="InvalidOperationException">The region was attached by descriptor: it knows no path.</exception>
    /// <example>
    /// <code>
    /// region.TakeOwnership();   // Disposing it removes the file now,
    /// if (region.OwnsFile)
    /// {
    ///     region.ReleaseOwnership();   // or leaves it to somebody else.
    /// }
    /// </code>
    /// </example>
    public void TakeOwnership()
    {
        lock (_file)
        {
            _owned = _path is { } path
                ? new(_platform, path, _platform.Backing.GetStatus(_file.Target).Identity)
                : throw new InvalidOperationException("A region attached by descriptor knows no path to remove.");
        }
    }

    /// <summary>Leaves the file where it is when this region is disposed.</summary>
    public void ReleaseOwnership()
    {
        lock (_file)
        {
            _owned = null;
        }
    }

    /// <summary>Unmaps the region, once its last lease is gone, and closes the file; removes it if this region owns it and the path still leads to it.</summary>
    /// <remarks>
    /// The system has no call that removes a file only if it is a certain one: if another process puts its file there between
    /// looking and removing, that one is removed.
    /// </remarks>
    public void Dispose()
    {
        lock (_file)
        {
            Mapping.Dispose();
            _owned?.Remove();
            _owned = null;
            _file.Dispose();
        }
    }

    private static MappedRegion Attach(Platform platform, in OpenObject target, FilePath? path, MappedRegionOptions options, long? length)
    {
        var attached = false;
        try
        {
            if (platform.Backing.GetLength(target) == 0)
            {
                throw new InvalidDataException($"{path?.Text} is empty: there is nothing to map.");
            }

            var region = new MappedRegion(platform, SharedMemoryObject.OfFile(platform, target), path, options, length);
            attached = true;
            return region;
        }
        finally
        {
            if (!attached)
            {
                target.Handle.Dispose();
            }
        }
    }

    private static void RemoveTemporary(Platform platform, FilePath? temporary)
    {
        if (temporary is { } path)
        {
            _ = platform.Names.RemoveFile(path);
        }
    }

    /// <summary>Shows the length that the file has now, in the address space there is or in new one.</summary>
    private void Adopt(long length)
    {
        if (length <= Mapping.Room)
        {
            // Not Refresh, which would look at the length again: it may have left this room by now.
            _ = Mapping.Show(length);
            return;
        }

        // The new mapping comes first: if it fails, the region is what it was.
        var former = Mapping;
        Mapping = _file.MapFollowing(length, _options.AddressSpace);
        former.Dispose();
    }
}

using System.Diagnostics.CodeAnalysis;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory;

/// <summary>A file mapped into memory and shared by path or descriptor, which can grow while it is in use.</summary>
/// <remarks>
/// On a persistent file system its contents persist; <see cref="MemoryMapping.Flush()"/> makes them durable. Members that change the region
/// (<see cref="SetLength"/>, <see cref="Refresh"/>, ownership, disposing) may be called from several threads.
/// </remarks>
[UnsupportedOSPlatform("windows")]
public sealed class MappedRegion : IDisposable
{
    private readonly ObjectDescriptor _file;
    private readonly FilePath? _path;
    private readonly MappedRegionOptions _options;
    private OwnedFile? _owned;

    private MappedRegion(ObjectDescriptor file, FilePath? path, MappedRegionOptions options, long? length)
    {
        _file = file;
        _path = path;
        _options = options;
        Mapping = MapFollowing(length);
    }

    /// <summary>Creates a file of <paramref name="length"/> bytes, all zero, and maps it.</summary>
    /// <param name="path">Where it is put, in one step, when it is complete.</param>
    /// <param name="length">In bytes, at least 1.</param>
    /// <param name="cleanup"><see cref="FileCleanup.OnDispose"/>: this region owns the file. <see cref="FileCleanup.Immediate"/>: the file never gets its path, and an existing file there is not touched.</param>
    /// <param name="options">Permissions, address space, backing, what to do if a file has the path.</param>
    /// <exception cref="ArgumentException">The path is not valid; the length is not positive.</exception>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.EEXIST"/>: a file has the path, and <see cref="MappedRegionOptions.OnConflict"/> does not let it be replaced. <see cref="Errno.ENOENT"/>, <see cref="Errno.ENOTDIR"/>: there is no
    /// such directory. <see cref="Errno.EACCES"/>: this user may not create files there. <see cref="Errno.EINVAL"/>: a directory is to be replaced, or the length is not a multiple of the huge pages that files there consist of.
    /// <see cref="Errno.ENOSPC"/>, <see cref="Errno.EDQUOT"/>: there is not enough space. <see cref="Errno.EFBIG"/>: more than <c>RLIMIT_FSIZE</c> or the file system allows. Nothing is left behind.
    /// </exception>
    /// <exception cref="PlatformNotSupportedException">The file system has no files without a name, or cannot reserve space, or has huge pages and address space is requested.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/mmap.2.html">mmap(2)</see></remarks>
    public static MappedRegion Create(string path, long length, FileCleanup cleanup, MappedRegionOptions? options = null)
    {
        var place = FilePath.Parse(path);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        Arguments.Check(cleanup);
        options = MappedRegionOptions.Check(options);
        var platform = Platform.Current;
        if (cleanup != FileCleanup.Immediate && options.OnConflict == NameConflict.Fail && platform.Names.FindFile(place, out _).IsSuccess)
        {
            // Placing decides. But if the path is taken already, the space for the file need not be found first.
            throw CannotPlace(Errno.EEXIST, place);
        }

        var error = platform.Names.CreateFile(place, out var handle, out var temporary);
        if (handle is null)
        {
            throw SystemCalls.FailureOf(error, "open", place.Text);
        }

        var target = new OpenObject(handle, place.Label);
        MappedRegion? region = null;
        var placed = false;
        try
        {
            var file = OfFile(platform, target);
            file.CheckPages(length, "ftruncate");
            platform.Backing.SetInitialLength(target, length, options.Backing);
            platform.Backing.SetInitialPermissions(target, options.Permissions);
            region = new(file, place, options, length: null);
            region.Place(temporary, cleanup);
            placed = true;
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

    /// <summary>Maps an existing file, for reading and writing.</summary>
    /// <param name="path">Where it is.</param>
    /// <param name="options">Address space; backing, for <see cref="SetLength"/>.</param>
    /// <exception cref="ArgumentException">The path is not valid.</exception>
    /// <exception cref="InvalidDataException">The file is empty.</exception>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.ENOENT"/>: no file has the path. <see cref="Errno.EACCES"/>: this user may not open it. <see cref="Errno.EINVAL"/>, <see cref="Errno.EISDIR"/>: not a file. <see cref="Errno.EAGAIN"/>, after a second
    /// of trying, as <see cref="SharedMemoryObject.Open(string, FileMode, FileAccess, UnixFileMode)"/>.
    /// </exception>
    /// <exception cref="PlatformNotSupportedException">Address space is requested, and the file consists of huge pages (hugetlbfs).</exception>
    /// <example>
    /// <code><![CDATA[
    /// using var attached = MappedRegion.Attach(path, new() { AddressSpace = 1L << 30 });
    /// if (attached.Refresh())
    /// {
    ///     Console.WriteLine($"{attached.Path} has grown to {attached.Length} bytes, at the same address");
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
            ? throw SystemCalls.FailureOf(error, "open", place.Text)
            : Attach(platform, new(handle, place.Label), place, options);
    }

    /// <summary>Removes temporary files that were left in a directory by processes killed while they replaced a file there.</summary>
    /// <param name="directory">The directory of the regions' files.</param>
    /// <returns>The names of the files that were removed.</returns>
    /// <exception cref="ArgumentException">The path is empty, contains a NUL or an unpaired surrogate, or is the root.</exception>
    /// <exception cref="SharedMemoryException"><see cref="Errno.ENOENT"/>, <see cref="Errno.EACCES"/>: the directory does not exist, or this user may not read it.</exception>
    /// <remarks>
    /// <see cref="Create"/> over an existing file gives the new file a name <c>.shm-publish-</c> and 16 digits for an instant. A file is removed only if its name is one that this library makes,
    /// and if the kernel has released the lock that its creator holds while it lives; and then also the symbolic link by which the creator held the new name, on a file system that cannot rename without replacing. In /dev/shm, <c>shm gc</c> finds such names among those that no process uses; where the kernel does not say that (an overlay, FUSE), <c>shm gc --remove</c> goes by this lock.
    /// </remarks>
    /// <example><code>var removed = MappedRegion.RemoveAbandonedTemporaries("/var/lib/service/regions");</code></example>
    public static IReadOnlyList<string> RemoveAbandonedTemporaries(string directory) =>
        Platform.Current.Names.RemoveAbandoned(FilePath.Parse(directory));

    /// <summary>Maps the file behind a descriptor that came from elsewhere.</summary>
    /// <param name="handle">Open for reading and writing; disposing the region closes it. If this method throws, it stays the caller's.</param>
    /// <param name="length">How many bytes to map, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">The length is not positive, or the file is shorter.</exception>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EBADF"/>, <see cref="Errno.EACCES"/>: not open for reading and writing. <see cref="Errno.ENODEV"/>: cannot be mapped.</exception>
    /// <example>
    /// <code><![CDATA[
    /// using var temporary = MappedRegion.Create(path, 1 << 20, FileCleanup.Immediate, new() { Permissions = UnixFileMode.UserRead | UnixFileMode.UserWrite, Backing = Backing.Sparse });
    /// using var again = MappedRegion.Attach(temporary.SafeFileHandle, temporary.Length);   // The file never had a path.
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
        return new(OfFile(platform, target), path: null, MappedRegionOptions.Default, length);
    }

    /// <summary>Gets the file's path, absolute; <see langword="null"/> for a region attached by descriptor.</summary>
    public string? Path => _path?.Text;

    /// <summary>Gets how many bytes are mapped.</summary>
    public long Length => Mapping.Length;

    /// <summary>Gets whether disposing this region removes the file.</summary>
    public bool OwnsFile => _owned is not null;

    /// <summary>Gets the descriptor: close-on-exec. It is closed with this region.</summary>
    public SafeFileHandle SafeFileHandle => _file.GiveOut();

    /// <summary>
    /// Gets the region's bytes. When the region outgrows its address space this becomes another mapping: spans and references taken from the old one
    /// directly are then invalid, while leases of it stay valid and see the same bytes.
    /// </summary>
    public MemoryMapping Mapping { get; private set; }

    /// <summary>Makes the file longer and maps the new bytes. The same length has no effect.</summary>
    /// <param name="length">In bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is smaller than what is mapped.</exception>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.ENOSPC"/>, <see cref="Errno.EDQUOT"/>: there is not enough space; nothing has changed. <see cref="Errno.EFBIG"/>, <see cref="Errno.ENOMEM"/>; <see cref="Errno.EMFILE"/>, as for
    /// <see cref="SharedMemoryObject.SetLength"/>; <see cref="Errno.EINVAL"/>: not a multiple of the file's huge pages.
    /// </exception>
    /// <remarks>The file never gets shorter: if another process has made it longer meanwhile, the region shows that length.</remarks>
    /// <example>
    /// <code>
    /// region.SetLength(region.Length * 2);
    /// </code>
    /// </example>
    public void SetLength(long length)
    {
        lock (_file)
        {
            var target = _file.Target;
            ArgumentOutOfRangeException.ThrowIfLessThan(length, Length);
            if (length > Length)
            {
                _file.CheckPages(length, "ftruncate");
                _file.Platform.Backing.Grow(target, length, _options.Backing);
                Adopt(_file.Platform.Backing.GetLength(target));
            }
        }
    }

    /// <summary>Does the same as <see cref="SetLength"/>, under a name that other libraries use.</summary>
    /// <param name="newLength">In bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is smaller than what is mapped.</exception>
    /// <exception cref="SharedMemoryException">As <see cref="SetLength"/>.</exception>
    public void Resize(long newLength) => SetLength(newLength);

    /// <summary>Maps the bytes that other processes have added to the file. It never changes the file.</summary>
    /// <returns>Whether the file had grown. If it was cut, the region stays as it is mapped.</returns>
    /// <exception cref="SharedMemoryException"><see cref="Errno.ENOMEM"/>: no address space left.</exception>
    public bool Refresh()
    {
        lock (_file)
        {
            var present = _file.Platform.Backing.GetLength(_file.Target);
            if (present <= Length)
            {
                return false;
            }

            Adopt(present);
            return true;
        }
    }

    /// <summary>Does the same as <see cref="Refresh"/>, under a name that other libraries use.</summary>
    /// <returns>Whether the file had grown.</returns>
    /// <exception cref="SharedMemoryException">As <see cref="Refresh"/>.</exception>
    public bool CheckAndRemap() => Refresh();

    /// <summary>Makes disposing this region remove the file, if the path still refers to it then.</summary>
    /// <exception cref="InvalidOperationException">The region was attached by descriptor: it has no path.</exception>
    /// <example>
    /// <code>
    /// region.TakeOwnership();   // Disposing the region removes the file now,
    /// if (region.OwnsFile)
    /// {
    ///     region.ReleaseOwnership();   // or leaves it to another process.
    /// }
    /// </code>
    /// </example>
    public void TakeOwnership()
    {
        lock (_file)
        {
            _owned = Own(_path ?? throw new InvalidOperationException("A region attached by descriptor has no path that could be removed."));
        }
    }

    /// <summary>Leaves the file where it is when this region is disposed.</summary>
    public void ReleaseOwnership()
    {
        lock (_file)
        {
            if (_owned is not null)
            {
                Disown();
            }
        }
    }

    /// <summary>Unmaps the region, once its last lease has ended, and closes the file; removes the file if this region owns it and the path still refers to it.</summary>
    /// <remarks>
    /// The system has no call that removes only a certain file: if another process puts its file there between the check and the
    /// removal, that one is removed.
    /// </remarks>
    public void Dispose()
    {
        lock (_file)
        {
            Mapping.Dispose();
            _owned?.Remove();
            _owned = null;
            _file.Close(keepsLocks: false);
        }
    }

    private static ObjectDescriptor OfFile(Platform platform, in OpenObject target) =>
        new(platform, target, FileAccess.ReadWrite) { PageSize = platform.Seals.GetPageSize(target) };

    private static MappedRegion Attach(Platform platform, in OpenObject target, FilePath path, MappedRegionOptions options)
    {
        var attached = false;
        try
        {
            if (platform.Backing.GetLength(target) == 0)
            {
                throw new InvalidDataException($"{path.Text} is empty. A region that another process creates with Create appears with its full length; other programs may still be writing it.");
            }

            var region = new MappedRegion(OfFile(platform, target), path, options, length: null);
            attached = true;
            return region;
        }
        finally
        {
            if (!attached)
            {
                platform.Membership.CloseUnseen(target.Handle);
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

    private static SharedMemoryException CannotPlace(Errno error, in FilePath path) => SystemCalls.FailureOf(
        error, nameof(Create), path.Text, detail: null,
        advice: error == Errno.EEXIST ? "A file has this path: attach to it, replace it with MappedRegionOptions.OnConflict, or delete it" : null);

    /// <summary>Puts the new file where it is to be. All else that may fail comes before.</summary>
    private void Place(FilePath? temporary, FileCleanup cleanup)
    {
        var path = _path!.Value;
        if (cleanup == FileCleanup.Immediate)
        {
            RemoveTemporary(_file.Platform, temporary);
            return;
        }

        var owned = cleanup == FileCleanup.OnDispose ? Own(path) : default(OwnedFile?);
        var error = NameTakeover.Place(_file.Platform, _file.Target, temporary, path, _options.OnConflict);
        if (!error.IsSuccess)
        {
            throw CannotPlace(error, path);
        }

        _owned = owned;
    }

    /// <summary>Takes the file on; the kernel's lock is the proof that its owner lives. Where there are no locks, the file is never taken for one that was left behind.</summary>
    private OwnedFile Own(in FilePath path)
    {
        var target = _file.Target;
        var owned = new OwnedFile(_file.Platform, path, _file.Platform.Backing.GetStatus(target).Identity);
        if (_file.Platform.Membership.Own(target).IsSuccess)
        {
            _file.Platform.Membership.Mark(target, isOwned: true);
        }

        return owned;
    }

    private void Disown()
    {
        _owned = null;
        var target = _file.Target;
        // The mark goes first: between the two the file is not one that was left behind.
        _file.Platform.Membership.Mark(target, isOwned: false);
        _file.Platform.Membership.Disown(target);
    }

    private MemoryMapping MapFollowing(long? length) =>
        new ObjectMappings(_file).Map(0, length, new() { Access = FileAccess.ReadWrite, AddressSpace = _options.AddressSpace }, whole: true, follows: true);

    /// <summary>Shows the length that the file has now, in the existing address space or in a new one.</summary>
    private void Adopt(long length)
    {
        if (length <= Mapping.Room)
        {
            // Not Refresh of the mapping, which would read the length again: it may be past this room by now.
            _ = Mapping.Show(length);
            return;
        }

        // The new mapping comes first: if it fails, the region is what it was.
        var former = Mapping;
        Mapping = MapFollowing(length);
        former.Dispose();
    }
}

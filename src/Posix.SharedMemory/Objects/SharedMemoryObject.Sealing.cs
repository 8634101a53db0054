namespace Posix.SharedMemory;

public sealed partial class SharedMemoryObject
{
    /// <summary>Creates an object that never has a name: it goes away with its last descriptor and mapping, and reaches whom it is given to.</summary>
    /// <param name="length">In bytes; with huge pages, a multiple of theirs.</param>
    /// <param name="options">Name for debugging, sealing, huge pages, backing; by default sealable, not executable, reserved.</param>
    /// <exception cref="ArgumentException">The name for debugging has more than 249 bytes, a NUL, or half a surrogate pair.</exception>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.ENOMEM"/>: more than the machine, or this process's control group, has available. <see cref="Errno.ENOSPC"/>: too few huge
    /// pages. <see cref="Errno.ENODEV"/>: the machine has no huge pages of that size. <see cref="Errno.EINVAL"/>: the length is no multiple of them.
    /// <see cref="Errno.EACCES"/>: <c>vm.memfd_noexec</c> forbids what may be executed. <see cref="Errno.EFBIG"/>: more than
    /// <c>RLIMIT_FSIZE</c>. <see cref="Errno.EMFILE"/>, <see cref="Errno.ENFILE"/>: no descriptor left. Nothing is left behind.
    /// </exception>
    /// <exception cref="PlatformNotSupportedException">A filter forbids <c>memfd_create</c>; huge or executable pages on macOS.</exception>
    /// <remarks>
    /// It is not bounded by the size of /dev/shm. FreeBSD without sealing: <c>SHM_ANON</c>. macOS: an object that is unlinked at once.
    /// <see href="https://man7.org/linux/man-pages/man2/memfd_create.2.html">memfd_create(2)</see>
    /// </remarks>
    /// <example>
    /// <code><![CDATA[
    /// AnonymousMemoryOptions options = new() { DebugName = "tensor", AllowSealing = false, HugePages = HugePageSize.Size2MiB, Backing = Backing.Reserved };
    /// using var tensor = SharedMemoryObject.CreateAnonymous(64 << 20, options);
    /// using var library = SharedMemoryObject.CreateAnonymous(1 << 20, new() { Executable = true });
    /// ]]></code>
    /// </example>
    public static SharedMemoryObject CreateAnonymous(long length = 0, AnonymousMemoryOptions? options = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        options = AnonymousMemoryOptions.Check(options);
        var platform = Platform.Current;
        var target = new OpenObject(platform.Seals.CreateAnonymous(options.ToRequest(), out var pageSize), default);
        var isComplete = false;
        try
        {
            var created = new SharedMemoryObject(platform, target, FileAccess.ReadWrite) { PageSize = pageSize };
            created.CheckPages(length, "ftruncate");
            platform.Backing.SetInitialLength(target, length, options.Backing);
            isComplete = true;
            return created;
        }
        finally
        {
            if (!isComplete)
            {
                target.Handle.Dispose();
            }
        }
    }

    /// <summary>Gets what the object is sealed against, asked of the kernel: another process may add seals. A named object answers <see cref="MemorySeals.Seal"/>.</summary>
    /// <remarks>macOS has no seals: nothing. <see href="https://man7.org/linux/man-pages/man2/F_GET_SEALS.2const.html">F_GET_SEALS(2const)</see></remarks>
    public MemorySeals Seals
    {
        get
        {
            var error = _platform.Seals.Get(Target, out var seals);
            return error.IsSuccess ? seals : throw new SharedMemoryException(error, "fcntl(F_GET_SEALS)", Name);
        }
    }

    /// <summary>Seals the object, against all of these or, where this throws, none. A seal is never taken away again.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not one of the seals there are.</exception>
    /// <exception cref="InvalidOperationException">The object was opened for reading only.</exception>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.EPERM"/>: the object is sealed against more seals; a named one always is. <see cref="Errno.EBUSY"/>, to
    /// <see cref="MemorySeals.Write"/>: somebody has it mapped through a descriptor that is open for writing. <see cref="Errno.EINVAL"/>: this kernel does not know the seal.
    /// </exception>
    /// <exception cref="PlatformNotSupportedException">macOS has no seals; FreeBSD neither <see cref="MemorySeals.FutureWrite"/> nor <see cref="MemorySeals.Exec"/>.</exception>
    /// <remarks>
    /// For <see cref="MemorySeals.Write"/>, first dispose the mappings, read-only ones too; to fill the object without one, use <see cref="Write"/>.
    /// <see href="https://man7.org/linux/man-pages/man2/F_GET_SEALS.2const.html">F_ADD_SEALS(2const)</see>
    /// </remarks>
    public void AddSeals(MemorySeals seals)
    {
        const MemorySeals Every = MemorySeals.Seal | MemorySeals.Shrink | MemorySeals.Grow | MemorySeals.Write | MemorySeals.FutureWrite | MemorySeals.Exec;
        if ((seals & ~Every) != 0)
        {
            throw new ArgumentOutOfRangeException(nameof(seals), seals, "Not one of the seals there are.");
        }

        var target = Target;
        RequireWritable();
        // Under the monitor: a mapping that is made meanwhile either finds the seals or is found here.
        lock (_handle)
        {
            if (_platform.Seals.Add(target, seals) is { IsSuccess: false } error)
            {
                throw new SharedMemoryException(error, "fcntl(F_ADD_SEALS)", Name, WhyNotSealed(error, seals));
            }

            KnownSeals |= seals;
            if (_extents.IsAnyMapped && _platform.Seals.Get(target, out var present).IsSuccess && KeepBytes(present))
            {
                // For mappings that outlive this object, which can ask no more then.
                _extents.SetStable(_platform.Backing.GetLength(target));
            }
        }
    }

    bool IMappingOwner.CannotEndBefore(long end)
    {
        if (_handle.IsClosed)
        {
            return false;
        }

        try
        {
            // The seals first: from then on the length cannot fall.
            var target = Target;
            return _platform.Seals.Get(target, out var seals).IsSuccess && KeepBytes(seals) && _platform.Backing.GetLength(target) >= end;
        }
        catch (ObjectDisposedException)
        {
            // Another thread has disposed the object meanwhile.
            return false;
        }
    }

    /// <summary>The seals that are known to be there. Others may be: they are found by asking.</summary>
    internal MemorySeals KnownSeals { get; set; }

    /// <summary>The size of the pages that the memory is made of.</summary>
    private long PageSize { get; init; } = MemoryPage.Size;

    private bool HasHugePages => PageSize > MemoryPage.Size;

    /// <summary>Huge pages come whole. The kernel checks some of its calls for that, and others not.</summary>
    internal void CheckPages(long length, string operation)
    {
        if (HasHugePages && length % PageSize != 0)
        {
            throw new SharedMemoryException(
                Errno.EINVAL, operation, Name, $"{length} bytes are no multiple of the object's huge pages, which have {PageSize} bytes");
        }
    }

    /// <summary>Whether what is sealed so stays mapped. Huge pages can be discarded all the same, and the pool may have no others: touching faults then.</summary>
    private bool KeepBytes(MemorySeals seals) => seals.HasFlag(MemorySeals.Shrink) && !HasHugePages;

    private string? WhyNotSealed(Errno error, MemorySeals seals)
    {
        if (error == Errno.EPERM)
        {
            return Name is null
                ? "the object is sealed against more seals (F_SEAL_SEAL)"
                : "the object is sealed against more seals (F_SEAL_SEAL), as every named object is; CreateAnonymous makes objects that can be sealed";
        }

        if (error == Errno.EBUSY)
        {
            return (!_extents.IsAnyMapped
                ? "another process, or another object of this one, has the memory mapped through a descriptor that is open for writing"
                : "this object has mappings, or leases of them, in this process: dispose them first, read-only ones too, and fill it by Write")
                + "; MemorySeals.FutureWrite leaves present mappings as they are and seals against new writers";
        }

        return error == Errno.EINVAL ? $"this kernel does not know all of {seals}" : null;
    }
}

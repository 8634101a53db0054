namespace Posix.SharedMemory.Threading;

/// <summary>A POSIX semaphore, in the bytes of the C library: for partners that use <c>sem_open</c> or <c>sem_init</c>, such as C and Python's multiprocessing.</summary>
/// <remarks>
/// Where all partners can choose, <see cref="SharedSemaphore"/> is better: the permits of a process that is killed are lost here, and a C program that is killed as it is woken can leave others asleep
/// although a permit is there. glibc on 64-bit systems. <see href="https://man7.org/linux/man-pages/man7/sem_overview.7.html">sem_overview(7)</see>
/// </remarks>
public sealed class PosixSemaphore : IDisposable
{
    /// <summary>How many bytes a POSIX semaphore takes, at a multiple of 8.</summary>
    public const int Size = PosixSemaphoreLayout.Size;

    /// <summary>So often a name that appears and disappears is tried again.</summary>
    private const int MostTries = 100;

    private const string Prefix = "sem.";

    private readonly SharedSemaphore _semaphore;
    private volatile bool _isDisposed;
    private readonly MemoryMapping? _mapping;
    private readonly SharedMemoryObject? _memory;

    private PosixSemaphore(MemoryMapping mapping, long offset, SharedMemoryObject? memory)
    {
        _ = PosixSemaphoreLayout.Template;
        _memory = memory;
        _mapping = memory is null ? null : mapping;
        _semaphore = SharedSemaphore.Over(new PosixPermits(HeldBytes.Take(mapping, offset, Size, alignment: 8)));
    }

    /// <summary>Gets how many permits are free. A snapshot: it may be out of date when it is returned.</summary>
    public int CurrentCount => _semaphore.CurrentCount;

    /// <summary>Opens the semaphore that <c>sem_open</c> calls by this name, or creates it.</summary>
    /// <param name="name">With or without the slash that C puts before it.</param>
    /// <param name="initialCount">The permits of a new semaphore.</param>
    /// <param name="createdNew">Whether this call created it.</param>
    /// <param name="permissions">Of a new semaphore.</param>
    /// <exception cref="ArgumentOutOfRangeException">The count is negative.</exception>
    /// <exception cref="InvalidDataException">The name belongs to something shorter than a semaphore.</exception>
    /// <exception cref="PlatformNotSupportedException">This C library lays semaphores out in another way.</exception>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EACCES"/>: this user may not open it.</exception>
    public static PosixSemaphore OpenOrCreate(string name, int initialCount, out bool createdNew, UnixFileMode permissions = UnixFileMode.UserRead | UnixFileMode.UserWrite)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(initialCount);
        var template = PosixSemaphoreLayout.Template;
        var file = FileOf(name);
        for (var tries = 0; ; tries++)
        {
            createdNew = false;
            if (SharedMemoryObject.TryOpen(file, FileAccess.ReadWrite, out var memory))
            {
                return Map(memory, name);
            }

            // Complete and mapped before anybody sees the name: what fails leaves none.
            var made = Map(SharedMemoryObject.CreateUnpublished(Size, new() { Permissions = permissions }), name);
            try
            {
                var bytes = made._mapping!.GetSpan();
                template.CopyTo(bytes);
                BitConverter.TryWriteBytes(bytes, initialCount);
                made._memory!.Publish(file);
                createdNew = true;
                return made;
            }
            catch (SharedMemoryException e) when (e.Errno == Errno.EEXIST && tries < MostTries)
            {
                made.Dispose();
            }
            catch
            {
                made.Dispose();
                throw;
            }
        }
    }

    /// <summary>Opens the semaphore that <c>sem_open</c> calls by this name.</summary>
    /// <exception cref="InvalidDataException">The name belongs to something shorter than a semaphore.</exception>
    /// <exception cref="SharedMemoryException"><see cref="Errno.ENOENT"/>: there is none. <see cref="Errno.EACCES"/>: this user may not open it.</exception>
    public static PosixSemaphore Open(string name) => Map(SharedMemoryObject.Open(FileOf(name)), name);

    /// <summary>The semaphore that a partner made with <c>sem_init</c> at a place of a mapping, shared between processes.</summary>
    /// <param name="mapping">A shared mapping for reading and writing.</param>
    /// <param name="offset">A multiple of 8, in bytes.</param>
    /// <exception cref="ArgumentException">The offset is not a multiple of 8, or the mapping is read-only.</exception>
    /// <exception cref="ArgumentOutOfRangeException">It is not inside the mapping.</exception>
    public static PosixSemaphore At(MemoryMapping mapping, long offset) => new(mapping, offset, memory: null);

    /// <summary>Removes the name of a semaphore; processes that have it open are unaffected.</summary>
    /// <exception cref="SharedMemoryException"><see cref="Errno.ENOENT"/>: there is none.</exception>
    public static void Unlink(string name) => SharedMemoryObject.Unlink(FileOf(name));

    /// <summary>Removes the name of a semaphore.</summary>
    /// <returns>False: there is none.</returns>
    public static bool TryUnlink(string name) => SharedMemoryObject.TryUnlink(FileOf(name));

    /// <inheritdoc cref="SharedSemaphore.Wait(CancellationToken)"/>
    public void Wait(CancellationToken cancellationToken = default) => Usable.Wait(cancellationToken);

    /// <inheritdoc cref="SharedSemaphore.Wait(TimeSpan, CancellationToken)"/>
    public bool Wait(TimeSpan timeout, CancellationToken cancellationToken = default) => Usable.Wait(timeout, cancellationToken);

    /// <inheritdoc cref="SharedSemaphore.TryWait"/>
    public bool TryWait() => Usable.TryWait();

    /// <inheritdoc cref="SharedSemaphore.WaitAsync(CancellationToken)"/>
    public ValueTask WaitAsync(CancellationToken cancellationToken = default) => Usable.WaitAsync(cancellationToken);

    /// <inheritdoc cref="SharedSemaphore.WaitAsync(TimeSpan, CancellationToken)"/>
    public ValueTask<bool> WaitAsync(TimeSpan timeout, CancellationToken cancellationToken = default) => Usable.WaitAsync(timeout, cancellationToken);

    /// <summary>Gives permits back.</summary>
    /// <returns>How many there were before.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The count is less than 1.</exception>
    /// <exception cref="SemaphoreFullException">There would be more than 2,147,483,647.</exception>
    public int Release(int releaseCount = 1) => Usable.Release(releaseCount);

    /// <summary>Closes it. The name stays: <see cref="Unlink"/> removes it.</summary>
    public void Dispose()
    {
        _isDisposed = true;
        _mapping?.Dispose();
        _memory?.DisposeKeepingLocks();
    }

    private SharedSemaphore Usable
    {
        get
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            return _semaphore;
        }
    }

    private static string FileOf(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return Prefix + name.TrimStart('/');
    }

    private static PosixSemaphore Map(SharedMemoryObject memory, string name)
    {
        MemoryMapping? mapping = null;
        try
        {
            if (memory.Length < Size)
            {
                throw new InvalidDataException($"The object of the semaphore '{name}' has {memory.Length} bytes, fewer than the {Size} of a semaphore.");
            }

            mapping = memory.Map();
            return new(mapping, 0, memory);
        }
        catch
        {
            mapping?.Dispose();
            memory.DisposeKeepingLocks();
            throw;
        }
    }
}

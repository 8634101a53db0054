namespace Posix.SharedMemory.Threading.Tests;

/// <summary>The kernel of this machine, of which one call of the acting thread fails, or every call of one name. It counts the pages that it has mapped.</summary>
internal sealed unsafe class FailingKernel : LinuxKernel
{
    private int _thread;
    private Errno _errno;
    private string? _name;
    private int _left;
    private int _hits;
    private int _pages;
    private volatile bool _isArmed;

    /// <summary>Gets how many calls have failed since the failure was chosen.</summary>
    internal int Hits => Volatile.Read(ref _hits);

    /// <summary>Gets how many pages are mapped.</summary>
    internal int Pages => Volatile.Read(ref _pages);

    /// <summary>Chooses the failure: the next call of this thread but so many.</summary>
    internal void FailAt(int point) => (_name, _errno, _left, _hits) = (null, Errno.ENOMEM, point, 0);

    /// <summary>Chooses the failure: all calls of a name, of this thread and of those that serve it.</summary>
    internal void FailAll(string name, Errno errno) => (_name, _errno, _hits) = (name, errno, 0);

    internal void Arm()
    {
        _thread = Environment.CurrentManagedThreadId;
        _isArmed = true;
    }

    internal void Disarm() => _isArmed = false;

    internal override void StartThread(Thread thread)
    {
        if (Fault("clone") != 0)
        {
#pragma warning disable CA2201, MA0012 // What the runtime throws where no thread can be started.
            throw new OutOfMemoryException("A test refuses a thread.");
#pragma warning restore CA2201, MA0012
        }

        base.StartThread(thread);
    }

    internal override byte* MapPages(int count)
    {
        var pages = base.MapPages(count);
        Interlocked.Add(ref _pages, count);
        return pages;
    }

    internal override void UnmapPages(byte* first, int count)
    {
        base.UnmapPages(first, count);
        Interlocked.Add(ref _pages, -count);
    }

    protected override int Fault(string call)
    {
        if (!_isArmed)
        {
            return 0;
        }

        var isActing = Environment.CurrentManagedThreadId == _thread;
        var fails = _name is null ? isActing && _left-- == 0
            : _name == call && (isActing || Thread.CurrentThread.Name?.StartsWith("shm ", StringComparison.Ordinal) == true);
        if (fails)
        {
            Interlocked.Increment(ref _hits);
        }

        return fails ? (int)_errno : 0;
    }
}

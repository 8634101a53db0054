namespace Posix.SharedMemory.Threading.Tests;

/// <summary>The kernel of this machine, which kills this process before or after one of its calls.</summary>
internal sealed unsafe class KillingKernel : LinuxKernel
{
    private int _thread;
    private int _left = int.MaxValue;

    /// <summary>Kills the process at a point: 0 is before the next call of this thread, 1 after it, 2 before the one after that.</summary>
    internal void Arm(int point)
    {
        _left = point;
        _thread = Environment.CurrentManagedThreadId;
    }

    internal override bool RegisterForFences() => After(base.RegisterForFences());

    internal override bool FenceAll() => After(base.FenceAll());

    internal override bool Sleep(ref SleepList list, long deadline) => After(base.Sleep(ref list, deadline));

    internal override int Wake(uint* word, int count, bool isPrivate = false) => After(base.Wake(word, count, isPrivate));

    internal override int ChangeAndWake(uint* word, WordChange change, int argument, int count) => After(base.ChangeAndWake(word, change, argument, count));

    internal override byte* MapPages(int count)
    {
        var pages = base.MapPages(count);
        Count();
        return pages;
    }

    internal override void UnmapPages(byte* first, int count)
    {
        Count();
        base.UnmapPages(first, count);
        Count();
    }

    internal override void AliasPage(byte* page, byte* alias)
    {
        base.AliasPage(page, alias);
        Count();
    }

    /// <summary>Every call begins with this.</summary>
    protected override int Fault(string call)
    {
        Count();
        return 0;
    }

    private T After<T>(T result)
    {
        Count();
        return result;
    }

    private void Count()
    {
        if (Environment.CurrentManagedThreadId == _thread && _left-- == 0)
        {
            Native.Kill(Environment.ProcessId, Native.SIGKILL);
            Thread.Sleep(Timeout.Infinite);
        }
    }
}

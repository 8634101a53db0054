using System.Globalization;

namespace Posix.SharedMemory.Threading.Tests;

/// <summary>POSIX mutexes in zeroed memory, and their partners in C, which know the C library's functions only.</summary>
public abstract class PosixMutexPartners : IDisposable
{
    protected const long Place = 4096, Second = Place + 64, Data = Place + 256;
    protected const string Busy = "16", OwnerDied = "130", NotRecoverable = "131";


    private protected Memory Memory { get; } = new();

    protected MemoryMapping Mapping => Memory.Mapping;

    protected static long WordOffset => PosixMutexLayout.Current.WordOffset;

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
        Memory.Dispose();
    }

    protected bool HasWaiters() => (Memory.Word(Place + WordOffset) >> 31) == 1;

    protected static void DieInside(PosixMutex mutex)
    {
        var thread = new Thread(() => _ = mutex.Enter());
        thread.Start();
        thread.Join();
        // The runtime's Join returns before the kernel has ended the thread.
        Watchdog.Until(() => mutex.IsInconsistent, "the end of the thread");
    }

    protected static bool IsInFutex(int process) => File.ReadAllText($"/proc/{process}/wchan").StartsWith("futex", StringComparison.Ordinal);

    protected static Task<bool> OnThread(Action action) => OnThread(() =>
    {
        action();
        return true;
    });

    internal static Task<T> OnThread<T>(Func<T> action)
    {
        var ended = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() =>
        {
            try
            {
                ended.SetResult(action());
            }
            catch (Exception e)
            {
                ended.SetException(e);
            }
        }).Start();
        return ended.Task;
    }

    /// <summary>A waiter that another one's repair was quicker than was not told: that is right too.</summary>
    protected static async Task Ended(Task waiter)
    {
        try
        {
            await waiter;
        }
        catch (Xunit.Sdk.ThrowsException)
        {
            // It entered after the repair.
        }
    }

    private protected Peer Start(long place = Place)
    {
        var peer = Peer.Run(Build("cc", "mutex"), "/dev/shm/" + Memory.Name, place.ToString(CultureInfo.InvariantCulture));
        Assert.Equal(PosixMutexLayout.NativeSize.ToString(CultureInfo.InvariantCulture), peer.ReadLine());
        return peer;
    }

    private protected static string Build(string compiler, string source) => CCompilation.Build(compiler, source + ".c");
}

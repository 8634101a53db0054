namespace Posix.SharedMemory.Threading.Tests;

/// <summary>While it lasts, sleepers of this process look again after an hour only: a wake-up that is missing is missed.</summary>
internal sealed class RareLooks : IDisposable
{
    private readonly long _before = BlockingWait.LookEvery;

    internal RareLooks() => BlockingWait.LookEvery = 3600 * Deadline.Second;

    public void Dispose() => BlockingWait.LookEvery = _before;
}

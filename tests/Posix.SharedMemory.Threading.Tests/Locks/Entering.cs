using Posix.SharedMemory.Threading.Tests.Peers;

namespace Posix.SharedMemory.Threading.Tests.Locks;

/// <summary>Entering and leaving a mutex.</summary>
public sealed class Entering
{
    [Fact]
    public void Smoke()
    {
        using var memory = new Memory();
        using var roster = Roster.Join(memory.Mapping);
        var mutex = SharedMutex.At(roster, Memory.Locks);
        using (mutex.Enter())
        {
            Assert.Equal(roster.Self, mutex.Holder);
        }
        Assert.Null(mutex.Holder);
        using var peer = Partner.Start("hold", memory.Name);
        Assert.StartsWith("held", peer.ReadLine());
        Assert.False(mutex.TryEnter(out _));
        Assert.False(mutex.TryEnter(TimeSpan.FromMilliseconds(20), out _));
        var t = Task.Run(() => Assert.Throws<OwnerDiedException>(() => mutex.Enter()));
        var a = mutex.EnterAsync();
        Thread.Sleep(100);
        Assert.False(a.IsCompleted);
        var clock = System.Diagnostics.Stopwatch.StartNew();
        peer.Kill();
        t.GetAwaiter().GetResult();
        Assert.ThrowsAny<OwnerDiedException>(() => a.AsTask().GetAwaiter().GetResult());
        Console.WriteLine($"told after {clock.Elapsed}");
        using (mutex.Enter(() => { }))
        {
        }
        Assert.Equal(0u, memory.Word(Memory.Locks) & 0x7FFFFFFF);
    }
}

namespace Posix.SharedMemory.Threading.Tests;

/// <summary>Locks whose object another program has cut or overwritten: opening them is an error, and not a signal.</summary>
public sealed class Cutting : IDisposable
{
    private const int Seats = 1023;

    private readonly TemporaryName _name = new("cut");

    [Theory]
    [InlineData("mutex")]
    [InlineData("semaphore")]
    [InlineData("returning")]
    [InlineData("event")]
    [Rule("named.kind")]
    public void A_lock_of_which_a_part_is_missing_is_refused_and_stays(string kind)
    {
        Create(kind);
        var whole = new FileInfo(_name.Path).Length;
        Open(kind).Dispose();
        for (var length = whole - Environment.SystemPageSize; length >= 0; length -= Environment.SystemPageSize)
        {
            Cut(length);
            Assert.Throws<WaitHandleCannotBeOpenedException>(() => Open(kind));
        }

        Cut(1);
        Assert.Throws<WaitHandleCannotBeOpenedException>(() => Open(kind));
        // Grown again, it has zeros.
        Cut(whole);
        Assert.Throws<WaitHandleCannotBeOpenedException>(() => Open(kind));
        Assert.True(_name.Exists);
    }

    [Theory]
    [InlineData("mutex")]
    [InlineData("semaphore")]
    [InlineData("returning")]
    [InlineData("event")]
    [Rule("named.kind")]
    public void A_lock_whose_bytes_were_overwritten_is_refused_and_nothing_of_it_stays_mapped(string kind)
    {
        Create(kind);
        using (var file = new FileStream(_name.Path, FileMode.Open, FileAccess.Write))
        {
            file.Position = Roster.SizeFor(Seats) + NamedMemory.LockAfterRoster;
            var garbage = new byte[64];
            garbage.AsSpan().Fill(0x5A);
            file.Write(garbage);
        }

        Assert.ThrowsAny<Exception>(() => Open(kind));
        // The guard's thread lets go of it a moment later.
        Watchdog.Until(() => !File.ReadAllText("/proc/self/maps").Contains(_name.Name, StringComparison.Ordinal), "the end of the mapping");
        Assert.True(_name.Exists);
    }

    public void Dispose() => _name.Dispose();

    private void Cut(long length)
    {
        using var file = new FileStream(_name.Path, FileMode.Open, FileAccess.Write);
        file.SetLength(length);
    }

    private void Create(string kind)
    {
        var options = new NamedOptions { Seats = Seats, Lifetime = Lifetime.Keep };
        switch (kind)
        {
            case "mutex":
                NamedMutex.Create(_name, options).Dispose();
                break;
            case "event":
                NamedEvent.OpenOrCreate(_name, false, EventResetMode.AutoReset, out _, options).Dispose();
                break;
            default:
                NamedSemaphore.OpenOrCreate(_name, 1, 1, out _, options with { ReturnPermitsOfTheDead = kind == "returning" }).Dispose();
                break;
        }
    }

    private IDisposable Open(string kind) => kind switch
    {
        "mutex" => NamedMutex.OpenExisting(_name),
        "event" => NamedEvent.OpenExisting(_name),
        _ => NamedSemaphore.OpenExisting(_name),
    };
}

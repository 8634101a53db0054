namespace Posix.SharedMemory.Threading.Tests;

/// <summary>A process that closes any descriptor of a file loses all its POSIX locks on it: what the library opens and closes by a name does not cost the caller a lock.</summary>
public sealed class CallersLocks(LockJudge judge) : IClassFixture<LockJudge>
{
    private static readonly Dictionary<string, Action<string>> s_refused = new(StringComparer.Ordinal)
    {
        ["NamedMutex.OpenExisting"] = name => NamedMutex.OpenExisting(name),
        ["NamedMutex.TryOpenExisting"] = name => NamedMutex.TryOpenExisting(name, out _),
        ["NamedMutex.OpenOrCreate"] = name => NamedMutex.OpenOrCreate(name, out _),
        ["NamedMutex.Create"] = name => NamedMutex.Create(name),
        ["NamedSemaphore.OpenOrCreate"] = name => NamedSemaphore.OpenOrCreate(name, 1, 1, out _),
        ["NamedSemaphore.OpenExisting"] = name => NamedSemaphore.OpenExisting(name),
        ["NamedEvent.OpenOrCreate"] = name => NamedEvent.OpenOrCreate(name, false, EventResetMode.AutoReset, out _),
        ["NamedEvent.OpenExisting"] = name => NamedEvent.OpenExisting(name),
        ["PosixSemaphore.Open"] = name => PosixSemaphore.Open(name),
        ["PosixSemaphore.OpenOrCreate"] = name => PosixSemaphore.OpenOrCreate(name, 1, out _),
    };

    private static readonly Dictionary<string, Func<string, IDisposable>> s_opening = new(StringComparer.Ordinal)
    {
        ["NamedMutex"] = name => NamedMutex.OpenOrCreate(name, out _, new() { Lifetime = Lifetime.Keep }),
        ["NamedSemaphore"] = name => NamedSemaphore.OpenOrCreate(name, 1, 1, out _, new() { Lifetime = Lifetime.Keep }),
        ["NamedEvent"] = name => NamedEvent.OpenOrCreate(name, false, EventResetMode.AutoReset, out _, new() { Lifetime = Lifetime.Keep }),
        ["PosixSemaphore"] = name => PosixSemaphore.OpenOrCreate(name, 1, out _),
    };

    public static TheoryData<string> Refused => [.. s_refused.Keys];

    public static TheoryData<string> Opening => [.. s_opening.Keys];

    [Theory]
    [MemberData(nameof(Refused))]
    [Rule("named.locks")]
    public void An_object_that_is_refused_keeps_the_locks_of_its_user(string operation)
    {
        using var name = new TemporaryName(operation.StartsWith("Posix", StringComparison.Ordinal) ? "sem.locks" : "locks");
        using var file = new FileStream(name.Path, FileMode.CreateNew, FileAccess.ReadWrite);
        file.SetLength(operation.StartsWith("Posix", StringComparison.Ordinal) ? 8 : 8192);
        Lock(file);
        Assert.ThrowsAny<Exception>(() => s_refused[operation](WithoutPrefix(name)));
        Assert.True(judge.SeesLock(file.SafeFileHandle));
    }

    [Theory]
    [MemberData(nameof(Opening))]
    [Rule("named.locks")]
    public void An_object_that_is_opened_and_closed_keeps_them_too(string kind)
    {
        using var name = new TemporaryName(kind.StartsWith("Posix", StringComparison.Ordinal) ? "sem.locks" : "locks");
        s_opening[kind](WithoutPrefix(name)).Dispose();
        using var file = new FileStream(name.Path, FileMode.Open, FileAccess.ReadWrite);
        Lock(file);
        s_opening[kind](WithoutPrefix(name)).Dispose();
        Assert.True(judge.SeesLock(file.SafeFileHandle));
    }

    private static string WithoutPrefix(string name) => name.StartsWith("sem.", StringComparison.Ordinal) ? name["sem.".Length..] : name;

    private static void Lock(FileStream file)
    {
        if (OperatingSystem.IsLinux())
        {
            file.Lock(0, 100);
        }
    }
}

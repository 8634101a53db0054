namespace Posix.SharedMemory.Channels.Tests;

/// <summary>A process that closes any descriptor of a file loses all its POSIX locks on it: what the library opens and closes by a name does not cost the caller a lock.</summary>
public sealed class CallersLocks(LockJudge judge) : IClassFixture<LockJudge>
{
    private static readonly Dictionary<string, Func<string, IDisposable>> s_opening = new(StringComparer.Ordinal)
    {
        ["MessageChannel.Open"] = name => MessageChannel.Open(name),
        ["MessageChannel.OpenOrCreate"] = name => MessageChannel.OpenOrCreate(name, out _),
        ["SharedChannel.Open"] = name => SharedChannel.Open<long>(name),
        ["SharedChannel.OpenOrCreate"] = name => SharedChannel.OpenOrCreate<long>(name, 64, out _),
        ["LatestBytes.Open"] = name => LatestBytes.Open(name),
        ["LatestBytes.OpenOrCreate"] = name => LatestBytes.OpenOrCreate(name, out _),
        ["LatestValue.Open"] = name => LatestValue<long>.Open(name),
        ["LatestValue.OpenOrCreate"] = name => LatestValue<long>.OpenOrCreate(name, out _),
        ["Broadcast.Open"] = name => Broadcast.Open(name),
        ["Broadcast.OpenOrCreate"] = name => Broadcast.OpenOrCreate(name, out _),
        ["FrameChannel.Open"] = name => FrameChannel.Open(name),
        ["FrameChannel.OpenOrCreate"] = name => FrameChannel.OpenOrCreate(name, out _),
        ["FanIn.Open"] = name => FanIn.Open(name),
        ["FanIn.OpenOrCreate"] = name => FanIn.OpenOrCreate(name, out _),
    };

    private static readonly Dictionary<string, Func<string, IDisposable>> s_creating = new(StringComparer.Ordinal)
    {
        ["MessageChannel"] = name => MessageChannel.Create(name),
        ["SharedChannel"] = name => SharedChannel.Create<long>(name, 64),
        ["LatestBytes"] = name => LatestBytes.Create(name),
        ["LatestValue"] = name => LatestValue<long>.Create(name),
        ["Broadcast"] = name => Broadcast.Create(name),
        ["FrameChannel"] = name => FrameChannel.Create(name, new() { SlotLength = 4096 }),
        ["FanIn"] = name => FanIn.Create(name),
    };

    public static TheoryData<string> Opening => [.. s_opening.Keys];

    [Theory]
    [MemberData(nameof(Opening))]
    [Rule("channel.locks")]
    public void An_object_that_is_not_a_channel_keeps_the_locks_of_its_user(string operation)
    {
        using var name = new TemporaryName("locks");
        using var file = new FileStream(name.Path, FileMode.CreateNew, FileAccess.ReadWrite);
        file.SetLength(8192);
        Lock(file);
        Assert.Throws<InvalidDataException>(() => s_opening[operation](name));
        Assert.True(judge.SeesLock(file.SafeFileHandle));
    }

    [Theory]
    [MemberData(nameof(Opening))]
    [Rule("channel.locks")]
    public void A_channel_that_is_opened_and_closed_keeps_them_too(string operation)
    {
        using var name = new TemporaryName("locks");
        using var channel = s_creating[operation.Split('.')[0]](name);
        using var file = new FileStream(name.Path, FileMode.Open, FileAccess.ReadWrite);
        Lock(file);
        s_opening[operation](name).Dispose();
        Assert.True(judge.SeesLock(file.SafeFileHandle));
    }

    private static void Lock(FileStream file)
    {
        if (OperatingSystem.IsLinux())
        {
            file.Lock(0, 100);
        }
    }
}

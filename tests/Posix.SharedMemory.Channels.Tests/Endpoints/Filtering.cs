using Posix.SharedMemory.Threading;

namespace Posix.SharedMemory.Channels.Tests;

/// <summary>Behind a filter of the kernel (seccomp) that refuses one call, locks and channels work by another way, or the exception names the filter; nothing is left.</summary>
public sealed class Filtering
{
    private static readonly Errno[] s_errors = [Errno.EPERM, Errno.ENOSYS, Errno.EINVAL];

    /// <summary>What the runtime needs whenever it compiles a method or collects: refused to it, it ends the process.</summary>
    private static readonly string[] s_runtime = ["mmap", "mprotect", "madvise"];

    /// <summary>
    /// The calls of the library below, and those that are made for locks alone; not <c>membarrier</c>, without which the runtime cannot collect. Other threads than the one of the operation are not behind
    /// the filter.
    /// </summary>
    private static readonly FilteredCall[] s_calls =
    [
        .. FilteredCall.All.Where(call => !s_runtime.Contains(call.Name)), new("futex_waitv", [], new FilterRule(449, 449)), new("set_robust_list", [], new FilterRule(273, 99)),
        new("get_robust_list", [], new FilterRule(274, 100)), new("mremap", [], new FilterRule(25, 216)), new("kill", [], new FilterRule(62, 129)),
    ];

    /// <summary>What is done with a name that is free.</summary>
    private static readonly Dictionary<string, Func<string, string>> s_verbs = new(StringComparer.Ordinal)
    {
        ["NamedMutex"] = name =>
        {
            using var made = NamedMutex.OpenOrCreate(name, out var created);
            using var again = NamedMutex.OpenExisting(name);
            return $"{created} {again.WaitOne(0)} {Released(again)}";
        },
        ["NamedSemaphore"] = name =>
        {
            using var made = NamedSemaphore.Create(name, 1, 2);
            return $"{made.WaitOne(0)} {made.WaitOne(1)} {made.Release()}";
        },
        ["NamedEvent"] = name =>
        {
            using var made = NamedEvent.OpenOrCreate(name, initialState: false, EventResetMode.AutoReset, out var created);
            return $"{created} {made.WaitOne(1)} {made.Set()} {made.WaitOne(0)}";
        },
        ["PosixSemaphore"] = name =>
        {
            using var made = PosixSemaphore.OpenOrCreate(name, 1, out var created);
            return $"{created} {made.TryWait()} {made.Wait(TimeSpan.FromMilliseconds(1))} {made.Release()} {PosixSemaphore.TryUnlink(name)}";
        },
        ["PosixMutex"] = name => InObject(name, mapping =>
        {
            PosixMutex.At(mapping, 0).Enter().Dispose();
            return "entered";
        }),
        ["SharedMutex"] = name => InRoster(name, roster =>
        {
            SharedMutex.At(roster, 4096).Enter().Dispose();
            return "entered";
        }),
        ["SharedReaderWriterLock"] = name => InRoster(name, roster =>
        {
            var both = SharedReaderWriterLock.At(roster, 4096);
            both.EnterRead().Dispose();
            both.EnterWrite().Dispose();
            return "entered";
        }),
        ["MessageChannel"] = name =>
        {
            using var channel = MessageChannel.Create(name, new() { Capacity = 4096 });
            return Passed(channel);
        },
        ["MessageChannel without a name"] = _ =>
        {
            using var channel = MessageChannel.CreateAnonymous(new() { Capacity = 4096 });
            return Passed(channel);
        },
        ["MessageChannel, opened"] = name =>
        {
            using var made = MessageChannel.OpenOrCreate(name, out var created, new() { Capacity = 4096 });
            using var channel = MessageChannel.Open(name);
            return created + Passed(channel);
        },
        ["LatestBytes"] = name =>
        {
            using var latest = LatestBytes.Create(name);
            using var writer = latest.OpenWriter();
            using var reader = latest.OpenReader();
            writer.Publish("value"u8);
            return $"{reader.TryRead(new byte[10], out var length, out var version)} {length} {version} {reader.WaitForChange(version, TimeSpan.FromMilliseconds(1))}";
        },
        ["Broadcast"] = name =>
        {
            using var channel = Broadcast.Create(name);
            using var writer = channel.OpenWriter();
            using var reader = channel.OpenReader();
            writer.Write("message"u8);
            return $"{reader.WaitToRead(TimeSpan.Zero)} {reader.TryRead(new byte[10], out var info)} {info}";
        },
        ["FrameChannel"] = name =>
        {
            using var channel = FrameChannel.Create(name, new() { SlotLength = 4096 });
            using var writer = channel.OpenWriter();
            using var reader = channel.OpenReader();
            writer.Send(writer.Loan(7));
            return $"{reader.WaitToRead(TimeSpan.Zero)} {reader.TryRead(out var frame)} {frame?.Length}";
        },
        ["FanIn"] = name =>
        {
            using var channel = FanIn.Create(name);
            using var writer = channel.OpenWriter();
            using var reader = channel.OpenReader();
            writer.Write("message"u8);
            return $"{reader.WaitToRead(TimeSpan.Zero)} {reader.TryRead(new byte[10], out var length, out _)} {length}";
        },
        ["ChannelStatus, MessageTap"] = name =>
        {
            using var channel = MessageChannel.Create(name, new() { Capacity = 4096 });
            using var writer = channel.OpenWriter();
            writer.Write("message"u8);
            using var memory = SharedMemoryObject.Open(name, FileMode.Open, FileAccess.Read);
            return $"{ChannelStatus.TryRead(memory)!.Messages} {MessageTap.On(memory).TryRead(out _)}";
        },
    };

    public static TheoryData<string> Verbs => [.. s_verbs.Keys];

    [SkippableTheory]
    [MemberData(nameof(Verbs))]
    [Rule("channel.filtered")]
    public void A_call_that_is_refused_has_another_way_or_is_named(string verb)
    {
        Skip.If(ThreadFilter.Obstacle is not null, ThreadFilter.Obstacle);
        var undisturbed = Run(verb, [], default);
        Assert.Null(undisturbed.Thrown);
        var complaints = new List<string>();
        for (var number = 0; number < s_calls.Length; number++)
        {
            // One of the errors for each call; over all verbs, each of them.
            var call = s_calls[number];
            var errno = s_errors[(number + verb.Length) % s_errors.Length];
            var (answer, thrown, left) = Run(verb, [call], errno);
            var isRight = thrown is null ? answer == undisturbed.Answer
                : thrown is SharedMemoryException or PlatformNotSupportedException && FilterVerdict.NamesRefuser(thrown.Message);
            // A name that may not be removed stays.
            if (!isRight || (left && call.Name != "unlink"))
            {
                complaints.Add($"{call.Name} {errno}: {thrown?.ToString() ?? answer}{(left ? "; a name is left" : "")}");
            }
        }

        Assert.Equal("", string.Join('\n', complaints));
    }

    private static (string Answer, Exception? Thrown, bool Left) Run(string verb, FilteredCall[] calls, Errno errno)
    {
        using var name = new TemporaryName("filter");
        // The C library's name for it.
        using var semaphore = TemporaryName.Of("sem." + name);
        var answer = "";
        var thrown = ThreadFilter.Run(calls, errno, () => answer = s_verbs[verb](name));
        return (answer, thrown, name.Exists || semaphore.Exists);
    }

    private static string InObject(string name, Func<MemoryMapping, string> act)
    {
        using var memory = SharedMemoryObject.Create(name, 16384, new() { Lifetime = Lifetime.UnlinkOnDispose });
        using var mapping = memory.Map();
        return act(mapping);
    }

    private static string InRoster(string name, Func<Roster, string> act) => InObject(name, mapping =>
    {
        using var roster = Roster.Join(mapping);
        return act(roster);
    });

    private static string Passed(MessageChannel channel)
    {
        using var writer = channel.OpenWriter();
        using var reader = channel.OpenReader();
        var isEmpty = !reader.WaitToRead(TimeSpan.FromMilliseconds(1));
        writer.Write("message"u8);
        return $"{isEmpty} {reader.WaitToRead(TimeSpan.Zero)} {reader.TryRead(new byte[10], out var length, out _)} {length} {channel.GetStatus().Endpoints[0].State}";
    }

    private static string Released(NamedMutex mutex)
    {
        mutex.ReleaseMutex();
        return "released";
    }
}

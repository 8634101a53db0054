using System.Globalization;
using System.Text;
using Posix.SharedMemory.Tests.Interop;

namespace Posix.SharedMemory.Tests.Objects;

/// <summary>Whether anybody else holds an object: a question that the kernel answers.</summary>
public sealed class Asking
{
    private static readonly int s_page = Environment.SystemPageSize;

    [SkippableTheory]
    [InlineData("keep")]
    [InlineData("map")]
    [Rule("holders.others")]
    public void The_kernel_tells_whether_others_hold_it(string how)
    {
        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.Create(name, s_page);
        using var mapping = memory.Map();

        // A child that another test starts holds the descriptor too, from its fork until it executes its program.
        Watchdog.Until(() => memory.IsHeldByOthers() is false, "nobody else");
        using (var judge = Judge.Start("c"))
        {
            judge.Ask(how, Judge.Hex(name), "r", s_page, 0);
            Assert.True(memory.IsHeldByOthers());
            judge.Kill();
        }

        Watchdog.Until(() => memory.IsHeldByOthers() is false, "nobody else");
        using (var other = SharedMemoryObject.Open(name, FileMode.Open, FileAccess.Read))
        {
            Assert.True(memory.IsHeldByOthers());
            Assert.True(other.IsHeldByOthers());
        }

        SharedMemoryObject.Unlink(name);
        Watchdog.Until(() => memory.IsHeldByOthers() is false, "nobody else");
    }

    [Fact]
    [Rule("holders.others")]
    public void Of_what_the_kernel_does_not_count_nothing_is_told()
    {
        using var anonymous = SharedMemoryObject.CreateAnonymous(s_page);
        Assert.Null(anonymous.IsHeldByOthers());
        var platform = new FaultingPlatform();
        using (var hidden = new SubstitutedObject(platform))
        {
            // Without the directory nobody knows whether it lies there.
            platform.Arm("statx", Errno.ENOENT);
            Assert.Null(hidden.Memory.IsHeldByOthers());
            Assert.True(platform.Fired);
        }

        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.Create(name, s_page);
        using var received = SharedMemoryObject.FromHandle(Native.Duplicate(memory.SafeFileHandle));
        // The sender may have closed his descriptor, or not: both have the same open.
        Watchdog.Until(() => received.IsHeldByOthers() is null, "nobody else");
        using var other = SharedMemoryObject.Open(name, FileMode.Open, FileAccess.Read);
        Assert.True(received.IsHeldByOthers());
    }

    [Fact]
    [Rule("holders.others")]
    public void Who_opens_while_it_is_asked_gets_the_object_and_nobody_dies()
    {
        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.Create(name, s_page);
        using var stop = new CancellationTokenSource();
        var asking = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                _ = memory.IsHeldByOthers();
            }
        });
        for (var round = 0; round < 20_000; round++)
        {
            SharedMemoryObject.Open(name, FileMode.Open, FileAccess.Read).Dispose();
        }

        stop.Cancel();
        Watchdog.Run(() => asking.ContinueWith(_ => 0, TaskScheduler.Default).Result, "the asker");
        Assert.Null(asking.Exception);
    }

    [SkippableTheory]
    [InlineData("Open")]
    [InlineData("OpenDescriptor")]
    [InlineData("Attach")]
    [Rule("holders.others")]
    public void Every_way_to_open_waits_for_who_asks(string way)
    {
        Skip.IfNot(Installed.Has("python3"), "There is no python3 here.");
        const string Asker =
            """
            import fcntl, os, signal, sys, time
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGIO})
            descriptor = os.open(sys.argv[1], os.O_RDWR)
            while True:
                try:
                    fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
                    break
                except BlockingIOError:
                    time.sleep(0.001)
            print(descriptor, flush=True)
            signal.sigwait({signal.SIGIO})
            time.sleep(0.05)
            fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
            print("met", flush=True)
            sys.stdin.read()
            """;
        using var name = new TemporaryName();
        SharedMemoryObject.Create(name, s_page).Dispose();
        using var asker = Peer.Run("python3", "-c", Asker, name.Path);
        var descriptor = int.Parse(asker.ReadLine(), CultureInfo.InvariantCulture);
        using IDisposable opened = way switch
        {
            "Open" => SharedMemoryObject.Open(name),
            "OpenDescriptor" => SharedMemoryDirectory.OpenDescriptor(asker.ProcessId, descriptor),
            _ => MappedRegion.Attach(name.Path),
        };
        Assert.Equal("met", asker.ReadLine());
        Assert.Equal(0, asker.Finish().ExitCode);
    }

    [Fact]
    [Rule("holders.asked")]
    public void Of_what_was_listed_it_is_told_whether_anybody_holds_it()
    {
        using var name = new TemporaryName();
        var memory = SharedMemoryObject.Create(name, s_page);
        var entry = SharedMemoryDirectory.Find(Encoding.UTF8.GetBytes(name))!;
        Assert.True(entry.IsHeld());
        memory.Dispose();
        Watchdog.Until(() => entry.IsHeld() is false, "nobody");
        SharedMemoryObject.Unlink(name);
        using var next = SharedMemoryObject.Create(name, s_page);
        Assert.Equal(Errno.ENOENT, Assert.Throws<SharedMemoryException>(() => entry.IsHeld()).Errno);
    }

    [Fact]
    [Rule("holders.asked")]
    public void Who_only_asks_is_no_user_whom_the_last_one_leaves_the_name_to()
    {
        using var name = new TemporaryName();
        using var stop = new CancellationTokenSource();
        var told = 0;
        var asking = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                try
                {
                    told += SharedMemoryDirectory.Find(Encoding.UTF8.GetBytes(name))?.IsHeld() is true ? 1 : 0;
                }
                catch (SharedMemoryException e) when (e.Errno == Errno.ENOENT)
                {
                    // The name has gone in between.
                }
            }
        });
        Watchdog.Run(
            () =>
            {
                while (Volatile.Read(ref told) < 1000)
                {
                    using (SharedMemoryObject.Create(name, 1, new() { Lifetime = Lifetime.UnlinkOnLastDispose }))
                    {
                        Thread.SpinWait(Random.Shared.Next(2000));
                    }

                    Assert.False(name.Exists);
                }

                return 0;
            },
            "a thousand answers");
        stop.Cancel();
        Watchdog.Run(() => asking.ContinueWith(_ => 0, TaskScheduler.Default).Result, "the asker");
        Assert.Null(asking.Exception);
    }

    [Fact]
    [Rule("holders.lease")]
    public void Tells_whether_others_take_part_in_the_lease()
    {
        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.Create(name, 1, new() { Lifetime = Lifetime.UnlinkOnLastDispose });
        Assert.False(memory.IsLeasedByOthers);
        using (SharedMemoryObject.Open(name))
        {
            Assert.True(memory.IsLeasedByOthers);
        }

        Assert.False(memory.IsLeasedByOthers);
    }
}

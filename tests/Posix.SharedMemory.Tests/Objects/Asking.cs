using System.Globalization;
using System.Text;
using Posix.SharedMemory.Tests.Interop;

namespace Posix.SharedMemory.Tests.Objects;

/// <summary>Whether any process holds an object: a question that the kernel answers.</summary>
public sealed class Asking
{
    private static readonly int s_page = Environment.SystemPageSize;

    [SkippableTheory]
    [InlineData("keep")]
    [InlineData("map")]
    [Rule("holders.asked")]
    public void The_kernel_reports_whether_any_process_holds_an_object(string how)
    {
        using var name = new TemporaryName();
        SharedMemoryObject.Create(name, s_page).Dispose();
        var entry = Entry(name);

        // A child that another test starts inherits the descriptor until it executes its program.
        Watchdog.Until(() => entry.IsHeld() is false, "no holder");
        using (var judge = Judge.Start("c"))
        {
            judge.Ask(how, Judge.Hex(name), "r", s_page, 0);
            Assert.True(entry.IsHeld());
            judge.Kill();
        }

        Watchdog.Until(() => entry.IsHeld() is false, "no holder");
        using (SharedMemoryObject.Open(name, FileMode.Open, FileAccess.Read))
        {
            Assert.True(entry.IsHeld());
        }

        Watchdog.Until(() => entry.IsHeld() is false, "no holder");
    }

    [Fact]
    [Rule("holders.asked")]
    public void The_answer_is_null_if_the_kernel_cannot_tell()
    {
        using var name = new TemporaryName();
        SharedMemoryObject.Create(name, s_page).Dispose();
        var entry = Entry(name);
        var platform = new ScriptedPlatform("fcntl", Errno.EINVAL, 0);
        using (Platform.Substitute(platform))
        {
            Assert.Null(entry.IsHeld());
        }

        Assert.True(platform.Fired);
    }

    [Fact]
    [Rule("holders.asked")]
    public void A_process_that_opens_during_a_check_for_holders_gets_the_object_and_none_is_killed()
    {
        using var name = new TemporaryName();
        SharedMemoryObject.Create(name, s_page).Dispose();
        var entry = Entry(name);
        using var stop = new CancellationTokenSource();
        var asking = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                _ = entry.IsHeld();
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
    [Rule("holders.asked")]
    public void Every_way_to_open_waits_for_a_process_that_checks_for_holders(string way)
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
    public void A_listed_entry_reports_whether_any_process_holds_the_object()
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
    public void HasOtherMembers_does_not_make_a_member()
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
    [Rule("holders.members")]
    public void HasOtherMembers_is_true_while_another_process_is_a_member()
    {
        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.Create(name, 1, new() { Lifetime = Lifetime.UnlinkOnLastDispose });
        Assert.False(memory.HasOtherMembers);
        using (SharedMemoryObject.Open(name))
        {
            Assert.True(memory.HasOtherMembers);
        }

        Assert.False(memory.HasOtherMembers);
    }

    private static SharedMemoryEntry Entry(TemporaryName name) => SharedMemoryDirectory.Find(Encoding.UTF8.GetBytes(name))!;
}

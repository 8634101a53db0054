using System.Globalization;

namespace Posix.SharedMemory.Tests.Inspection;

/// <summary>Holders that a plain look into /proc/PID misses.</summary>
public sealed class HiddenHolders
{
    private const string Leaderless =
        """
        import ctypes, mmap, os, sys, threading
        f = os.open(sys.argv[1], os.O_RDWR)
        m = mmap.mmap(f, 4096)
        def stay():
            print(f, flush=True)
            os.read(0, 1)
            os._exit(0)
        threading.Thread(target=stay).start()
        ctypes.CDLL(None).pthread_exit(None)
        """;

    private const string OwnTable =
        """
        import ctypes, os, sys, threading
        def stay():
            assert ctypes.CDLL(None).unshare(0x400) == 0
            print(os.open(sys.argv[1], os.O_RDONLY), flush=True)
            os.read(0, 1)
            os._exit(0)
        threading.Thread(target=stay).start()
        threading.Event().wait()
        """;

    private const string InFlight =
        """
        import os, socket, sys
        here, there = socket.socketpair()
        f = os.open(sys.argv[1], os.O_RDWR)
        socket.send_fds(here, [b"x"], [f])
        os.close(f)
        print("sent", flush=True)
        os.read(0, 1)
        """;

    [SkippableFact]
    [Rule("holders.threads")]
    public void A_process_whose_first_thread_has_ended_is_found()
    {
        using var name = New();
        using var python = Python(Leaderless, name);
        var number = int.Parse(python.ReadLine(), CultureInfo.InvariantCulture);
        Watchdog.Until(() => File.ReadAllText($"/proc/{python.ProcessId}/stat").Contains(") Z ", StringComparison.Ordinal), "the end of the first thread");
        var holder = Assert.Single(Settled.Holders(name, python.ProcessId));
        Assert.Equal(4096, Assert.Single(holder.Mappings).Length);
        Assert.Contains(new(number, FileAccess.ReadWrite), holder.Descriptors);
        Assert.Equal(FileAccess.ReadWrite, holder.Access);
        Assert.StartsWith("python", holder.Command, StringComparison.Ordinal);
        Assert.DoesNotContain(python.ProcessId, SharedMemoryDirectory.GetHolders(name).UnreadableProcessIds);
        using var opened = SharedMemoryDirectory.OpenDescriptor(python.ProcessId, number);
        Assert.Equal(4096, opened.Length);
    }

    [SkippableFact]
    [Rule("holders.threads")]
    public void A_thread_with_descriptors_of_its_own_is_found()
    {
        using var name = New();
        using var python = Python(OwnTable, name);
        var number = int.Parse(python.ReadLine(), CultureInfo.InvariantCulture);
        var holder = Assert.Single(Settled.Holders(name, python.ProcessId));
        Assert.Equal([new(number, FileAccess.Read)], holder.Descriptors);

        // A filter may forbid the call that compares the threads' descriptors: then each thread's are read.
        var platform = new ScriptedPlatform("kcmp", Errno.EPERM, 0);
        using (Platform.Substitute(platform))
        {
            Assert.Equal(holder.Descriptors, Assert.Single(SharedMemoryDirectory.GetHolders(name)).Descriptors);
        }

        Assert.True(platform.Fired);
    }

    [SkippableFact]
    [Rule("holders.complete")]
    public void An_object_in_a_message_on_its_way_is_not_reported_as_unused()
    {
        using var name = New();
        using var python = Python(InFlight, name);
        Assert.Equal("sent", python.ReadLine());
        var holders = Settled.Holders(name);
        Assert.False(holders.IsComplete);
        var entry = SharedMemoryDirectory.Find(name.Name)!;
        Assert.True(entry.IsHeld());
        Assert.False(entry.GetHolders().IsComplete);
        var index = SharedMemoryDirectory.IndexHolders();
        Assert.Empty(index[entry.Identity]);
        Assert.False(index[entry.Identity].IsComplete);
        python.Kill();
        Watchdog.Until(() => SharedMemoryDirectory.GetHolders(name) is { Count: 0, IsComplete: true }, "the kernel to say that nothing holds it");
    }

    [SkippableFact]
    [Rule("holders.complete")]
    public void An_object_behind_a_loop_device_is_not_reported_as_unused()
    {
        Skip.IfNot(Environment.IsPrivilegedProcess && Installed.Has("losetup"), "A loop device needs root and losetup.");
        using var name = New();
        using var setup = Peer.Run("losetup", "--find", "--show", name.Path);
        var (exitCode, output, errors) = setup.Finish();
        Skip.If(exitCode != 0, $"There is no loop device here: {errors}");
        try
        {
            Assert.False(Settled.Holders(name).IsComplete);
            Assert.True(SharedMemoryDirectory.Find(name.Name)!.IsHeld());
        }
        finally
        {
            using var undo = Peer.Run("losetup", "--detach", output.Trim());
            undo.Finish();
        }
    }

    [SkippableFact]
    [Rule("holders.complete")]
    public void An_object_held_outside_this_PID_namespace_is_not_reported_as_unused()
    {
        Skip.If(Privileged.NamespaceObstacle is not null, Privileged.NamespaceObstacle);
        using var name = New();
        using var peer = Peer.Run("unshare", "--mount", "--pid", "--fork", "--mount-proc", Peer.Program, "inspect");
        Assert.Equal("ok 4096", peer.Ask($"keep {name}"));
        Watchdog.Until(() => peer.Ask("holders") == "ok  complete", "nobody");
        using (SharedMemoryObject.Open(name))
        {
            Assert.Equal("ok  incomplete", peer.Ask("holders"));
            Assert.Equal("ok 0 incomplete incomplete", peer.Ask("index"));
        }

        Watchdog.Until(() => peer.Ask("holders") == "ok  complete", "nobody");
        Assert.Equal(0, peer.Finish().ExitCode);
    }

    [Fact]
    [Rule("holders.complete")]
    public void An_empty_list_is_complete_only_if_the_kernel_confirms_it()
    {
        using var name = New();
        Watchdog.Until(() => SharedMemoryDirectory.GetHolders(name) is { Count: 0, IsComplete: true }, "the kernel to say that nothing holds it");
        Assert.Empty(SharedMemoryDirectory.GetHolders(System.Text.Encoding.UTF8.GetBytes(name)));
        var platform = new ScriptedPlatform("fcntl(F_SETLEASE)", Errno.EINVAL, 0);
        using (Platform.Substitute(platform))
        {
            Assert.True(SharedMemoryDirectory.GetHolders(name) is { Count: 0, IsComplete: false });
        }

        Assert.True(platform.Fired);
    }

    [SkippableFact]
    [Rule("holders.found")]
    public void A_holder_costs_little_garbage()
    {
        using var name = New();
        using var memory = SharedMemoryObject.Open(name);
        _ = SharedMemoryDirectory.GetHolders(name);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var holders = SharedMemoryDirectory.GetHolders(name);
        var processes = Directory.EnumerateDirectories("/proc").Count(path => char.IsAsciiDigit(Path.GetFileName(path)[0]));
        var spent = GC.GetAllocatedBytesForCurrentThread() - before;
        Skip.If(holders.Count != 1, "Another test starts a process at this moment.");
        Assert.InRange(spent, 1, 100_000 + (4000 * processes));
    }

    private static TemporaryName New()
    {
        var name = new TemporaryName();
        SharedMemoryObject.Create(name, 4096).Dispose();
        return name;
    }

    private static Peer Python(string program, TemporaryName name)
    {
        Skip.IfNot(Installed.Has("python3"), "python3 is not installed.");
        return Peer.Run("python3", "-c", program, name.Path);
    }
}

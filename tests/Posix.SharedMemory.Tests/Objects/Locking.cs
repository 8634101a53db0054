using System.Diagnostics;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;

namespace Posix.SharedMemory.Tests.Objects;

/// <summary>Locks that the caller has on the object: this library leaves them alone, and they hang nothing.</summary>
[SupportedOSPlatform("linux")]
public sealed class Locking
{
    private const int PosixLock = 6;

    /// <summary>Says of each name that it reads whether it could lock the object's first bytes.</summary>
    private const string Judge = """
        import fcntl, sys
        for name in sys.stdin:
            with open('/dev/shm/' + name.strip(), 'r+b') as file:
                try:
                    fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 100)
                    print('free', flush=True)
                except OSError:
                    print('locked', flush=True)
        """;

    [Theory]
    [InlineData(PosixLock, false)]
    [InlineData(PosixLock, true)]
    [InlineData(Linux.F_OFD_SETLK, false)]
    [InlineData(Linux.F_OFD_SETLK, true)]
    [Rule("locks.kept")]
    public void The_callers_record_locks_survive_every_operation_on_the_object(int command, bool isReceived)
    {
        using var name = new TemporaryName("locks");
        using var made = SharedMemoryObject.Create(name, 5000);
        using var memory = isReceived ? SharedMemoryObject.FromHandle(Native.Duplicate(made.SafeFileHandle)) : SharedMemoryObject.Open(name);
        var first = new LinuxFlock { l_type = Linux.F_WRLCK, l_len = 100 };
        Assert.Equal(0, Libc.fcntl_flock(memory.SafeFileHandle, command, ref first));
        using var judge = Peer.Run("python3", "-c", Judge);
        Assert.Equal("locked", judge.Ask(name));
        (string Name, Action Act)[] acts =
        [
            ("grow from an odd length", () => memory.SetLength(25_001)), ("grow sparsely", () => memory.SetLength(30_001, Backing.Sparse)),
            ("grow from a page", () => { memory.SetLength(32_768); memory.SetLength(40_960); }), ("shrink", () => memory.SetLength(20_000)),
            ("read", () => memory.Read(new byte[10], 0)), ("write", () => memory.Write(new byte[10_000], 0)), ("map", () => memory.Map().Dispose()),
            ("reserve", () => memory.Reserve(0, 20_000)), ("discard", () => memory.Discard(4096, 4096)), ("status", () => memory.GetStatus()),
            ("page states", () => memory.GetPageStates()), ("allocated ranges", () => memory.GetAllocatedRanges()), ("holders", () => memory.GetHolders()),
            ("allocated ranges by seeking", () => SeekRanges(memory)),
            ("permissions", () => memory.Permissions = UnixFileMode.UserRead | UnixFileMode.UserWrite), ("members", () => _ = memory.HasOtherMembers),
        ];
        foreach (var (act, run) in acts)
        {
            run();
            Assert.Equal((act, "locked"), (act, judge.Ask(name)));
        }
    }

    [Fact]
    [Rule("length.locks")]
    public void Growing_from_a_page_needs_no_lock_so_that_one_on_the_whole_object_does_not_delay_it()
    {
        using var name = new TemporaryName("locks");
        using var memory = SharedMemoryObject.Create(name, 4096);
        using var file = new FileStream(new SafeFileHandle(memory.SafeFileHandle.DangerousGetHandle(), ownsHandle: false), FileAccess.ReadWrite, 1);
        file.Lock(0, long.MaxValue);
        var clock = Stopwatch.StartNew();
        memory.SetLength(8192);
        memory.SetLength(20_480, Backing.Sparse);
        memory.SetLength(4096);
        memory.SetLength(5001);
        Assert.Equal(5001, memory.Length);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(4), "It has waited.");
    }

    [Fact]
    [Rule("length.locks")]
    public void Growing_from_an_odd_length_waits_for_a_bounded_time_and_names_the_process_in_the_way()
    {
        using var name = new TemporaryName("locks");
        using var memory = SharedMemoryObject.Create(name, 5001);
        using var file = new FileStream(new SafeFileHandle(memory.SafeFileHandle.DangerousGetHandle(), ownsHandle: false), FileAccess.ReadWrite, 1);
        file.Lock(0, long.MaxValue);
        var failure = Watchdog.Run(() => Assert.Throws<SharedMemoryException>(() => memory.SetLength(9000)), "growth to give up");
        Assert.Equal(Errno.EAGAIN, failure.Errno);
        // The kernel does not report the process for this kind of lock.
        Assert.Contains("has locked the object from byte 0 on", failure.Message, StringComparison.Ordinal);
        Assert.Equal(5001, memory.Length);
        file.Unlock(0, long.MaxValue);
        using (var other = Peer.Run("python3", "-c", $"import fcntl, os, sys\nf=open('/dev/shm/{name}','r+b')\nfcntl.lockf(f, fcntl.LOCK_EX)\nprint(os.getpid(), flush=True)\nsys.stdin.readline()"))
        {
            var locker = other.ReadLine();
            failure = Watchdog.Run(() => Assert.Throws<SharedMemoryException>(() => memory.SetLength(9000)), "growth to give up");
            Assert.Contains($"process {locker} has locked the object from byte 0 on", failure.Message, StringComparison.Ordinal);
        }

        memory.SetLength(9000);
        Assert.Equal(9000, memory.Length);
    }

    /// <summary>Finds the ranges as on kernels before 6.5.</summary>
    private static void SeekRanges(SharedMemoryObject memory)
    {
        var platform = new ScriptedPlatform("cachestat", Errno.ENOSYS, occurrence: 0);
        _ = platform.Inspection.GetAllocatedRanges(memory.Target);
    }
}

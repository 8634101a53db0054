using System.Diagnostics;
using System.Net.Sockets;
using Posix.SharedMemory.Tests.Passing;

namespace Posix.SharedMemory.Tests.Faults;

[Collection(Alone.Name)]
public sealed class PassingFaults
{
    private static readonly string[] s_calls = ["sendmsg", "recvmsg", "fcntl(F_GETFL)", "fcntl(F_GETFD)", "fcntl(F_SETFD)", "pipe2", "write", "read", "poll", "getsockopt", "statx", "fstatfs"];

    /// <summary>Those that a signal can interrupt.</summary>
    private static readonly string[] s_waiting = ["sendmsg", "recvmsg", "write", "read", "poll"];

    private static readonly Errno[] s_errors =
    [
        Errno.EINTR, Errno.EAGAIN, Errno.ENOMEM, Errno.EPERM, Errno.EINVAL, Errno.EMFILE, Errno.EBADF, Errno.ENOBUFS, Errno.ETOOMANYREFS, Errno.ECONNRESET, Errno.ENOTCONN,
    ];

    /// <summary>The paths, and the calls that each must have seen fail.</summary>
    private static readonly Dictionary<string, (Action<SocketPair, Tracked> Act, string[] Calls)> s_paths = new(StringComparer.Ordinal)
    {
        ["send and receive at once"] = (SendAndReceive, ["sendmsg", "recvmsg"]),
        ["send while full"] = (SendWhileFull, ["sendmsg", "pipe2", "write", "read", "poll"]),
        ["send and cancel"] = (SendAndCancel, ["sendmsg", "pipe2", "write", "poll"]),
        ["receive while empty"] = (ReceiveWhileEmpty, ["sendmsg", "recvmsg"]),
        ["send and receive an object"] = (PassObject, ["sendmsg", "recvmsg", "fcntl(F_GETFL)", "statx", "fstatfs"]),
        ["know the peer"] = ((pair, _) => pair.Sender.GetPeerCredentials(), ["getsockopt"]),
        ["set inheritable"] = (SetInheritable, ["fcntl(F_GETFD)", "fcntl(F_SETFD)"]),
        ["start a child"] = (StartChild, ["fcntl(F_GETFD)", "fcntl(F_SETFD)"]),
    };

    public static TheoryData<string> Paths => [.. s_paths.Keys];

    [Theory]
    [MemberData(nameof(Paths))]
    [Rule("pass.clean")]
    [Rule("errors.clean")]
    [Rule("errors.interrupted")]
    public void Leaves_no_descriptor_whichever_call_fails_with_whichever_errno(string name)
    {
        var (act, calls) = s_paths[name];
        var fired = new HashSet<string>(StringComparer.Ordinal);
        Run(act, new(), null, isRetried: false);
        var pipes = FaultWalk.Pipes();
        foreach (var call in s_calls)
        {
            foreach (var errno in s_errors)
            {
                for (var occurrence = 1; occurrence <= MostOf(call); occurrence++)
                {
                    var platform = new ScriptedPlatform(call, errno, occurrence);
                    try
                    {
                        Run(act, platform, errno, errno == Errno.EINTR && s_waiting.Contains(call, StringComparer.Ordinal));
                    }
                    catch (Exception e)
                    {
                        throw new InvalidOperationException($"{name}: {call} number {occurrence} with {errno}: {e.Message}", e);
                    }

                    if (!platform.Fired)
                    {
                        break;
                    }

                    fired.Add(call);
                }
            }
        }

        Assert.Equal([], calls.Except(fired, StringComparer.Ordinal));
        Watchdog.Until(() => FaultWalk.Pipes() <= pipes, "the pipes to be closed");
    }

    [Fact]
    [Rule("pass.clean")]
    public void A_hundred_thousand_passes_leave_no_descriptor_while_calls_fail()
    {
        var rounds = Effort.PassRounds(100_000);
        var platform = ScriptedPlatform.AtRandom(seed: 4, oneIn: 9, Errno.EINTR, Errno.EAGAIN, Errno.ENOMEM, Errno.ENOBUFS, Errno.EMFILE);
        using var walk = new PassingWalk(seed: 5);
        using (Platform.Substitute(platform))
        {
            // What the runtime opens for its sockets, it opens in the first of them.
            walk.Pass(500);
            var before = Settle(int.MaxValue);
            walk.Pass(rounds);
            var after = Settle(before);
            Assert.Equal((1, before), (walk.Descriptors, after));
        }

        var least = Math.Min(Math.Min(walk.Passed, walk.Dropped), Math.Min(walk.Objects, platform.Failed.Count));
        Assert.True(least > rounds / 20, $"{walk.Passed} passed, {walk.Dropped} with handles dropped, {walk.Objects} objects, {platform.Failed.Count} failures");
    }

    /// <summary>How many descriptors there are, once what lingers is gone, and what was kept open because the kernel did not say whether there is a lock on it.</summary>
    private static int Settle(int most)
    {
        Watchdog.Until(() => Record.Exception(() => SharedMemoryObject.CreateAnonymous(1).Dispose()) is null && Held.Descriptors("pipe:").Count is var first && SpinWait.SpinUntil(() => false, 150) is false && Held.Descriptors("pipe:").Count == first && Count() <= most, "the descriptors to settle");
        return Count();
    }

    /// <summary>How many calls of a kind are failed. Giving the flag of an open descriptor back, as Start does at the end, cannot fail.</summary>
    private static int MostOf(string call) => call switch
    {
        "fcntl(F_GETFD)" => 2,
        "fcntl(F_SETFD)" => 1,
        _ => 3,
    };

    private static int Count() => Directory.EnumerateFileSystemEntries("/proc/self/fd").Count();

    private static void Run(Action<SocketPair, Tracked> act, ScriptedPlatform platform, Errno? errno, bool isRetried)
    {
        foreach (var type in new[] { SocketType.Stream, SocketType.Seqpacket })
        {
            using var one = new Tracked();
            using (var pair = new SocketPair(type))
            using (Platform.Substitute(platform))
            {
                var failure = Record.Exception(() => act(pair, one));
                var isExpected = failure is SharedMemoryException { Errno: var said } ? said == errno : failure is null or OperationCanceledException;
                Assert.True(isExpected && (!isRetried || failure is null or OperationCanceledException), $"It threw {failure}");
                Assert.Equal(1, one.Descriptors);
                Assert.Equal(Native.FD_CLOEXEC, Native.Flags(one.Handle, Native.F_GETFD));
            }

            Assert.Equal(1, one.Descriptors);
        }
    }

    private static void SendAndReceive(SocketPair pair, Tracked one)
    {
        pair.Sender.SendHandlesAsync(new byte[2], [one.Handle, one.Handle]).AsTask().GetAwaiter().GetResult();
        using var result = pair.Receiver.ReceiveHandlesAsync(new byte[2], 1).AsTask().GetAwaiter().GetResult();
        Assert.Equal((2, 1, true), (result.BytesReceived, result.Handles.Count, result.HandlesDropped));
    }

    private static void SendWhileFull(SocketPair pair, Tracked one)
    {
        _ = pair.Fill();
        var sending = pair.Sender.SendHandlesAsync(new byte[1], [one.Handle]).AsTask();
        Watchdog.Until(
            () =>
            {
                pair.Drain();
                return sending.IsCompleted;
            },
            "the message to be sent");
        sending.GetAwaiter().GetResult();
    }

    private static void SendAndCancel(SocketPair pair, Tracked one)
    {
        _ = pair.Fill();
        using var cancelling = new CancellationTokenSource();
        var sending = pair.Sender.SendHandlesAsync(new byte[1], [one.Handle], cancelling.Token).AsTask();
        cancelling.Cancel();
        _ = Watchdog.Run(() => sending.ContinueWith(_ => 0, TaskScheduler.Default).GetAwaiter().GetResult(), "the cancelled message");
        sending.GetAwaiter().GetResult();
    }

    private static void ReceiveWhileEmpty(SocketPair pair, Tracked one)
    {
        var receiving = pair.Receiver.ReceiveHandlesAsync(new byte[2], 1).AsTask();
        if (!receiving.IsFaulted)
        {
            pair.Sender.SendHandlesAsync(new byte[1], [one.Handle]).AsTask().GetAwaiter().GetResult();
        }

        using var result = receiving.GetAwaiter().GetResult();
        Assert.Equal((1, 1, false), (result.BytesReceived, result.Handles.Count, result.HandlesDropped));
    }

    private static void PassObject(SocketPair pair, Tracked one)
    {
        pair.Sender.SendObjectAsync(one.Memory).AsTask().GetAwaiter().GetResult();
        using var memory = pair.Receiver.ReceiveObjectAsync(MemorySeals.Exec).AsTask().GetAwaiter().GetResult();
        Assert.Equal(100, memory.Length);
    }

    private static void SetInheritable(SocketPair pair, Tracked one)
    {
        try
        {
            HandleInheritance.SetInheritable(one.Handle, true);
        }
        finally
        {
            using (Platform.Substitute(Platform.Linux(SystemCalls.Real)))
            {
                HandleInheritance.SetInheritable(one.Handle, false);
            }
        }
    }

    private static void StartChild(SocketPair pair, Tracked one)
    {
        using var process = HandleInheritance.Start(new ProcessStartInfo("true"), one.Handle);
        process.WaitForExit();
    }
}

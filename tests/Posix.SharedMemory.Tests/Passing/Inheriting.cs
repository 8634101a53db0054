using System.Collections.Concurrent;
using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory.Tests.Passing;

public sealed class Inheriting
{
    [Fact]
    [Rule("inherit.flag")]
    public void A_child_gets_inheritable_handles_under_the_same_numbers_and_can_use_them()
    {
        using var one = new Tracked();
        using var two = new Tracked();
        Assert.Equal(Native.FD_CLOEXEC, Native.Flags(one.Handle, Native.F_GETFD));
        HandleInheritance.SetInheritable(one.Handle, true);
        Assert.Equal(0, Native.Flags(one.Handle, Native.F_GETFD));
        one.Memory.Write([99], 4);
        Assert.Equal("99", Run("bash", "-c", $"od -An -tu1 -j4 -N1 <&{Number(one.Handle)}").Trim());
        var listed = List([]);
        Assert.Contains(Line(one), listed, StringComparison.Ordinal);
        Assert.DoesNotContain(Line(two), listed, StringComparison.Ordinal);
        HandleInheritance.SetInheritable(one.Handle, false);
        Assert.Equal(Native.FD_CLOEXEC, Native.Flags(one.Handle, Native.F_GETFD));
        Assert.DoesNotContain(Line(one), List([]), StringComparison.Ordinal);
    }

    [Fact]
    [Rule("inherit.flag")]
    [Rule("inherit.one")]
    public void A_child_gets_a_socket()
    {
        using var pair = new SocketPair();
        var number = pair.Sender.SafeHandle.DangerousGetHandle();
        var start = new ProcessStartInfo("bash", ["-c", $"printf hello >&{number}"]);
        using (var child = HandleInheritance.Start(start, pair.Sender.SafeHandle))
        {
            child.WaitForExit();
            Assert.Equal(0, child.ExitCode);
        }

        Assert.Equal(Native.FD_CLOEXEC, Native.Flags(pair.Sender.SafeHandle, Native.F_GETFD));
        Assert.Equal(5, pair.Receiver.Receive(new byte[10]));
        HandleInheritance.SetInheritable(pair.Sender.SafeHandle, true);
        Assert.Equal(0, Native.Flags(pair.Sender.SafeHandle, Native.F_GETFD));
    }

    [Fact]
    [Rule("inherit.one")]
    public void Two_children_that_are_started_at_once_get_only_their_own()
    {
        const int Rounds = 60;
        using var one = new Tracked();
        using var two = new Tracked();
        var listings = new ConcurrentBag<(Tracked Own, Tracked Other, string Listed)>();
        using var together = new Barrier(2);
        void StartMany(Tracked own, Tracked other)
        {
            for (var round = 0; round < Rounds; round++)
            {
                together.SignalAndWait(Watchdog.Limit);
                listings.Add((own, other, List([own.Handle])));
            }
        }

        var threads = new[] { new Thread(() => StartMany(one, two)), new Thread(() => StartMany(two, one)) };
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => Assert.True(thread.Join(Watchdog.Limit)));
        Assert.Equal(2 * Rounds, listings.Count);
        Assert.All(listings, listing =>
        {
            Assert.Contains(Line(listing.Own), listing.Listed, StringComparison.Ordinal);
            Assert.DoesNotContain(Line(listing.Other), listing.Listed, StringComparison.Ordinal);
        });
        Assert.Equal(Native.FD_CLOEXEC, Native.Flags(one.Handle, Native.F_GETFD));
        Assert.Equal(Native.FD_CLOEXEC, Native.Flags(two.Handle, Native.F_GETFD));
    }

    [Fact]
    [Rule("inherit.one")]
    public void After_the_start_the_handles_are_as_before()
    {
        using var one = new Tracked();
        using var two = new Tracked();
        using var lasting = new Tracked();
        HandleInheritance.SetInheritable(lasting.Handle, true);
        var listed = List([one.Handle, two.Handle, lasting.Handle, one.Handle]);
        Assert.All(new[] { one, two, lasting }, each => Assert.Contains(Line(each), listed, StringComparison.Ordinal));
        using var invalid = new SafeFileHandle(-1, ownsHandle: true);
        using var wrong = new SafeFileHandle(1_000_000, ownsHandle: false);
        var start = new ProcessStartInfo("/no/such/program");
        Assert.Throws<Win32Exception>(() => HandleInheritance.Start(start, one.Handle, two.Handle));
        Assert.Throws<ArgumentException>(() => HandleInheritance.Start(start, one.Handle, null!));
        Assert.Throws<ArgumentException>(() => HandleInheritance.Start(start, one.Handle, invalid));
        Assert.Equal(Errno.EBADF, Assert.Throws<SharedMemoryException>(() => HandleInheritance.Start(start, one.Handle, wrong)).Errno);
        Assert.Equal(Errno.EBADF, Assert.Throws<SharedMemoryException>(() => HandleInheritance.SetInheritable(wrong, true)).Errno);
        Assert.Throws<InvalidOperationException>(() => HandleInheritance.Start(new ProcessStartInfo(), one.Handle));
        Assert.Equal(Native.FD_CLOEXEC, Native.Flags(one.Handle, Native.F_GETFD));
        Assert.Equal(Native.FD_CLOEXEC, Native.Flags(two.Handle, Native.F_GETFD));
        Assert.Equal(0, Native.Flags(lasting.Handle, Native.F_GETFD));
        one.Dispose();
        Assert.Equal(0, one.Descriptors);
        Assert.Throws<ObjectDisposedException>(() => HandleInheritance.Start(start, two.Handle, one.Handle));
        Assert.Throws<ObjectDisposedException>(() => HandleInheritance.SetInheritable(one.Handle, true));
        Assert.Equal(Native.FD_CLOEXEC, Native.Flags(two.Handle, Native.F_GETFD));
    }

    /// <summary>How a program's list of its descriptors shows this one.</summary>
    private static string Line(Tracked tracked) => $" {Number(tracked.Handle)} -> /memfd:{tracked.Name} ";

    private static string Number(SafeFileHandle handle) => handle.DangerousGetHandle().ToString(CultureInfo.InvariantCulture);

    private static string List(SafeFileHandle[] handles)
    {
        using var process = HandleInheritance.Start(new("ls", ["-l", "/proc/self/fd"]) { RedirectStandardOutput = true, UseShellExecute = false }, handles);
        var output = Watchdog.Run(process.StandardOutput.ReadToEnd, "the list");
        process.WaitForExit();
        return output;
    }

    private static string Run(string program, params string[] arguments)
    {
        using var peer = Peer.Run(program, arguments);
        return peer.Finish().Output;
    }
}

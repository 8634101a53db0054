namespace Posix.SharedMemory.Channels.Tests.Peers;

/// <summary>Opens connections and passes objects while one system call after the other fails, in a process of its own: what is open and mapped is counted. One line for each fault that it finds.</summary>
internal static class FailingConnections
{
    private static readonly Errno[] s_errors = [Errno.EMFILE, Errno.ENOMEM, Errno.EPERM];

    internal static int Run(string way)
    {
        int walked = 0, thrown = 0;
        Walk(way, calls: null, default, 0);
        var calls = Walk(way, calls: [], default, 0);
        foreach (var errno in s_errors)
        {
            for (var at = 0; at < calls.Count; at++, walked++)
            {
                var before = Held();
                var failure = default(Exception);
                Walk(way, calls, errno, at, caught => failure = caught);
                thrown += failure is null ? 0 : 1;
                if (failure is not (null or SharedMemoryException or InvalidDataException or PlatformNotSupportedException or ChannelException))
                {
                    Console.WriteLine($"{calls[at]} ({errno}) is {failure}");
                }

                if (!Settles(before))
                {
                    Console.WriteLine($"{calls[at]} ({errno}) leaves {Held()}, and there was {before}; it threw {failure?.Message}");
                }
            }
        }

        Console.WriteLine($"walked {walked} thrown {thrown}");
        return 0;
    }

    private static IReadOnlyList<string> Walk(string way, IReadOnlyList<string>? calls, Errno errno, int at, Action<Exception?>? caught = null)
    {
        using var pair = new SocketPair();
        using var sent = SharedMemoryObject.CreateAnonymous(4096);
        var (mine, theirs) = (default(MessageConnection), default(MessageConnection));
        if (way != "accept")
        {
            mine = Complete(MessageConnection.AcceptAsync(pair.Sender, new() { Capacity = 4096 }));
        }

        if (way == "send")
        {
            theirs = Complete(MessageConnection.ReceiveAsync(pair.Receiver));
        }

        void Act()
        {
            switch (way)
            {
                case "accept": mine = Complete(MessageConnection.AcceptAsync(pair.Sender, new() { Capacity = 4096 })); break;
                case "receive": theirs = Complete(MessageConnection.ReceiveAsync(pair.Receiver)); break;
                default: Complete(mine!.SendObjectAsync(sent)); break;
            }
        }

        IReadOnlyList<string> made = [];
        Exception? failure = null;
        if (calls is { Count: > 0 })
        {
            failure = FailingCalls.Run(at, errno, Act);
        }
        else
        {
            made = FailingCalls.Of(Act);
        }

        caught?.Invoke(failure);
        GoOn(way, failure, pair, mine, theirs, sent);
        mine?.Dispose();
        theirs?.Dispose();
        return made;
    }

    /// <summary>What was not opened left the socket to the caller, and what is open goes on.</summary>
    private static void GoOn(string way, Exception? failure, SocketPair pair, MessageConnection? mine, MessageConnection? theirs, SharedMemoryObject sent)
    {
        if (way is "accept" or "receive" && failure is not null)
        {
            Require(way == "accept" ? mine is null && pair.Sender.Connected && pair.Sender.Send([1]) == 1 : theirs is null && pair.Receiver.Connected && pair.Receiver.Send([1]) == 1, "the socket is not the caller's");
        }
        else if (way == "send")
        {
            if (failure is not null)
            {
                // Nothing was sent: the next object is the first.
                Require(theirs!.Input.Available == 0, "a record was sent without its object");
                Complete(mine!.SendObjectAsync(sent));
            }

            mine!.Output.Write("after"u8);
            Complete(theirs!.ReceiveObjectAsync()).Dispose();

            var bytes = new byte[16];
            Require(theirs!.Input.WaitToRead(Watchdog.Limit) && theirs.Input.TryRead(bytes, out var length, out var type) && (length, type) == (5, 0), "the message after the object does not come next");
        }
    }

    private static bool Settles((int Open, int Mapped) before)
    {
        // Holds are given back by the collector.
        for (var attempt = 0; attempt < 500; attempt++)
        {
#pragma warning disable RS0030
            GC.Collect();
#pragma warning restore RS0030
            GC.WaitForPendingFinalizers();
            var now = Held();
            if (now.Open <= before.Open && now.Mapped <= before.Mapped)
            {
                return true;
            }

            Thread.Sleep(10);
        }

        return false;
    }

    private static (int Open, int Mapped) Held() => (
        Directory.EnumerateFileSystemEntries("/proc/self/fd").Count(path => new FileInfo(path).LinkTarget is { } target && (target.StartsWith("/memfd:", StringComparison.Ordinal) || target.StartsWith("socket:", StringComparison.Ordinal))),
        File.ReadLines("/proc/self/maps").Count(line => line.Contains("/memfd:channel", StringComparison.Ordinal)));

    private static void Require(bool holds, string otherwise)
    {
        if (!holds)
        {
            Console.WriteLine(otherwise);
        }
    }

    private static T Complete<T>(ValueTask<T> task) => task.AsTask().WaitAsync(Watchdog.Limit).GetAwaiter().GetResult();

    private static void Complete(ValueTask task) => task.AsTask().WaitAsync(Watchdog.Limit).GetAwaiter().GetResult();
}

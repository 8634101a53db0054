using System.Text;

namespace Posix.SharedMemory.Tests.Objects;

public sealed class Watching
{
    [Fact]
    [Rule("directory.watch")]
    public void Reports_which_names_come_go_and_move() => Undisturbed(() =>
    {
        using var name = new TemporaryName();
        using var other = new TemporaryName(name, " two\n");
        using var watcher = SharedMemoryDirectory.Watch();
        SharedMemoryObject.Create(name, 1).Dispose();
        SharedMemoryObject.Rename(name, other);
        SharedMemoryObject.Unlink(other);
        Assert.Equal((SharedMemoryChangeKind.Added, name.Name, ""), Next(watcher, name));
        Assert.Equal((SharedMemoryChangeKind.Renamed, other.Name, name.Name), Next(watcher, name));
        Assert.Equal((SharedMemoryChangeKind.Removed, other.Name, ""), Next(watcher, name));
    });

    [Fact]
    [Rule("directory.watch")]
    public void Reports_an_exchange_as_two_moves() => Undisturbed(() =>
    {
        using var name = new TemporaryName();
        using var other = new TemporaryName(name, "-2");
        SharedMemoryObject.Create(name, 1).Dispose();
        SharedMemoryObject.Create(other, 1).Dispose();
        using var watcher = SharedMemoryDirectory.Watch();
        SharedMemoryObject.Rename(name, other, RenameMode.Exchange);
        (SharedMemoryChangeKind, string, string)[] moves = [Next(watcher, name), Next(watcher, name)];
        Assert.Equal([(SharedMemoryChangeKind.Renamed, name.Name, other.Name), (SharedMemoryChangeKind.Renamed, other.Name, name.Name)], moves.OrderBy(move => move.Item2.Length));
    });

    [Fact]
    [Rule("directory.watch")]
    public void Lists_names_that_no_string_can_hold_and_leaves_semaphores_and_directories_out() => Undisturbed(() =>
    {
        using var name = new TemporaryName();
        byte[] bytes = [.. Encoding.UTF8.GetBytes(name), 0xFF, (byte)'\n'];
        using var watcher = SharedMemoryDirectory.Watch();
        File.WriteAllBytes("/dev/shm/sem." + name, []);
        File.Delete("/dev/shm/sem." + name);
        Directory.CreateDirectory(name.Path);
        Directory.Delete(name.Path);
        var path = string.Concat(bytes.Select(value => $"\\{Convert.ToString(value, 8).PadLeft(3, '0')}"));
        using var shell = Peer.Run("sh", "-c", $"f=$(printf '/dev/shm/{path}.'); : > \"${{f%.}}\"; rm \"${{f%.}}\"");
        Assert.Equal(0, shell.Finish().ExitCode);
        Assert.Equal(bytes, NextOf(watcher, name).NameBytes.ToArray());
        Assert.Equal(SharedMemoryChangeKind.Removed, NextOf(watcher, name).Kind);
    });

    [Fact]
    [Rule("directory.watch")]
    public void An_object_that_moves_to_another_directory_is_reported_as_removed_and_one_that_comes_from_there_as_added() => Undisturbed(() =>
    {
        using var name = new TemporaryName();
        using var directory = TemporaryDirectory.InMemory();
        SharedMemoryObject.Create(name, 1).Dispose();
        using var watcher = SharedMemoryDirectory.Watch();
        File.Move(name.Path, directory.File());
        Assert.Equal(SharedMemoryChangeKind.Removed, NextOf(watcher, name).Kind);
        File.Move(directory.File(), name.Path);
        Assert.Equal(SharedMemoryChangeKind.Added, NextOf(watcher, name).Kind);
    });

    [Fact]
    [Rule("directory.watch")]
    public void A_wait_that_has_begun_ends_by_cancellation()
    {
        using var watcher = SharedMemoryDirectory.Watch();
        using var ended = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
        Assert.ThrowsAny<OperationCanceledException>(() =>
        {
            // What others do meanwhile is reported, and no reason to stop.
            while (watcher.Wait(Timeout.InfiniteTimeSpan, ended.Token) is not null)
            {
            }
        });
    }

    [Fact]
    [Rule("directory.watch")]
    public void Says_when_more_happened_than_was_kept()
    {
        using var name = new TemporaryName();
        using var watcher = SharedMemoryDirectory.Watch();
        var most = int.Parse(File.ReadAllText("/proc/sys/fs/inotify/max_queued_events"), System.Globalization.CultureInfo.InvariantCulture);
        for (var made = 0; made <= most; made += 2)
        {
            SharedMemoryObject.Create(name, 0).Dispose();
            SharedMemoryObject.Unlink(name);
        }

        var missed = Watchdog.Run(
            () =>
            {
                while (watcher.Wait(TimeSpan.Zero) is { } change)
                {
                    if (change.Kind == SharedMemoryChangeKind.Missed)
                    {
                        return true;
                    }
                }

                return false;
            },
            "what happened");
        Assert.True(missed);
    }

    [Fact]
    [Rule("directory.watch")]
    public void A_wait_ends_by_timeout_by_cancellation_and_by_disposal()
    {
        using var watcher = SharedMemoryDirectory.Watch();
        Assert.Throws<ArgumentOutOfRangeException>(() => watcher.Wait(TimeSpan.FromSeconds(-5)));
        using var cancelled = new CancellationTokenSource();
        var waiting = Task.Run(() =>
        {
            while (true)
            {
                watcher.Wait(Timeout.InfiniteTimeSpan, cancelled.Token);
            }
        });
        cancelled.Cancel();
        Watchdog.Until(() => waiting.IsCompleted, "the end of the wait");
        Assert.ThrowsAny<OperationCanceledException>(() => waiting.GetAwaiter().GetResult());

        // The other tests make and remove objects all the time: what is waited for is a moment without one, if there ever is.
        var changes = 0;
        Watchdog.Until(() => watcher.Wait(TimeSpan.FromTicks(1)) is null || ++changes > 10_000, "nothing");
        watcher.Dispose();
        Assert.Throws<ObjectDisposedException>(() => watcher.Wait(TimeSpan.Zero));
    }

    [Fact]
    [Rule("directory.watch")]
    public void Reports_nothing_more_when_it_is_disposed()
    {
        using var name = new TemporaryName();
        using var watcher = SharedMemoryDirectory.Watch();
        SharedMemoryObject.Create(name, 0).Dispose();
        SharedMemoryObject.Unlink(name);
        // Both have been read by now, and one is reported.
        Assert.NotNull(watcher.Wait(Timeout.InfiniteTimeSpan));
        watcher.Dispose();
        Assert.Throws<ObjectDisposedException>(() => watcher.Wait(TimeSpan.Zero));
    }

    [Fact]
    [Rule("directory.watch")]
    public void Cancelling_a_wait_that_disposal_has_ended_has_no_effect()
    {
        using var cancelled = new CancellationTokenSource();
        SharedMemoryWatcher? watcher = null;
        var platform = ScriptedPlatform.Before("poll", 1, () =>
        {
            watcher!.Dispose();
            cancelled.Cancel();
        });
        using (Platform.Substitute(platform))
        {
            watcher = SharedMemoryDirectory.Watch();
        }

        Assert.Throws<ObjectDisposedException>(() => watcher.Wait(Timeout.InfiniteTimeSpan, cancelled.Token));
        Assert.True(platform.Fired);
    }

    /// <summary>Tries again where others made more objects at once than the kernel keeps events, and the watcher says so.</summary>
    private static void Undisturbed(Action test) => Watchdog.Until(
        () =>
        {
            try
            {
                test();
                return true;
            }
            catch (MissedException)
            {
                return false;
            }
        },
        "a time in which the kernel's queue holds all that happens");

    private static (SharedMemoryChangeKind Kind, string Name, string OldName) Next(SharedMemoryWatcher watcher, TemporaryName name)
    {
        var change = NextOf(watcher, name);
        return (change.Kind, Encoding.UTF8.GetString(change.NameBytes.Span), Encoding.UTF8.GetString(change.OldNameBytes.Span));
    }

    /// <summary>The next change of names that begin so; other tests make objects too.</summary>
    private static SharedMemoryChange NextOf(SharedMemoryWatcher watcher, TemporaryName name) => Watchdog.Run(
        () =>
        {
            while (true)
            {
                var change = watcher.Wait(Timeout.InfiniteTimeSpan)!;
                if (change.Kind == SharedMemoryChangeKind.Missed)
                {
                    throw new MissedException();
                }

                if (change.NameBytes.Span.StartsWith(Encoding.UTF8.GetBytes(name)))
                {
                    return change;
                }
            }
        },
        $"a change of {name}");

    private sealed class MissedException : Exception;
}

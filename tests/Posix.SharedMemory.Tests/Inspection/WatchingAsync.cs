using System.Text;

namespace Posix.SharedMemory.Tests.Inspection;

[Rule("directory.watch-async")]
public sealed class WatchingAsync
{
    [Fact]
    public async Task Changes_are_reported_in_order()
    {
        using var name = new TemporaryName();
        using var other = new TemporaryName(name, "-2");
        using var watcher = SharedMemoryDirectory.Watch();
        var reported = Task.Run(async () =>
        {
            var changes = new List<(SharedMemoryChangeKind, string)>();
            await foreach (var change in watcher.WatchAsync())
            {
                if (change.Kind == SharedMemoryChangeKind.Missed || !change.NameBytes.Span.StartsWith(Encoding.UTF8.GetBytes(name)))
                {
                    continue;
                }

                changes.Add((change.Kind, Encoding.UTF8.GetString(change.NameBytes.Span)));
                if (change.Kind == SharedMemoryChangeKind.Removed)
                {
                    break;
                }
            }

            return changes;
        });
        SharedMemoryObject.Create(name, 1).Dispose();
        SharedMemoryObject.Rename(name, other);
        SharedMemoryObject.Unlink(other);
        Assert.Equal(
            [(SharedMemoryChangeKind.Added, name.Name), (SharedMemoryChangeKind.Renamed, other.Name), (SharedMemoryChangeKind.Removed, other.Name)],
            await reported.WaitAsync(Watchdog.Limit));
    }

    [Fact]
    public async Task An_object_that_moves_to_another_directory_is_reported_as_removed()
    {
        using var name = new TemporaryName();
        using var directory = TemporaryDirectory.InMemory();
        SharedMemoryObject.Create(name, 1).Dispose();
        using var watcher = SharedMemoryDirectory.Watch();
        var next = NextOf(watcher, name);
        File.Move(name.Path, directory.File());
        Assert.Equal(SharedMemoryChangeKind.Removed, (await next.WaitAsync(Watchdog.Limit)).Kind);
    }

    [Fact]
    public async Task A_wait_ends_by_cancellation_and_the_watcher_goes_on()
    {
        using var name = new TemporaryName();
        using var watcher = SharedMemoryDirectory.Watch();
        using var cancelled = new CancellationTokenSource();
        var waiting = Drain(watcher, cancelled.Token);
        await Task.Yield();
        await cancelled.CancelAsync();
        var thrown = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.WaitAsync(Watchdog.Limit));
        Assert.Equal(cancelled.Token, thrown.CancellationToken);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Drain(watcher, cancelled.Token));
        SharedMemoryObject.Create(name, 1).Dispose();
        Assert.Equal(SharedMemoryChangeKind.Added, (await NextOf(watcher, name).WaitAsync(Watchdog.Limit)).Kind);
    }

    [Fact]
    public async Task A_wait_ends_by_disposal()
    {
        var watcher = SharedMemoryDirectory.Watch();
        var waiting = Drain(watcher, default);
        watcher.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => waiting.WaitAsync(Watchdog.Limit));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => Drain(watcher, default));
        watcher.Dispose();
    }

    [Fact]
    public async Task Many_waits_share_one_thread()
    {
        using var ended = new CancellationTokenSource();
        var watchers = Enumerable.Range(0, 20).Select(_ => SharedMemoryDirectory.Watch()).ToArray();
        var waits = watchers.Select(watcher => Drain(watcher, ended.Token)).ToArray();
        try
        {
            Watchdog.Until(() => Threads() == 1, "the thread that waits");
            Assert.All(waits, wait => Assert.False(wait.IsCompleted));
        }
        finally
        {
            await ended.CancelAsync();
            await Task.WhenAll(waits).WaitAsync(Watchdog.Limit).ContinueWith(_ => { }, TaskScheduler.Default);
            Array.ForEach(watchers, watcher => watcher.Dispose());
        }

        Assert.All(waits, wait => Assert.True(wait.IsCanceled));
    }

    [Fact]
    public async Task Without_a_descriptor_to_wait_with_the_error_says_so()
    {
        var platform = new ScriptedPlatform("pipe2", Errno.EMFILE, 2);
        SharedMemoryWatcher watcher;
        using (Platform.Substitute(platform))
        {
            watcher = SharedMemoryDirectory.Watch();
        }

        using (watcher)
        {
            Assert.Equal(Errno.EMFILE, (await Assert.ThrowsAsync<SharedMemoryException>(() => Drain(watcher, default))).Errno);
        }

        Assert.True(platform.Fired);
    }

    private static async Task Drain(SharedMemoryWatcher watcher, CancellationToken cancellationToken)
    {
        await foreach (var change in watcher.WatchAsync(cancellationToken))
        {
            Assert.NotNull(change);
        }
    }

    private static async Task<SharedMemoryChange> NextOf(SharedMemoryWatcher watcher, TemporaryName name)
    {
        await foreach (var change in watcher.WatchAsync())
        {
            if (change.NameBytes.Span.StartsWith(Encoding.UTF8.GetBytes(name)))
            {
                return change;
            }
        }

        throw new InvalidOperationException("The changes came to an end.");
    }

    private static int Threads() => Directory.EnumerateDirectories("/proc/self/task").Count(path =>
    {
        try
        {
            return File.ReadAllText(path + "/comm").StartsWith("Posix.SharedMem", StringComparison.Ordinal)
                && !string.Equals(Path.GetFileName(path), Environment.ProcessId.ToString(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    });
}

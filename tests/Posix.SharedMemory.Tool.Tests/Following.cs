using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Posix.SharedMemory.Tool.Tests;

public sealed class Following
{
    private static readonly int s_page = Environment.SystemPageSize;

    [Fact]
    public void Reports_which_objects_appear_move_and_disappear()
    {
        using var objects = new Objects();
        using var watching = Watch("watch");
        Assert.Matches(@"^\d\d:\d\d:\d\d\.\d{3}  started +\d+ objects?; press Ctrl-C to end$", watching.ReadLine());
        // One after the other: where others' objects come and go too fast for the kernel's queue, lists are compared.
        objects.Add("a b\n", 4096);
        Assert.Matches(@"^[\d:.]+  added     a b\\n  4096 bytes, 0600, \S+$", Next(watching, objects));
        SharedMemoryObject.Rename(objects.Prefix + "a b\n", objects.Prefix + "c");
        Assert.Matches(@"^[\d:.]+  renamed   c  was a b\\n$", Next(watching, objects));
        SharedMemoryObject.Unlink(objects.Prefix + "c");
        Assert.Matches(@"^[\d:.]+  removed   c$", Next(watching, objects));
        objects.AddRaw(@"\xFF", [0xFF]);
        Assert.Matches(@"^[\d:.]+  added     \\xFF  0 bytes", Next(watching, objects));
        Assert.Equal(0, Interrupt(watching));
    }

    [Fact]
    public void Reports_changes_of_length_mode_and_bytes_as_lines_of_JSON()
    {
        using var objects = new Objects();
        var name = objects.Add("a", 3 * s_page);
        using var watching = Watch("watch", name, "--json", "--interval", "0.05");
        var started = Event(watching, "started");
        Assert.Equal((name, 3L * s_page, "0600"), (started.GetProperty("name").GetString(), started.GetProperty("length").GetInt64(), started.GetProperty("mode").GetString()));

        // From the first look on: until then it is not known what the bytes were.
        using var memory = SharedMemoryObject.Open(name);
        Event(watching, "held");
        // In one page, so that no look sees one half of it.
        memory.Write([2, 3], s_page);
        var bytes = Event(watching, "bytes");
        Assert.Equal(2, bytes.GetProperty("changed_bytes").GetInt64());
        Assert.Equal((s_page, 2), RangeOf(Assert.Single(bytes.GetProperty("ranges").EnumerateArray())));

        memory.Permissions = UnixFileMode.UserRead;
        Assert.Equal("0400", Event(watching, "mode").GetProperty("mode").GetString());
        memory.SetLength(s_page);
        // The object may be shortened between reading its length and reading its bytes: either may be reported first.
        var both = new[] { Event(watching, "length", "bytes"), Event(watching, "length", "bytes") }.ToDictionary(happened => happened.GetProperty("event").GetString()!, StringComparer.Ordinal);
        var length = both["length"];
        Assert.Equal((3L * s_page, (long)s_page), (length.GetProperty("old_length").GetInt64(), length.GetProperty("length").GetInt64()));
        Assert.Equal((s_page, 2), RangeOf(Assert.Single(both["bytes"].GetProperty("ranges").EnumerateArray())));
        memory.Dispose();
        while (Event(watching, "released").GetProperty("pid").GetInt32() != Environment.ProcessId)
        {
            // A process that another test has forked held it too.
        }

        Assert.Equal(0, Interrupt(watching));
    }

    [Fact]
    public void Reports_bytes_that_change_right_after_the_start()
    {
        using var objects = new Objects();
        var name = objects.Add("a", 48 << 20);
        using var memory = SharedMemoryObject.Open(name);
        memory.Write(Enumerable.Repeat((byte)1, 48 << 20).ToArray(), 0);
        using var watching = Watch("watch", name, "--json", "--interval", "0.05");
        Event(watching, "started");
        memory.Write([2], (48 << 20) - 1);
        Assert.Equal(((48 << 20) - 1, 1), RangeOf(Assert.Single(Event(watching, "bytes").GetProperty("ranges").EnumerateArray())));
        Assert.Equal(0, Interrupt(watching));
    }

    [Fact]
    public void Goes_on_when_the_object_is_renamed_removed_and_created_again()
    {
        using var objects = new Objects();
        var name = objects.Add("a");
        using var watching = Watch("watch", name, "--json", "--interval", "0.05");
        Event(watching, "started");
        SharedMemoryObject.Rename(name, objects.Prefix + "b");
        Assert.Equal(name, Event(watching, "renamed").GetProperty("old_name").GetString());
        SharedMemoryObject.Unlink(objects.Prefix + "b");
        Event(watching, "removed");
        objects.Add("b", 8192);
        Assert.Equal(8192, Event(watching, "added").GetProperty("length").GetInt64());

        // Another object in its place.
        SharedMemoryObject.Rename(objects.Add("c", 100), objects.Prefix + "b");
        Assert.Equal(100, Event(watching, "replaced").GetProperty("length").GetInt64());
        Assert.Equal(0, Interrupt(watching));
    }

    [Fact]
    public void Reports_changes_even_after_the_kernel_s_queue_overflowed()
    {
        using var objects = new Objects();
        objects.Add("moved");
        objects.Add("gone");
        objects.Add("replaced");
        using var all = Watch("watch");
        using var one = Watch("watch", objects.Prefix + "moved", "--no-bytes");
        Assert.Contains("started", all.ReadLine(), StringComparison.Ordinal);
        Assert.Contains("started", one.ReadLine(), StringComparison.Ordinal);
        Signal("STOP", all, one);
        Flood();
        SharedMemoryObject.Rename(objects.Prefix + "moved", objects.Prefix + "here");
        SharedMemoryObject.Unlink(objects.Prefix + "gone");
        SharedMemoryObject.Unlink(objects.Prefix + "replaced");
        objects.Add("replaced", 8192);
        Signal("CONT", all, one);

        string[] told = [Next(all, objects), Next(all, objects), Next(all, objects), Next(all, objects)];
        string[] expected = ["added     replaced  8192 bytes, 0600, ", "removed   gone", "removed   replaced", "renamed   here  was moved"];
        Assert.All(expected.Zip(told.Select(line => line[(line.IndexOf(' ', StringComparison.Ordinal) + 2)..]).Order(StringComparer.Ordinal)), pair => Assert.StartsWith(pair.First, pair.Second, StringComparison.Ordinal));
        Assert.True(Array.FindIndex(told, line => line.Contains("removed   replaced", StringComparison.Ordinal)) < Array.FindIndex(told, line => line.Contains("added     replaced", StringComparison.Ordinal)));
        Assert.EndsWith("renamed   here  was moved", Next(one, objects), StringComparison.Ordinal);
        Assert.Equal(0, Interrupt(all));
        Assert.Equal(0, Interrupt(one));
    }

    [Fact]
    public void Reports_once_that_an_object_is_gone_although_its_events_come_after_the_lists_were_compared()
    {
        const int Count = 60;
        using var objects = new Objects();
        for (var number = 0; number < Count; number++)
        {
            objects.Add($"gone{number:00}");
        }

        using var watching = Watch("watch");
        Assert.Contains("started", watching.ReadLine(), StringComparison.Ordinal);
        Signal("STOP", watching);
        Flood();
        Signal("CONT", watching);
        // While the watcher takes what is in the queue: there is room behind the mark that events were lost, and the lists are compared later.
        for (var number = 0; number < Count; number++)
        {
            SharedMemoryObject.Unlink(objects.Prefix + $"gone{number:00}");
            Thread.Sleep(5);
        }

        var removed = new List<string>();
        // The first comes with the comparison; what would be reported twice comes between it and the second.
        foreach (var last in new[] { "first", "second" })
        {
            objects.Add(last);
            for (var line = Next(watching, objects); !line.Contains($"added     {last}", StringComparison.Ordinal); line = Next(watching, objects))
            {
                removed.Add(line[line.IndexOf("gone", StringComparison.Ordinal)..]);
            }
        }

        Assert.Equal(Enumerable.Range(0, Count).Select(number => $"gone{number:00}"), removed.Order(StringComparer.Ordinal));
        Assert.Equal(0, Interrupt(watching));
    }

    [Fact]
    public void Reports_no_rename_again_that_a_list_has_already_although_the_object_is_gone_when_its_event_is_read()
    {
        using var objects = new Objects();
        objects.Add("a");
        using var events = new NameEvents(TimeSpan.FromSeconds(1));
        SharedMemoryObject.Rename(objects.Prefix + "a", objects.Prefix + "b");
        events.Start();
        SharedMemoryObject.Unlink(objects.Prefix + "b");
        Assert.Equal((SharedMemoryChangeKind.Removed, "b"), Next(events, objects));
    }

    [Fact]
    public void Reports_no_removal_of_a_name_that_was_left_by_a_rename_when_lists_are_compared()
    {
        using var objects = new Objects();
        using var events = new NameEvents(TimeSpan.FromSeconds(1));
        events.Start();
        objects.Add("a");
        SharedMemoryObject.Rename(objects.Prefix + "a", objects.Prefix + "b");
        Assert.Equal((SharedMemoryChangeKind.Added, "a"), Next(events, objects));
        Assert.Equal((SharedMemoryChangeKind.Renamed, "b"), Next(events, objects));
        Flood();
        objects.Add("last");
        Assert.Equal((SharedMemoryChangeKind.Added, "last"), Next(events, objects));
    }

    [SkippableFact]
    public void Reports_holders_in_other_languages_and_does_not_hold_it_itself()
    {
        Skip.IfNot(Installed.Has("python3"), "No python3.");
        using var objects = new Objects();
        var name = objects.Add("a");
        using var watching = Watch("watch", name, "--interval", "0.05", "--no-bytes");
        Assert.Matches(@"started   \S+  4096 bytes, 0600, \S+, \d+\+? holders?$", watching.ReadLine());
        using var python = Peer.Run("python3", "-c", $"import os, sys; os.open('/dev/shm/{name}', os.O_RDONLY); print('ready', flush=True); sys.stdin.read()");
        Assert.Equal("ready", python.ReadLine());
        var pid = python.ProcessId.ToString(CultureInfo.InvariantCulture);
        Assert.Matches($@"held      \S+  by {pid} python\S* \(r\)$", Next(watching, $" by {pid} "));
        python.Kill();
        Assert.Matches($@"released  \S+  by {pid} python\S*$", Next(watching, $" by {pid} "));
        Assert.Equal(0, Interrupt(watching));
    }

    [SkippableFact]
    public void A_holder_that_cannot_be_examined_any_more_is_not_reported_as_released()
    {
        Skip.If(Privileged.StrangerObstacle is not null, Privileged.StrangerObstacle);
        using var copy = new CommandCopy();
        using var objects = new Objects();
        var name = objects.Prefix + "own";
        Assert.Equal(0, copy.RunAsStranger("create", name, "4096").ExitCode);
        // What a process has open that runs a program which it may not read is for root to see, as after PR_SET_DUMPABLE.
        var program = Path.Combine(Path.GetDirectoryName(copy.Program)!, "cat");
        Assert.Equal(0, Shm.Shell($"cp \"$(command -v cat)\" {program} && chmod 711 {program}").ExitCode);
        using var holder = Privileged.RunAs(Privileged.Stranger, "sh", "-c", $"exec 3< /dev/shm/{name}; echo ready; read line; exec {program}");
        Assert.Equal("ready", holder.ReadLine());
        using var watching = Privileged.RunAs(Privileged.Stranger, copy.Program, "watch", name, "--interval", "0.02", "--no-bytes");
        Assert.Contains("started", watching.ReadLine(), StringComparison.Ordinal);
        holder.Tell("go on");
        Assert.Equal("hidden", holder.Ask("hidden"));
        // A look at the holders follows one at the mode: the first one is over when the second change of the mode is reported.
        var pid = holder.ProcessId.ToString(CultureInfo.InvariantCulture);
        var entry = SharedMemoryDirectory.Find(name)!;
        foreach (var mode in (UnixFileMode[])[UnixFileMode.UserRead, UnixFileMode.UserRead | UnixFileMode.UserWrite])
        {
            entry.SetPermissions(mode);
            string line;
            do
            {
                line = watching.ReadLine();
                Assert.DoesNotContain($" by {pid} ", line, StringComparison.Ordinal);
            }
            while (!line.Contains("  mode  ", StringComparison.Ordinal));
        }

        holder.Kill();
        Assert.Matches($@"released  {name}  by {pid} sh$", Next(watching, $" by {pid} "));
    }

    [SkippableFact]
    public void Says_once_why_bytes_cannot_be_read()
    {
        Skip.If(Privileged.StrangerObstacle is not null, Privileged.StrangerObstacle);
        using var copy = new CommandCopy();
        using var objects = new Objects();
        var ran = copy.RunAsStranger("watch", objects.Add("a"), "--count", "1");
        Assert.Equal((0, ""), (ran.ExitCode, ran.Errors));
        Assert.Matches(@"  its bytes: Permission denied \(EACCES\): the object belongs to \S+ and has mode 0600\n\z", ran.Output);
    }

    [Fact]
    public void Fails_with_one_line_if_there_is_nothing_to_watch() =>
        Assert.Equal("shm: watch: no-such-object: No such file or directory (ENOENT): no object has this name; shm ls shows all names", Shm.Fail("watch", "no-such-object"));

    [Fact]
    public void Reports_differences_of_the_bytes_in_allocated_pages()
    {
        using var memory = SharedMemoryObject.CreateUnpublished(1L << 40, new() { Backing = Backing.Sparse });
        var bytes = new ByteMemory();
        Assert.Empty(bytes.Look(memory));
        memory.Write([1], 0);
        memory.Write([1, 2, 3, 0, 0, 6], (1L << 39) + 10);
        memory.Write([9], 1L << 30);
        Assert.Equal([new(0, 1), new(1L << 30, 1), new((1L << 39) + 10, 6)], bytes.Look(memory));
        Assert.Empty(bytes.Look(memory));
        memory.Discard(1L << 30, s_page);
        memory.Write([7], (1L << 39) + 12);
        Assert.Equal([new(1L << 30, 1), new((1L << 39) + 12, 1)], bytes.Look(memory));
        memory.SetLength(s_page);
        memory.Write(new byte[s_page], 0);
        Assert.Equal([new(0, 1), new((1L << 39) + 10, 6)], bytes.Look(memory));
        memory.Reserve(0, s_page);
        Assert.Empty(bytes.Look(memory));
    }

    [Fact]
    public void Reports_whole_pages_where_it_remembers_only_digests()
    {
        // Not in /dev/shm, which may be small.
        using var memory = SharedMemoryObject.CreateAnonymous(72 << 20);
        var filled = new byte[72 << 20];
        filled.AsSpan().Fill(7);
        memory.Write(filled, 0);
        var bytes = new ByteMemory();
        bytes.Look(memory);
        Assert.Empty(bytes.Look(memory));
        memory.Write([1], (70 << 20) + 5);
        memory.Write([1], 5);
        Assert.Equal([new(5, 1), new(70 << 20, s_page)], bytes.Look(memory));
        Assert.Empty(bytes.Look(memory));
    }

    [Fact]
    public void Keeps_little_of_a_long_object_and_reports_groups_of_pages_there()
    {
        // 64 MiB are kept as copies; after them, a group of two pages is the least of 512 MiB that fit into the digests.
        using var memory = SharedMemoryObject.CreateAnonymous(512 << 20, new() { Backing = Backing.Sparse });
        var filled = new byte[66 << 20];
        filled.AsSpan().Fill(1);
        memory.Write(filled, 0);
        var bytes = new ByteMemory();
        bytes.Look(memory);
        Assert.Empty(bytes.Look(memory));
        memory.Write([2], 5);
        memory.Write([2], (65 << 20) + s_page + 7);
        memory.Write([2], 400 << 20);
        Assert.Equal([new(5, 1), new(65 << 20, 2 * s_page), new(400 << 20, 2 * s_page)], bytes.Look(memory));
        memory.Discard(400 << 20, s_page);
        Assert.Equal([new(400 << 20, 2 * s_page)], bytes.Look(memory));

        // Other groups: what is kept as it is can still be compared.
        memory.SetLength(2L << 30, Backing.Sparse);
        memory.Write([3], 6);
        memory.Write([3], 65 << 20);
        Assert.Equal([new(6, 1)], bytes.Look(memory));
        memory.Write([4], 65 << 20);
        Assert.Equal([new(65 << 20, 8 * s_page)], bytes.Look(memory));
    }

    private static Peer Watch(params string[] words) => Shm.Start(words);

    /// <summary>The next line about this test's objects, without their prefix; other tests make objects too.</summary>
    private static string Next(Peer watching, Objects objects) => Next(watching, "  " + objects.Prefix).Replace(objects.Prefix, "", StringComparison.Ordinal);

    /// <summary>The next line that has a text in it.</summary>
    private static string Next(Peer watching, string text)
    {
        while (true)
        {
            var line = watching.ReadLine();
            if (line.Contains(text, StringComparison.Ordinal))
            {
                return line;
            }
        }
    }

    /// <summary>The next event of one of some kinds.</summary>
    private static JsonElement Event(Peer watching, params string[] kinds)
    {
        var seen = new StringBuilder();
        while (true)
        {
            var line = watching.ReadLine();
            var happened = Objects.Json(line);
            if (kinds.Contains(happened.GetProperty("event").GetString(), StringComparer.Ordinal))
            {
                return happened;
            }

            // Processes that other tests fork hold everything for a moment.
            Assert.True(happened.GetProperty("event").GetString() is "held" or "released", $"Waiting for {string.Join(' ', kinds)}: {seen.AppendLine(line)}");
        }
    }

    private static (long, long) RangeOf(JsonElement range) => (range.GetProperty("offset").GetInt64(), range.GetProperty("length").GetInt64());

    /// <summary>Overflows the kernel's queue of a watcher that does not read it.</summary>
    private static (SharedMemoryChangeKind Kind, string Name) Next(NameEvents events, Objects objects)
    {
        using var limit = new CancellationTokenSource(Watchdog.Limit);
        while (true)
        {
            var change = events.Next(limit.Token);
            if (Encoding.UTF8.GetString(change.NameBytes.Span) is var name && name.StartsWith(objects.Prefix, StringComparison.Ordinal))
            {
                return (change.Kind, name[objects.Prefix.Length..]);
            }
        }
    }

    private static void Flood()
    {
        using var name = new TemporaryName();
        var most = int.Parse(File.ReadAllText("/proc/sys/fs/inotify/max_queued_events"), CultureInfo.InvariantCulture);
        for (var made = 0; made <= most; made += 2)
        {
            SharedMemoryObject.Create(name, 0).Dispose();
            SharedMemoryObject.Unlink(name);
        }
    }

    private static void Signal(string signal, params Peer[] processes) =>
        Assert.Equal(0, Shm.Shell(string.Create(CultureInfo.InvariantCulture, $"kill -{signal} {string.Join(' ', processes.Select(process => process.ProcessId))}")).ExitCode);

    private static int Interrupt(Peer watching)
    {
        Signal("INT", watching);
        var (exitCode, _, errors) = watching.Finish();
        Assert.Equal("", errors);
        return exitCode;
    }
}

using System.Text.Json;

namespace Posix.SharedMemory.Tool.Tests;

/// <summary>Which processes hold what: shm who, stat, rm --if-unused, gc.</summary>
public sealed class Holding
{
    [Fact]
    public void Shows_processes_of_this_library_with_what_they_hold()
    {
        using var objects = new Objects();
        var name = objects.Add("a", 10_000);
        using var peer = Peer.Start("hold", name, "write");
        Assert.Equal("held", peer.ReadLine());
        var who = Shm.Print("who", name);
        var lines = who.Split('\n').Where(line => line.Contains($"{peer.ProcessId} ", StringComparison.Ordinal)).ToList();
        Assert.Equal(2, lines.Count);
        Assert.Matches(@" rw +[0-9a-f]+-[0-9a-f]+, 12K +/.*Posix\.SharedMemory\.TestPeer hold ", lines[0]);
        Assert.Matches(@" rw +descriptor \d+ +/.*Posix\.SharedMemory\.TestPeer hold ", lines[1]);

        var facts = Objects.Json(Shm.Print("who", name, "--json"));
        Assert.Equal(name, facts.GetProperty("name").GetString());
        var holder = Assert.Single(facts.GetProperty("holders").EnumerateArray(), holder => holder.GetProperty("pid").GetInt32() == peer.ProcessId);
        Assert.Equal(("Posix.SharedMem", "rw"), (holder.GetProperty("command").GetString(), holder.GetProperty("access").GetString()));
        Assert.Equal("hold", holder.GetProperty("command_line")[1].GetString());
        Assert.Equal(12288, Assert.Single(holder.GetProperty("mappings").EnumerateArray()).GetProperty("length").GetInt64());
        Assert.Equal("rw", Assert.Single(holder.GetProperty("descriptors").EnumerateArray()).GetProperty("access").GetString());

        Assert.Contains($"{peer.ProcessId} ", Shm.Print("stat", name), StringComparison.Ordinal);
        Assert.Contains("In use:    yes (confirmed by the kernel)", Shm.Print("stat", name), StringComparison.Ordinal);
    }

    [SkippableFact]
    public void Shows_a_Python_process_by_its_command_line()
    {
        Skip.IfNot(Installed.Has("python3"), "python3 is not installed.");
        using var objects = new Objects();
        var name = objects.Add("a", 10_000);
        using var python = Peer.Run(
            "python3", "-c", $"import mmap,sys; f=open('/dev/shm/{name}','r+b'); m=mmap.mmap(f.fileno(),0); print('held',flush=True); sys.stdin.read()");
        Assert.Equal("held", python.ReadLine());
        Assert.Matches($@"(?m)^ *{python.ProcessId} +\S+ +rw .*python3? -c import mmap", Shm.Print("who", name));
        Assert.StartsWith($"shm: rm: {name}: in use by process {python.ProcessId} (python", Shm.Fail("rm", name, "--if-unused"), StringComparison.Ordinal);
        Assert.DoesNotContain(name, Shm.Print("gc"), StringComparison.Ordinal);
        Assert.Equal(1, Objects.Json(Shm.Print("ls", name, "--json"))[0].GetProperty("holders").GetInt32());
        python.Kill();
        // Other tests ask the kernel about all objects, which opens each of them for a moment.
        Watchdog.Until(() => Shm.Run("rm", name, "--if-unused").ExitCode == 0, "the last process to close it");
        Assert.Empty(objects.Names());
    }

    [SkippableFact]
    public void Finds_a_process_whose_main_thread_has_ended()
    {
        Skip.IfNot(Installed.Has("cc"), "cc is not installed.");
        using var objects = new Objects();
        using var directory = TemporaryDirectory.OnDisk();
        Skip.If(directory is null, "No directory on a disk.");
        var name = objects.Add("a");
        File.WriteAllText(directory.File("hold.c"), """
            #define _GNU_SOURCE
            #include <fcntl.h>
            #include <pthread.h>
            #include <stdio.h>
            #include <stdlib.h>
            #include <sys/mman.h>
            #include <unistd.h>
            static void *wait_for_end(void *unused)
            {
                usleep(200000);
                puts("held");
                fflush(stdout);
                getchar();
                exit(0);
            }
            int main(int argc, char **argv)
            {
                int fd = shm_open(argv[1], O_RDWR, 0), nameless = memfd_create(argv[1] + 1, 0);
                pthread_t thread;
                if (nameless == -1 || ftruncate(nameless, 5) || fd == -1 || mmap(0, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED || pthread_create(&thread, 0, wait_for_end, 0) != 0)
                    return 1;
                close(fd);
                pthread_exit(0);
            }
            """);
        Assert.Equal(0, Shm.Shell($"cc -pthread -o {directory.File("hold")} {directory.File("hold.c")} -lrt").ExitCode);
        using var peer = Peer.Run(directory.File("hold"), "/" + name);
        Assert.Equal("held", peer.ReadLine());
        Assert.Contains($"{peer.ProcessId} ", Shm.Print("who", name), StringComparison.Ordinal);
        Assert.InRange(Objects.Json(Shm.Print("ls", name, "--json"))[0].GetProperty("holders").GetInt32(), 1, int.MaxValue);
        Assert.Contains("In use:    yes (confirmed by the kernel)", Shm.Print("stat", name), StringComparison.Ordinal);
        Assert.Equal("Nothing to remove: every object is in use\n", Shm.Print("gc", name));
        Assert.StartsWith($"shm: rm: {name}: in use by ", Shm.Fail("rm", name, "--if-unused"), StringComparison.Ordinal);
        Assert.StartsWith($"shm: resize: {name}: ", Shm.Fail("resize", name, "0"), StringComparison.Ordinal);
        Assert.Matches($@"(?m)^ *{peer.ProcessId} +\d+ +\S+ +5 +0 .*{name}$", Shm.Print("ls", "--anonymous"));
    }

    [SkippableFact]
    public void Finds_memory_without_a_name_and_prints_its_bytes()
    {
        Skip.IfNot(Installed.Has("python3"), "python3 is not installed.");
        var name = SharedMemoryObject.CreateUniqueName("memfd");
        using var python = Peer.Run("python3", "-c", $"import os,sys; f=os.memfd_create('{name}'); os.write(f,b'abcdef'); print(f,flush=True); sys.stdin.read()");
        var descriptor = python.ReadLine();
        Assert.Matches($@"(?m)^ *{python.ProcessId} +{descriptor} +\S+ +6 +4K +python3?\S* +{name}$", Shm.Print("ls", "--anonymous"));
        var fact = Assert.Single(Objects.Json(Shm.Print("ls", "--anonymous", "--json")).EnumerateArray(), fact => fact.GetProperty("name").GetString() == name);
        Assert.Equal((6, python.ProcessId), (fact.GetProperty("length").GetInt32(), fact.GetProperty("held_by")[0].GetProperty("pid").GetInt32()));
        Assert.Equal("cde", Shm.Print("cat", "--pid", $"{python.ProcessId}", "--fd", descriptor, "--offset", "2", "--length", "3"));
        Assert.Matches(@"^shm: cat: No such file or directory \(ENOENT\): descriptor 9999 of process \d+$", Shm.Fail("cat", "--pid", $"{python.ProcessId}", "--fd", "9999"));
        Assert.Equal(
            $"shm: cat: descriptor 0 of process {python.ProcessId}: this is not shared memory, but a pipe, a socket, a file on a disk or the like", Shm.Fail("cat", "--pid", $"{python.ProcessId}", "--fd", "0"));
        Assert.Equal("shm: cat: give either a NAME, or --pid and --fd (see shm cat --help)", Shm.Refuse("cat", "--pid", "1"));
        Assert.Contains("can be combined only with", Shm.Refuse("ls", "--anonymous", "--owner", "0"), StringComparison.Ordinal);
        Assert.Contains("can be combined only with", Shm.Refuse("ls", "x", "--anonymous"), StringComparison.Ordinal);
    }

    [SkippableFact]
    public void Reports_descriptors_that_are_not_memory_and_processes_that_do_not_exist()
    {
        Skip.IfNot(Installed.Has("python3"), "python3 is not installed.");
        // The runtime itself does not start without /proc.
        if (Shm.IsNative && Privileged.NamespaceObstacle is null)
        {
            Assert.Equal(
                "shm: cat: The processes that hold an object are found in /proc, which is not mounted here, or which a filter in front of the kernel (seccomp) hides: newfstatat must be allowed\n",
                Shm.Shell("unshare --mount --propagation private sh -c 'umount -l /proc && exec $SHM cat --pid 1 --fd 0'").Errors);
        }

        const string Script = "import os,socket,sys; a,b=os.pipe(); s=socket.socket(socket.AF_UNIX); print(a,b,s.fileno(),os.open('/',0),os.open('/dev/zero',2),os.open(sys.executable,0),flush=True); sys.stdin.read()";
        using var python = Peer.Run("python3", "-c", Script);
        var descriptors = python.ReadLine().Split(' ');
        Assert.Equal(6, descriptors.Length);
        Assert.All(descriptors, descriptor => Assert.Equal(
            $"shm: cat: descriptor {descriptor} of process {python.ProcessId}: this is not shared memory, but a pipe, a socket, a file on a disk or the like",
            Shm.Fail("cat", "--pid", $"{python.ProcessId}", "--fd", descriptor)));
        Assert.Equal("shm: cat: process 2147483647: there is no such process (ENOENT)", Shm.Fail("cat", "--pid", "2147483647", "--fd", "0"));
    }

    [Fact]
    public void Shows_everything_known_about_an_object()
    {
        using var objects = new Objects();
        var name = objects.Add("a", 100_000, backing: Backing.Sparse);
        Assert.Equal(0, Shm.Run([1], "write", name, "--offset", "50000").ExitCode);
        var text = Shm.Print("stat", name);
        Assert.Matches($@"^Name:      {name}\nLength:    100000 \(97\.?\d?K|98K\)", text);
        Assert.Contains("Allocated: 4096 (4K), 2 holes\nMode:      0600 rw-------\nOwner:     ", text, StringComparison.Ordinal);
        Assert.Contains("\nMembers:   none\n", text, StringComparison.Ordinal);
        var facts = Objects.Json(Shm.Print("stat", name, "--json"));
        Assert.Equal((name, 100_000L), (facts.GetProperty("name").GetString(), facts.GetProperty("length").GetInt64()));
        Assert.Equal(49152, Assert.Single(facts.GetProperty("allocated_ranges").EnumerateArray()).GetProperty("offset").GetInt64());
        Assert.False(facts.GetProperty("has_members").GetBoolean());
        Assert.Equal($"shm: stat: {objects.Prefix}none: No such file or directory (ENOENT): no object has this name; shm ls shows all names", Shm.Fail("stat", objects.Prefix + "none"));
        Assert.Contains("ENOENT", Shm.Fail("who", objects.Prefix + "none"), StringComparison.Ordinal);
    }

    [Fact]
    public void Lists_unused_objects_and_removes_them_only_on_request()
    {
        using var objects = new Objects();
        objects.Add("orphan", 100_000);
        using var held = SharedMemoryObject.Open(objects.Add("held"));
        using var mapped = MapOnly(objects.Add("mapped"));
        var semaphore = "sem." + objects.Prefix;
        File.WriteAllText("/dev/shm/" + semaphore, "");
        try
        {
            // A process that another test starts holds our descriptors too, until it executes its program; and a command that asks about all objects opens each of them for a moment.
            string[] lines = [];
            Watchdog.Until(() => (lines = objects.Normal(Shm.Print("gc", objects.All)).Split('\n')).Any(line => line.EndsWith("orphan", StringComparison.Ordinal)), "an orphan");
            Assert.EndsWith("  orphan", lines[1], StringComparison.Ordinal);
            Assert.Equal("1 object in use by no process, 100K; use --remove to remove it", lines[2]);
            Watchdog.Until(() => objects.Normal(Shm.Print("gc", objects.All, "--dry-run")).Split('\n').SequenceEqual(lines, StringComparer.Ordinal), "the same");
            Assert.Equal("Nothing to remove: no object matches\n", Shm.Print("gc", objects.All, "--remove", "--older", "1h"));
            Assert.Equal(["held", "mapped", "orphan"], objects.Names());

            JsonElement[] facts = [];
            Watchdog.Until(() => (facts = [.. Objects.Json(Shm.Print("gc", objects.All, "--remove", "--json")).EnumerateArray()]).Length > 0, "an orphan");
            var fact = Assert.Single(facts);
            Assert.Equal((objects.Prefix + "orphan", true), (fact.GetProperty("name").GetString(), fact.GetProperty("removed").GetBoolean()));
            Assert.Equal(["held", "mapped"], objects.Names());
            Shm.Print("gc", semaphore, "--remove");
            Assert.True(File.Exists("/dev/shm/" + semaphore));
        }
        finally
        {
            File.Delete("/dev/shm/" + semaphore);
        }

        Assert.Contains("cannot be used together", Shm.Refuse("gc", "--dry-run", "--remove"), StringComparison.Ordinal);
    }

    [SkippableFact]
    public void Removes_temporary_names_that_killed_processes_left_where_the_kernel_does_not_say_whether_an_object_is_in_use()
    {
        Skip.If(Privileged.NamespaceObstacle is not null, Privileged.NamespaceObstacle);
        using var scratch = TemporaryDirectory.OnDisk();
        Skip.If(scratch is null, "There is no disk here.");
        // The last four digits are those that the library computes from the others: only then is the name its own.
        const string Left = ".shm-publish-0123456789ab", Other = Left + "ffff";
        var hash = Left[^12..].Aggregate(2166136261, (hash, digit) => (hash ^ digit) * 16777619);
        var left = Left + ((ushort)(hash ^ (hash >> 16))).ToString("x4", System.Globalization.CultureInfo.InvariantCulture);
        var shm = Shm.Program;
        using var peer = OddMemory.Run(
            "overlay", scratch!, $"{{ {shm} gc; {shm} gc '.shm*' --remove; {shm} gc --remove --json; ls -A /dev/shm; }}", $"touch /dev/shm/{left} /dev/shm/{Other} /dev/shm/o");
        var line = peer.ReadLine();
        Skip.If(line != "ready", line);
        var (exitCode, output, errors) = peer.Finish();
        Assert.Equal((0, ""), (exitCode, errors));
        Assert.StartsWith("Nothing to remove: no object is certainly unused\nLeft alone: 3 objects", output, StringComparison.Ordinal);
        Assert.Contains("Left alone: 2 objects", output, StringComparison.Ordinal);
        Assert.Contains($"\"name\": \"{left}\"", output, StringComparison.Ordinal);
        Assert.Equal([Other, "o"], output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^2..]);
    }

    [SkippableFact]
    public void An_object_held_in_another_PID_namespace_is_in_use()
    {
        Skip.If(Privileged.NamespaceObstacle is not null, Privileged.NamespaceObstacle);
        using var objects = new Objects();
        var name = objects.Add("a");
        using var held = SharedMemoryObject.Open(name);
        using var directory = TemporaryDirectory.InMemory();
        var watched = directory.File("watched");
        File.WriteAllText(watched, "");
        var ran = Shm.Shell(
            $"unshare --pid --fork --mount-proc sh -c '$SHM gc {name} --remove; $SHM rm {name} --if-unused; $SHM who {name}; $SHM ls {name}; $SHM top --once --filter {name}; "
            + $"$SHM watch {name} > {watched} & until grep -q started {watched}; do sleep 0.05; done; kill $!; cat {watched}'");
        Assert.StartsWith("Nothing to remove: every object is in use\nA process holds it that cannot be seen from here.\n", ran.Output, StringComparison.Ordinal);
        // The same everywhere: one at least, and not 0.
        Assert.Equal(2, ran.Output.Split('\n').Count(line => line.EndsWith(" " + name, StringComparison.Ordinal) && line.Contains(" 1+ ", StringComparison.Ordinal)));
        Assert.Matches($@"started +{name}  4096 bytes, 0600, \S+, 1\+ holder\n", ran.Output);
        Assert.Equal($"shm: rm: {name}: in use by a process that cannot be seen from here\n", ran.Errors);
        Assert.Equal(["a"], objects.Names());
    }

    [SkippableFact]
    public void Everything_is_unknown_in_another_PID_namespace_if_the_kernel_does_not_reveal_it_to_this_user()
    {
        Skip.If(Privileged.StrangerObstacle is not null, Privileged.StrangerObstacle);
        Skip.If(Privileged.NamespaceObstacle is not null, Privileged.NamespaceObstacle);
        using var copy = new CommandCopy();
        using var objects = new Objects();
        var name = objects.Add("foreign", mode: (UnixFileMode)0x1A4);
        var user = Privileged.Stranger;
        string[] words = ["ls {0}", "top --once --filter {0}", "ls {0} --json", "who {0}", "who {0} --json"];
        var commands = string.Join("; ", words.Select(word => $"{copy.Program} {word.Replace("{0}", name, StringComparison.Ordinal)}"));
        var ran = Shm.Shell($"unshare --pid --fork --mount-proc setpriv --reuid={user} --regid={user} --clear-groups sh -c '{commands}'");
        Assert.Equal("", ran.Errors);
        Assert.Equal(2, ran.Output.Split('\n').Count(line => line.EndsWith(" " + name, StringComparison.Ordinal) && line.Contains(" ? ", StringComparison.Ordinal)));
        Assert.Matches(@" \d+ unused, \d+ unknown\n", ran.Output);
        Assert.Contains("\"holders\": null,\n    \"holders_exact\": false", ran.Output, StringComparison.Ordinal);
        Assert.Contains("No holder was found; whether a process holds it is unknown.\n", ran.Output, StringComparison.Ordinal);
        Assert.Contains("\"held\": null", ran.Output, StringComparison.Ordinal);
    }

    [SkippableTheory]
    [InlineData(1)]
    [InlineData(2)]
    public void Does_not_mistake_hidden_processes_for_none(int hidden)
    {
        Skip.If(Privileged.StrangerObstacle is not null, Privileged.StrangerObstacle);
        Skip.If(Privileged.NamespaceObstacle is not null, Privileged.NamespaceObstacle);
        using var copy = new CommandCopy();
        using var objects = new Objects();
        var name = objects.Add("held", mode: (UnixFileMode)0x1A4);
        using var memory = SharedMemoryObject.Open(name);
        var user = Privileged.Stranger;
        var ran = Shm.Shell(
            $"unshare --mount --propagation private sh -c 'mount -t proc -o hidepid={hidden} proc /proc && exec setpriv --reuid={user} --regid={user} --clear-groups sh -c \"{copy.Program} who {name}; {copy.Program} cat --pid {Environment.ProcessId} --fd 0\"'");
        Assert.Matches(@"^No holder was found; whether a process holds it is unknown\.\n(\d+ processes|Process 1) could not be examined", ran.Output);
        Assert.Equal(
            hidden == 2 ? $"shm: cat: process {Environment.ProcessId}: /proc hides it from this user (hidepid), and with it what it has open (EACCES)\n"
                : $"shm: cat: descriptor 0 of process {Environment.ProcessId}: Operation not permitted (EPERM)\n",
            ran.Errors);
    }

    [SkippableFact]
    public void Finds_objects_that_were_unlinked_but_are_still_in_use()
    {
        Skip.IfNot(Installed.Has("python3"), "python3 is not installed.");
        using var objects = new Objects();
        string name = objects.Add("gone"), named = objects.Prefix + "published";
        Assert.Equal(0, Shm.Run("secret"u8.ToArray(), "write", name).ExitCode);
        using var python = Peer.Run(
            "python3", "-c", $"import mmap,os,sys; f=os.open('/dev/shm/{name}',os.O_RDWR); m=mmap.mmap(f,4096); os.unlink('/dev/shm/{name}'); print(f,flush=True); sys.stdin.read()");
        var descriptor = python.ReadLine();
        // Made without a name and then published, it looks the same in /proc, and has one.
        using var published = SharedMemoryObject.CreateUnpublished(4096);
        published.Publish(named);
        var listed = Shm.Print("ls", "--anonymous");
        Assert.Matches($@"(?m)^ *{python.ProcessId} +{descriptor} +\S+ +4K +4K +python3?\S* +{name} \(unlinked\)$", listed);
        var facts = Objects.Json(Shm.Print("ls", "--anonymous", "--json")).EnumerateArray().ToList();
        var fact = Assert.Single(facts, fact => fact.GetProperty("name").GetString() == name);
        Assert.Equal((true, 4096), (fact.GetProperty("unlinked").GetBoolean(), fact.GetProperty("length").GetInt32()));
        Assert.Single(fact.GetProperty("held_by")[0].GetProperty("mappings").EnumerateArray());
        Assert.DoesNotContain(facts, fact => fact.GetProperty("inode").GetUInt64() == published.GetStatus().Identity.Inode && fact.GetProperty("unlinked").GetBoolean());
        Assert.Equal("secret", Shm.Print("cat", "--pid", $"{python.ProcessId}", "--fd", descriptor, "--length", "6"));
    }

    [SkippableFact]
    public void A_holder_that_was_found_is_in_no_answer_unknown()
    {
        Skip.If(Privileged.StrangerObstacle is not null, Privileged.StrangerObstacle);
        using var objects = new Objects();
        var name = objects.Add("foreign", mode: (UnixFileMode)0x1A4);
        using var copy = new CommandCopy();
        var user = Privileged.Stranger;
        // The kernel says nothing to a user who does not own the object.
        var ran = Shm.Shell($"exec setpriv --reuid={user} --regid={user} --clear-groups sh -c 'exec 3< /dev/shm/{name}; {copy.Program} stat {name}; {copy.Program} stat {name} --json'");
        Assert.Contains("In use:    yes\n", ran.Output, StringComparison.Ordinal);
        Assert.Contains("\n  \"held\": true,\n", ran.Output, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void Prints_unknown_for_processes_that_this_user_may_not_examine()
    {
        Skip.If(Privileged.StrangerObstacle is not null, Privileged.StrangerObstacle);
        using var objects = new Objects();
        var foreign = objects.Add("foreign", mode: (UnixFileMode)0b110_110_110);
        using var memory = SharedMemoryObject.Open(foreign);
        using var copy = new CommandCopy();
        Assert.Matches($@" \?  .* {foreign}\n", copy.RunAsStranger("ls", foreign).Output);
        var fact = Objects.Json(copy.RunAsStranger("ls", foreign, "--json").Output)[0];
        Assert.Equal((System.Text.Json.JsonValueKind.Null, false), (fact.GetProperty("holders").ValueKind, fact.GetProperty("holders_exact").GetBoolean()));
        Assert.Matches(@"No holder was found; whether a process holds it is unknown\.\n(\d+ processes|Process \d+) could not be examined", copy.RunAsStranger("who", foreign).Output);
        Assert.Equal(
            "Nothing to remove: no object is certainly unused\nLeft alone: 1 object that a process may use; only the owner or a process with CAP_LEASE can find out, and on an overlay or FUSE nobody can\n", copy.RunAsStranger("gc", foreign, "--remove").Output);
        fact = Assert.Single(Objects.Json(copy.RunAsStranger("gc", foreign, "--remove", "--json").Output).EnumerateArray());
        Assert.Equal(
            (foreign, System.Text.Json.JsonValueKind.Null, false, false),
            (fact.GetProperty("name").GetString(), fact.GetProperty("holders").ValueKind, fact.GetProperty("holders_exact").GetBoolean(), fact.GetProperty("removed").GetBoolean()));
        Assert.EndsWith("\nNot listed: 1 object that a process may use; shm gc says more\n", copy.RunAsStranger("ls", foreign, "--orphaned").Output, StringComparison.Ordinal);

        // Not all of them is nothing.
        Assert.Matches(@"^(.*\n)*\d+ objects? without a name found, .* allocated\n\d+ processes could not be examined and may hold more\.\n$", copy.RunAsStranger("ls", "--anonymous").Output);
        fact = Objects.Json(copy.RunAsStranger("ls", "--anonymous", "--json").Output).EnumerateArray().Last();
        Assert.Contains(Environment.ProcessId, fact.GetProperty("unreadable_processes").EnumerateArray().Select(process => process.GetInt32()));
        Assert.Equal((System.Text.Json.JsonValueKind.Null, false), (fact.GetProperty("allocated").ValueKind, fact.GetProperty("holders_exact").GetBoolean()));
        Assert.Equal($"shm: rm: {foreign}: it is unknown whether a process uses it", Shm.OneLine(copy.RunAsStranger("rm", foreign, "--if-unused"), exitCode: 1));
        Assert.Matches($@"^shm: rm: {foreign}: .*\((EACCES|EPERM)\): the object belongs to {Accounts.Users.NameOf(0)} and has mode 0666$", Shm.OneLine(copy.RunAsStranger("rm", foreign), exitCode: 1));
        Assert.Equal(["foreign"], objects.Names());

        // The kernel answers for the user's own objects.
        var own = objects.Prefix + "own";
        Assert.Equal(0, copy.RunAsStranger("create", own, "5000").ExitCode);
        Assert.Equal(0, Objects.Json(copy.RunAsStranger("ls", own, "--json").Output)[0].GetProperty("holders").GetInt32());
        using (SharedMemoryObject.Open(own))
        {
            Assert.Equal($"shm: rm: {own}: in use by a process that cannot be seen from here", Shm.OneLine(copy.RunAsStranger("rm", own, "--if-unused"), exitCode: 1));
        }

        Watchdog.Until(() => copy.RunAsStranger("rm", own, "--if-unused").ExitCode == 0, "the last process to close it");
        Assert.Equal($"shm: cat: {foreign}: Permission denied (EACCES): the object belongs to {Accounts.Users.NameOf(0)} and has mode 0600", Denied(objects, copy, foreign));
    }

    private static string Denied(Objects objects, CommandCopy copy, string name)
    {
        Shm.Print("chmod", "0600", name);
        Assert.Contains("foreign", objects.Names());
        return Shm.OneLine(copy.RunAsStranger("cat", name), exitCode: 1);
    }

    private static MemoryMapping MapOnly(string name)
    {
        using var memory = SharedMemoryObject.Open(name);
        return memory.Map();
    }
}

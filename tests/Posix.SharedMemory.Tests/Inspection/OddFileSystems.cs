using System.Globalization;

namespace Posix.SharedMemory.Tests.Inspection;

/// <summary>What is reported of objects where /dev/shm is not the tmpfs that it usually is: a row each of the table in docs/platforms.md.</summary>
public sealed class OddFileSystems
{
    private const string Written = "printf hello > /dev/shm/o && truncate -s 1M /dev/shm/o";

    [SkippableTheory]
    [InlineData("tmpfs")]
    [InlineData("ramfs")]
    [InlineData("overlay")]
    [InlineData("ext4")]
    [InlineData("bindfs")]
    [Rule("allocated.ranges")]
    [Rule("pages.states")]
    public void A_written_range_is_not_reported_as_a_hole(string kind)
    {
        using var scratch = Scratch();
        using var peer = Start(kind, scratch, Written);
        Assert.Equal("ok 1048576", peer.Ask("keep o"));
        foreach (var access in new[] { "", " write" })
        {
            Assert.StartsWith("ok 0+", peer.Ask("ranges" + access), StringComparison.Ordinal);
            Assert.Matches("^ok (Present|Resident):0\\+", peer.Ask("states" + access));
        }

        if (kind != "bindfs" && (kind != "ramfs" || Environment.OSVersion.Version >= new Version(6, 5)))
        {
            // Without lseek of its own, FUSE calls all of it data, and ramfs too where the kernel cannot count pages: less than the truth but not wrong.
            Assert.Equal("ok 0+4096", peer.Ask("ranges write"));
            Assert.EndsWith("Absent:4096+1044480", peer.Ask("states write"), StringComparison.Ordinal);
        }

        Assert.Equal(0, peer.Finish().ExitCode);
    }

    [SkippableTheory]
    [InlineData("tmpfs", true)]
    [InlineData("ext4", true)]
    [InlineData("overlay", true)]
    [InlineData("ramfs", false)]
    [Rule("discard.zero")]
    public void Memory_is_given_back_or_the_error_says_what_to_do(string kind, bool isPossible)
    {
        using var scratch = Scratch();
        using var peer = Start(kind, scratch, Written);
        Assert.Equal("ok 1048576", peer.Ask("keep o"));
        var answer = peer.Ask("discard 0 8192");
        if (isPossible)
        {
            Assert.Equal("ok", answer);
            Assert.Equal("ok", peer.Ask("ranges write"));
        }
        else
        {
            Assert.StartsWith("PlatformNotSupportedException", answer, StringComparison.Ordinal);
            Assert.Contains("Write zeros", answer, StringComparison.Ordinal);
        }

        Assert.Equal(0, peer.Finish().ExitCode);
    }

    [SkippableTheory]
    [InlineData("tmpfs")]
    [InlineData("ramfs")]
    [InlineData("overlay")]
    [InlineData("ext4")]
    [Rule("directory.remove")]
    [Rule("directory.permissions")]
    public void An_entry_does_not_act_on_a_newer_object_even_if_it_got_the_same_inode(string kind)
    {
        using var scratch = Scratch();
        using var peer = Start(kind, scratch, Written);
        Assert.Equal("ok 1048576", peer.Ask("keep o"));
        OddMemory.Shell(peer, "rm /dev/shm/o && sleep 0.05 && printf newer > /dev/shm/o");
        foreach (var act in new[] { "unlink", "rename other", "chmod 777", "open", "is-held" })
        {
            Assert.StartsWith("ENOENT", peer.Ask(act), StringComparison.Ordinal);
        }

        OddMemory.Shell(peer, "test \"$(cat /dev/shm/o)\" = newer && test \"$(stat -c %a /dev/shm/o)\" != 777");
        Assert.Equal("ok 5", peer.Ask("keep o"));
        Assert.Equal("ok", peer.Ask("unlink"));
        Assert.Equal("ok none", peer.Ask("keep o"));
        Assert.Equal(0, peer.Finish().ExitCode);
    }

    [SkippableTheory]
    [InlineData("tmpfs", "False", "complete")]
    [InlineData("ramfs", "False", "complete")]
    [InlineData("ext4", "False", "complete")]
    [InlineData("overlay", "unknown", "incomplete")]
    [Rule("holders.asked")]
    [Rule("holders.complete")]
    public void An_object_is_reported_as_unused_only_if_the_kernel_can_tell(string kind, string answer, string completeness)
    {
        using var scratch = Scratch();
        using var peer = Start(kind, scratch, Written);
        Assert.Equal("ok 1048576", peer.Ask("keep o"));
        Watchdog.Until(() => peer.Ask("is-held") == $"ok {answer}", $"the answer {answer}");
        Assert.Equal($"ok  {completeness}", peer.Ask("holders"));
        Assert.StartsWith("ok 0 incomplete ", peer.Ask("index"), StringComparison.Ordinal);
        Assert.Equal(0, peer.Finish().ExitCode);
    }

    [SkippableTheory]
    [InlineData("tmpfs")]
    [InlineData("ramfs")]
    [InlineData("ext4")]
    [InlineData("overlay")]
    [Rule("holders.asked")]
    public void An_object_that_is_only_mapped_is_not_reported_as_unused(string kind)
    {
        Skip.IfNot(Installed.Has("python3"), "python3 is not installed.");
        using var scratch = Scratch();
        using var peer = Start(kind, scratch, Written + " && { python3 -c 'import mmap,os,time; f=os.open(\"/dev/shm/o\",2); m=mmap.mmap(os.dup(f),4096); os.closerange(3,99); open(\"mapped\",\"w\"); time.sleep(600)' & echo $! > pid; while ! test -e mapped; do sleep 0.05; done; }");
        Assert.Equal("ok 1048576", peer.Ask("keep o"));
        Assert.NotEqual("ok False", peer.Ask("is-held"));
        Assert.DoesNotMatch("^ok  complete", peer.Ask("holders"));
        OddMemory.Shell(peer, $"kill $(cat '{scratch.Path}/pid')");
        Assert.Equal(0, peer.Finish().ExitCode);
    }

    [SkippableTheory]
    [InlineData("tmpfs", true)]
    [InlineData("ramfs", false)]
    [InlineData("ext4", true)]
    [InlineData("overlay", true)]
    [InlineData("link", true)]
    [InlineData("bindfs", null)]
    [Rule("length.written")]
    [Rule("write.whole")]
    [Rule("create.lacking")]
    [Rule("seals.named")]
    public void Objects_are_created_written_and_replaced_and_grow(string kind, bool? canReserve)
    {
        using var scratch = Scratch();
        using var peer = Start(kind, scratch, act: true);
        Assert.Equal("ok", peer.Ask("create o 600000"));
        // A disk may count the blocks that it needs for itself, too.
        Assert.InRange(long.Parse(peer.Ask("allocated")[3..], CultureInfo.InvariantCulture), 600_000, 700_000);
        Assert.StartsWith("EEXIST", peer.Ask("create o 100"), StringComparison.Ordinal);
        var seals = peer.Ask("seals");
        Assert.True(kind is "tmpfs" or "link" ? seals == "ok Seal" : seals.StartsWith("EINVAL", StringComparison.Ordinal) && seals.Contains("CreateAnonymous", StringComparison.Ordinal), seals);
        var grown = peer.Ask("set-length 700001");
        if (canReserve is { } can)
        {
            Assert.Equal(can, grown == "ok");
        }

        Assert.True(grown == "ok" || grown.Contains("Use Backing.Sparse", StringComparison.Ordinal), grown);
        Assert.Equal("ok", peer.Ask("set-length 900001 Sparse"));
        // Into a hole, over many pages.
        Assert.Equal("ok", peer.Ask("write 700000 200001 7"));
        Assert.Equal("ok 1400007", peer.Ask("sum"));
        Assert.Equal("ok", peer.Ask("create o 100 Replace"));
        Assert.Equal("ok 100", peer.Ask("open o"));
        Assert.Equal("ok", peer.Ask("create-unpublished 200"));
        Assert.Equal("ok", peer.Ask("publish p NoReplace"));
        Assert.Equal("ok 200", peer.Ask("open p"));
        Assert.Equal("ok", peer.Ask("create q 300 ReplaceAbandoned OnDispose"));
        Assert.Equal("ok", peer.Ask("close"));
        Assert.StartsWith("ENOENT", peer.Ask("open q"), StringComparison.Ordinal);
        OddMemory.Shell(peer, "test \"$(ls -A /dev/shm | grep -v lost+found | tr '\\n' ' ')\" = 'o p '");
        Assert.Equal(0, peer.Finish().ExitCode);
    }

    [SkippableTheory]
    [InlineData("tmpfs")]
    [InlineData("ramfs")]
    [InlineData("overlay")]
    [InlineData("ext4")]
    [InlineData("bindfs")]
    [Rule("rename.lacking")]
    [Rule("create.lacking")]
    public void Bytes_stored_through_a_mapping_before_the_object_got_its_name_and_after_it_are_seen_by_the_others(string kind)
    {
        using var scratch = Scratch();
        using var peer = Start(kind, scratch, act: true);
        Assert.Equal("ok", peer.Ask("create-unpublished 5000"));
        Assert.Equal("ok", peer.Ask("map"));
        Assert.Equal("ok", peer.Ask("store 0 7"));
        Assert.Equal("ok", peer.Ask("publish o NoReplace"));
        AssertShared("o", 7);
        Assert.Equal("ok", peer.Ask("rename o p NoReplace"));
        AssertShared("p", 9);
        Assert.Equal("ok", peer.Ask("create taken 1"));
        Assert.StartsWith("EEXIST", peer.Ask("rename p taken NoReplace"), StringComparison.Ordinal);
        Assert.Equal("ok 5000", peer.Ask("open p"));
        // An ordinary symbolic link is refused without waiting; one that a killed process left while it moved an object, after a while.
        OddMemory.Shell(peer, "ln -s p /dev/shm/link && ln -s .//p /dev/shm/left");
        Assert.StartsWith("ELOOP", peer.Ask("open link"), StringComparison.Ordinal);
        Assert.StartsWith("ELOOP", peer.Ask("open left"), StringComparison.Ordinal);
        Assert.StartsWith("EEXIST", peer.Ask("create left 1"), StringComparison.Ordinal);
        Assert.Equal("ok", peer.Ask("create left 100 Replace"));
        Assert.Equal("ok", peer.Ask("unlink link"));
        OddMemory.Shell(peer, "test \"$(ls -A /dev/shm | grep -v lost+found | tr '\\n' ' ')\" = 'left p taken '");
        Assert.Equal(0, peer.Finish().ExitCode);

        void AssertShared(string name, int value)
        {
            OddMemory.Shell(peer, $"test $(od -An -tu1 -N1 /dev/shm/{name}) = {value}");
            Assert.Equal("ok", peer.Ask("store 1 8"));
            OddMemory.Shell(peer, $"test $(od -An -tu1 -j1 -N1 /dev/shm/{name}) = 8 && printf '\\011' | dd of=/dev/shm/{name} conv=notrunc status=none");
            Assert.Equal("ok 9", peer.Ask("load 0"));
        }
    }

    [SkippableTheory]
    [InlineData("missing", "ENOENT")]
    [InlineData("read-only", "EROFS")]
    [Rule("errors.exception")]
    public void Where_nothing_can_be_created_the_error_says_so(string kind, string error)
    {
        using var scratch = Scratch();
        using var peer = Start(kind, scratch, act: true);
        foreach (var act in new[] { "create new 100", "open-or-create new 100", "create-unpublished 100", "open-mode new CreateNew" })
        {
            Assert.StartsWith(error, peer.Ask(act), StringComparison.Ordinal);
        }

        Assert.Equal(0, peer.Finish().ExitCode);
    }

    [SkippableFact]
    [Rule("directory.list")]
    [Rule("holders.anonymous")]
    public void Everything_is_found_through_a_symbolic_link()
    {
        Skip.IfNot(Installed.Has("python3"), "python3 is not installed.");
        using var scratch = Scratch();
        using var peer = Start(
            "link", scratch,
            Written + " && { python3 -c 'import os,time; f=os.open(\"/dev/shm/gone\",os.O_RDWR|os.O_CREAT); os.unlink(\"/dev/shm/gone\"); open(\"held\",\"w\"); time.sleep(600)' & echo $! > pid; while ! test -e held; do sleep 0.05; done; }");
        Assert.Equal("ok o", peer.Ask("list"));
        Assert.Equal("ok 1048576", peer.Ask("keep o"));
        Assert.Equal("ok gone", peer.Ask("unnamed"));
        OddMemory.Shell(peer, $"kill $(cat '{scratch.Path}/pid')");
        Assert.Equal("ok", peer.Ask("unlink"));
        Assert.Equal(0, peer.Finish().ExitCode);
    }

    [SkippableFact]
    [Rule("directory.list")]
    public void A_missing_directory_is_an_error_and_has_no_objects()
    {
        using var scratch = Scratch();
        using var peer = Start("missing", scratch);
        Assert.StartsWith("ENOENT open(/dev/shm)", peer.Ask("list"), StringComparison.Ordinal);
        Assert.StartsWith("ENOENT statfs(/dev/shm)", peer.Ask("usage"), StringComparison.Ordinal);
        Assert.Equal("ok none", peer.Ask("keep o"));
        Assert.Equal("ok", peer.Ask("unnamed"));
        Assert.Equal(0, peer.Finish().ExitCode);
    }

    [SkippableFact]
    [Rule("directory.remove")]
    public void A_read_only_directory_is_read_and_nothing_is_removed()
    {
        using var scratch = Scratch();
        using var peer = Start("read-only", scratch);
        Assert.Equal("ok o", peer.Ask("list"));
        Assert.Equal("ok 6", peer.Ask("keep o"));
        Assert.Equal("ok 6", peer.Ask("open"));
        Assert.Equal("ok 0+6", peer.Ask("ranges"));
        Assert.StartsWith("EROFS", peer.Ask("unlink"), StringComparison.Ordinal);
        Assert.StartsWith("EROFS", peer.Ask("rename other"), StringComparison.Ordinal);
        Assert.Equal(0, peer.Finish().ExitCode);
    }

    [SkippableFact]
    [Rule("pages.proc")]
    public void Without_proc_an_object_is_not_taken_for_missing_where_finding_its_memory_needs_it()
    {
        using var scratch = Scratch();
        using var peer = Start("overlay", scratch, Written);
        Assert.Equal("ok 1048576", peer.Ask("keep o"));
        OddMemory.Shell(peer, "umount -l /proc");
        Assert.Contains("/proc", peer.Ask("ranges"), StringComparison.Ordinal);
        Assert.Contains("/proc", peer.Ask("states"), StringComparison.Ordinal);
        Assert.Equal(0, peer.Finish().ExitCode);
    }

    [SkippableFact]
    [Rule("directory.list")]
    public void A_directory_that_only_its_owner_may_write_to_is_read_by_everybody()
    {
        using var scratch = Scratch();
        using var copy = new ReadableCopy();
        using var peer = OddMemory.Start(
            "0755", scratch, "inspect", Written + $" && echo ready && exec setpriv --reuid={Privileged.Stranger} --regid={Privileged.Stranger} --clear-groups '{copy.Program}' inspect");
        SkipUnlessReady(peer);
        Assert.Equal("ok o", peer.Ask("list"));
        Assert.Equal("ok 1048576", peer.Ask("keep o"));
        Assert.Equal("ok unknown", peer.Ask("is-held"));
        Assert.StartsWith("EACCES", peer.Ask("unlink"), StringComparison.Ordinal);
        Assert.Equal(0, peer.Finish().ExitCode);
    }

    [SkippableFact]
    [Rule("errors.exception")]
    public void In_a_directory_that_only_its_owner_may_write_to_others_create_nothing()
    {
        using var scratch = Scratch();
        using var copy = new ReadableCopy();
        using var peer = OddMemory.Start(
            "0755", scratch, "act", $"echo ready && exec setpriv --reuid={Privileged.Stranger} --regid={Privileged.Stranger} --clear-groups '{copy.Program}' act");
        SkipUnlessReady(peer);
        Assert.StartsWith("EACCES", peer.Ask("create new 100"), StringComparison.Ordinal);
        Assert.StartsWith("EACCES", peer.Ask("open-or-create new 100"), StringComparison.Ordinal);
        Assert.Equal(0, peer.Finish().ExitCode);
    }

    [SkippableTheory]
    [InlineData("tmpfs", true)]
    [InlineData("ext4", true)]
    [InlineData("Btrfs", false)]
    [Rule("length.reserved")]
    public void A_quota_that_is_used_up_has_its_own_error_with_numbers_of_bytes_and_nothing_is_left(string kind, bool isOfUsers)
    {
        using var scratch = Scratch();
        using var copy = new ReadableCopy();
        using var peer = OddMemory.Start(
            kind + " with a quota", scratch, "act", $"echo ready && exec setpriv --reuid={Privileged.Stranger} --regid={Privileged.Stranger} --clear-groups '{copy.Program}' act");
        SkipUnlessReady(peer);
        AssertRefused(peer.Ask($"create large {OddMemory.QuotaBytes + 4096}"), isOfUsers);
        Assert.StartsWith("ENOENT", peer.Ask("open large"), StringComparison.Ordinal);
        Assert.Equal("ok", peer.Ask("create small 100000"));
        AssertRefused(peer.Ask($"set-length {2 * OddMemory.QuotaBytes}"), isOfUsers);
        Assert.Equal("ok 100000", peer.Ask("length"));
        Assert.Equal("ok", peer.Ask($"set-length {2 * OddMemory.QuotaBytes} Sparse"));
        AssertRefused(peer.Ask($"reserve 0 {2 * OddMemory.QuotaBytes}"), isOfUsers);
        AssertRefused(peer.Ask($"write 0 {OddMemory.QuotaBytes + 8192} 7"), isOfUsers);
        Assert.Equal("ok", peer.Ask("write 0 1000 7"));
        Assert.Equal(0, peer.Finish().ExitCode);
    }

    private static void AssertRefused(string answer, bool isOfUsers)
    {
        Assert.StartsWith("EDQUOT fallocate", answer, StringComparison.Ordinal);
        Assert.Matches(isOfUsers ? $"[0-9]+ bytes requested, [0-9]+ bytes left of the quota of user {Privileged.Stranger} in its file system, which is {OddMemory.QuotaBytes} bytes" : "[0-9]+ bytes requested, more than a quota", answer);
    }

    private static TemporaryDirectory Scratch()
    {
        Skip.If(Privileged.NamespaceObstacle is not null, Privileged.NamespaceObstacle);
        var scratch = TemporaryDirectory.OnDisk();
        Skip.If(scratch is null, "There is no disk here.");
        return scratch!;
    }

    private static Peer Start(string kind, TemporaryDirectory scratch, string before = "", bool act = false)
    {
        var peer = OddMemory.Start(kind, scratch, act ? "act" : "inspect", before);
        SkipUnlessReady(peer);
        return peer;
    }

    private static void SkipUnlessReady(Peer peer)
    {
        var line = peer.ReadLine();
        Skip.If(line != "ready", line);
    }
}

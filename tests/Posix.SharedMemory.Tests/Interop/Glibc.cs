using System.Text;

namespace Posix.SharedMemory.Tests.Interop;

/// <summary>glibc's <c>shm_open</c> and <c>shm_unlink</c> beside ours, each in a process of its own with the same umask.</summary>
public sealed class Glibc
{
    private static readonly FileMode[] s_modes = [FileMode.Open, FileMode.OpenOrCreate, FileMode.CreateNew, FileMode.Create, FileMode.Truncate];

    // Octal: usual ones, none, all, set-user, set-group, sticky, and the three together.
    private static readonly string[] s_permissions = ["600", "666", "640", "777", "000", "444", "4755", "2755", "1777", "7777"];

    private static readonly string[] s_umasks = ["0", "022", "077"];

    [SkippableFact]
    [Rule("open.flags")]
    [Rule("open.umask")]
    [Rule("open.cloexec")]
    public void Every_combination_has_glibcs_result_errno_flags_and_mode()
    {
        using var glibc = Judge.Start("c");
        using var ours = Peer.Start("open");
        using TemporaryName theirName = new(), ourName = new();
        var differences = new List<string>();
        var compared = 0;
        foreach (var mode in s_modes)
        {
            foreach (var access in (FileAccess[])[FileAccess.Read, FileAccess.ReadWrite])
            {
                if (mode is FileMode.Create or FileMode.Truncate && access == FileAccess.Read)
                {
                    continue;
                }

                foreach (var umask in s_umasks)
                {
                    foreach (var permissions in s_permissions)
                    {
                        foreach (var existing in (string?[])[null, "600", "000", "444"])
                        {
                            Prepare(theirName, existing);
                            Prepare(ourName, existing);
                            var theirs = glibc.Ask("open", umask, Letters(mode, access), permissions, Judge.Hex(theirName)) + Look(theirName);
                            ours.Tell($"open {umask} {mode} {access} {permissions} {Judge.Hex(ourName)}");
                            var mine = ours.ReadLine() + Look(ourName);
                            compared++;
                            if (mine != theirs)
                            {
                                differences.Add($"{mode} {access} umask {umask} permissions {permissions} existing {existing}: ours {mine}, glibc {theirs}");
                            }
                        }
                    }
                }
            }
        }

        Assert.Empty(differences);
        Assert.Equal(8 * 3 * 10 * 4, compared);
    }

    [SkippableTheory]
    [InlineData(40)]
    [InlineData(254)]
    [InlineData(255)]
    [InlineData(256)]
    [Rule("open.flags")]
    [Rule("names.length")]
    public void Names_around_the_longest_length_have_glibcs_results(int bytes)
    {
        using var unique = new TemporaryName();
        var suffix = new string('x', bytes - unique.Name.Length);
        using var removed = bytes > 255 ? null : new TemporaryName(unique, suffix);
        var name = unique.Name + suffix;
        using var glibc = Judge.Start("c");
        using var ours = Peer.Start("open");
        foreach (var spelled in (string[])[name, "/" + name, "///" + name])
        {
            var theirs = glibc.Ask("open", "022", "wcx", "640", Judge.Hex(spelled));
            _ = glibc.Ask("unlink", Judge.Hex(spelled));
            ours.Tell($"open 022 CreateNew ReadWrite 640 {Judge.Hex(spelled)}");
            Assert.Equal(theirs, ours.ReadLine());
            ours.Tell($"unlink {Judge.Hex(spelled)}");
            Assert.Equal(bytes > 255 ? $"error {Errno.ENAMETOOLONG.ToNative()}" : "ok", ours.ReadLine());
        }
    }

    [SkippableFact]
    [Rule("open.flags")]
    [Rule("names.slash")]
    public void A_name_of_any_characters_means_the_same_object_to_glibc_and_to_this_library()
    {
        using var unique = new TemporaryName();
        using var glibc = Judge.Start("c");
        using var ours = Peer.Start("open");
        foreach (var odd in (string[])[" ", "é", "名前", "\U0001F600", "\n", "\\", "*", "-rf", "a.b", "..a", "\u007F", "\u0001", "e\u0301"])
        {
            using var name = new TemporaryName(unique, odd);
            Assert.Equal("ok 163842 1", glibc.Ask("open", "022", "wcx", "640", Judge.Hex(name)).Replace("557058", "163842", StringComparison.Ordinal));
            ours.Tell($"open 022 Open ReadWrite 640 {Judge.Hex("//" + name)}");
            Assert.StartsWith("ok", ours.ReadLine(), StringComparison.Ordinal);
            ours.Tell($"unlink {Judge.Hex("/" + name)}");
            Assert.Equal("ok", ours.ReadLine());
            Assert.Equal($"error {Errno.ENOENT.ToNative()}", glibc.Ask("unlink", Judge.Hex(name)));
        }
    }

    [SkippableTheory]
    [InlineData("missing")]
    [InlineData("object")]
    [InlineData("directory")]
    [InlineData("link")]
    [InlineData("fifo")]
    [Rule("open.flags")]
    [Rule("unlink.missing")]
    public void Unlinking_has_glibcs_result(string what)
    {
        using var glibc = Judge.Start("c");
        using var ours = Peer.Start("open");
        using TemporaryName theirName = new(), ourName = new();
        foreach (var name in (TemporaryName[])[theirName, ourName])
        {
            switch (what)
            {
                case "object": File.WriteAllBytes(name.Path, []); break;
                case "directory": Directory.CreateDirectory(name.Path); break;
                case "link": File.CreateSymbolicLink(name.Path, "/nowhere"); break;
                case "fifo": Native.MakeFifo(name.Path); break;
                default: break;
            }
        }

        ours.Tell($"unlink {Judge.Hex(ourName)}");
        Assert.Equal(glibc.Ask("unlink", Judge.Hex(theirName)), ours.ReadLine());
        Assert.Equal(theirName.Exists, ourName.Exists);
    }

    [SkippableFact]
    [Rule("errors.errno")]
    public void Errno_values_are_the_numbers_of_this_systems_headers()
    {
        using var glibc = Judge.Start("c");
        foreach (var errno in Enum.GetValues<Errno>().Where(errno => errno > Errno.None))
        {
            var number = int.Parse(glibc.Ask("errno", errno.ToString()).AsSpan("ok ".Length), System.Globalization.CultureInfo.InvariantCulture);
            Assert.Equal((errno, errno == Errno.ECAPMODE ? -1 : number), (errno, errno.ToNative()));
            Assert.Equal(errno, errno == Errno.ECAPMODE ? errno : ErrnoNumbers.FromNative(number));
        }

        Assert.Equal("4000", ((Errno)4000).ToString());
        Assert.True(Errno.None.IsSuccess);
    }

    private static void Prepare(TemporaryName name, string? existing)
    {
        File.Delete(name.Path);
        if (existing is not null)
        {
            File.WriteAllText(name.Path, "content", Encoding.ASCII);
            File.SetUnixFileMode(name.Path, (UnixFileMode)Convert.ToInt32(existing, 8));
        }
    }

    /// <summary>Mode and length of what has a name now, as the base library sees them.</summary>
    private static string Look(TemporaryName name) =>
        name.Exists ? $"; mode {Convert.ToString((int)File.GetUnixFileMode(name.Path), 8)}, {new FileInfo(name.Path).Length} bytes" : "; nothing";

    private static string Letters(FileMode mode, FileAccess access) => (access == FileAccess.Read ? "r" : "w") + mode switch
    {
        FileMode.OpenOrCreate => "c",
        FileMode.CreateNew => "cx",
        FileMode.Create => "ct",
        FileMode.Truncate => "t",
        _ => "",
    };
}

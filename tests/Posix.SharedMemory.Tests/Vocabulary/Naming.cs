using System.Text;

namespace Posix.SharedMemory.Tests.Vocabulary;

public sealed class Naming
{
    /// <summary>Every public act that takes a name.</summary>
    public static TheoryData<string> Acts => [.. s_acts.Keys];

    private static readonly Dictionary<string, Action<string>> s_acts = new(StringComparer.Ordinal)
    {
        ["Open"] = name => SharedMemoryObject.Open(name).Dispose(),
        ["TryOpen"] = name => SharedMemoryObject.TryOpen(name, FileAccess.Read, out _),
        ["TryOpen with options"] = name => SharedMemoryObject.TryOpen(name, new SharedMemoryOptions(), out _),
        ["Create"] = name => SharedMemoryObject.Create(name, 1).Dispose(),
        ["OpenOrCreate"] = name => SharedMemoryObject.OpenOrCreate(name, 1, out _).Dispose(),
        ["Unlink"] = SharedMemoryObject.Unlink,
        ["TryUnlink"] = name => SharedMemoryObject.TryUnlink(name),
        ["Rename from"] = name => SharedMemoryObject.Rename(name, "b"),
        ["Rename to"] = name => SharedMemoryObject.Rename("a", name),
        ["GetHolders"] = name => SharedMemoryDirectory.GetHolders(name),
    };

    [Theory]
    [MemberData(nameof(Acts))]
    [Rule("names.shape")]
    public void Refuses_invalid_names(string act)
    {
        foreach (var name in (string[])["", "/", "//", ".", "..", "/.", "/..", "//..", "a/b", "/a/b", "a/", "/a/", "a//b"])
        {
            RefusedBeforeAnyCall<ArgumentException>(act, name);
        }

        RefusedBeforeAnyCall<ArgumentNullException>(act, null!);
    }

    [Theory]
    [MemberData(nameof(Acts))]
    [Rule("names.nul")]
    public void Refuses_a_NUL(string act)
    {
        foreach (var name in (string[])["\0", "a\0", "a\0b", "\0a", "/\0"])
        {
            RefusedBeforeAnyCall<ArgumentException>(act, name);
        }
    }

    [Theory]
    [MemberData(nameof(Acts))]
    [Rule("names.surrogates")]
    public void Refuses_half_a_surrogate_pair(string act)
    {
        foreach (var name in (string[])["\uD83D", "\uDE00", "a\uD83D", "\uDE00\uD83D", "\uD83Da\uDE00", "\uD83D\uD83D\uDE00", "\uD83D\uDE00\uDE00"])
        {
            RefusedBeforeAnyCall<ArgumentException>(act, name);
        }
    }

    [Theory]
    [MemberData(nameof(Acts))]
    [Rule("names.length")]
    public void Refuses_more_than_255_bytes(string act)
    {
        foreach (var name in (string[])[new('a', 256), "/" + new string('a', 256), new('é', 128), new('a', 100_000)])
        {
            var platform = new ScriptedPlatform();
            using (Platform.Substitute(platform))
            {
                var refusal = Assert.Throws<SharedMemoryException>(() => s_acts[act](name));
                Assert.Equal((Errno.ENAMETOOLONG, name), (refusal.Errno, refusal.ObjectName));
            }

            Assert.Empty(platform.Calls);
        }
    }

    [Fact]
    [Rule("names.length")]
    public void Takes_255_bytes_and_does_not_count_leading_slashes()
    {
        using var unique = new TemporaryName();
        var accents = (255 - unique.Name.Length) / 2;
        using var name = new TemporaryName(unique, new string('é', accents) + new string('x', 255 - unique.Name.Length - (2 * accents)));
        Assert.Equal(255, Encoding.UTF8.GetByteCount(name));
        SharedMemoryObject.Create("///" + name, 1).Dispose();
        Assert.True(name.Exists);
        SharedMemoryObject.Unlink(name);
        Assert.False(name.Exists);
    }

    [Fact]
    [Rule("names.shape")]
    [Rule("names.nul")]
    [Rule("names.surrogates")]
    [Rule("names.length")]
    public void Publishing_and_adopting_refuse_such_names_too()
    {
        var platform = new ScriptedPlatform();
        using var host = new SubstitutedObject(platform);
        using (Platform.Substitute(platform))
        {
            var handle = host.Memory.SafeFileHandle;
            var calls = platform.Calls.Count;
            foreach (var name in (string[])["", "/", ".", "a/b", "a\0b", "\uD83D"])
            {
                Assert.Throws<ArgumentException>(() => host.Memory.Publish(name));
                Assert.Throws<ArgumentException>(() => SharedMemoryObject.FromHandle(handle, name));
            }

            var endless = new string('a', 256);
            Assert.Equal(Errno.ENAMETOOLONG, Assert.Throws<SharedMemoryException>(() => host.Memory.Publish(endless, RenameMode.Replace)).Errno);
            Assert.Equal(Errno.ENAMETOOLONG, Assert.Throws<SharedMemoryException>(() => SharedMemoryObject.FromHandle(handle, endless)).Errno);
            Assert.Equal(calls, platform.Calls.Count);
        }
    }

    [Fact]
    [Rule("names.slash")]
    public void Leading_slashes_do_not_count()
    {
        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.Create("//" + name, 1);
        Assert.True(File.Exists(name.Path));
        Assert.Equal("//" + name, memory.Name);
        foreach (var spelled in (string[])[name, "/" + name, "///" + name])
        {
            using var same = SharedMemoryObject.Open(spelled);
            Assert.Equal(spelled, same.Name);
            Assert.Equal(memory.GetStatus().Identity, same.GetStatus().Identity);
        }

        SharedMemoryObject.Rename("/" + name, name);
        SharedMemoryObject.Unlink("/" + name);
        Assert.False(name.Exists);
    }

    [Fact]
    [Rule("names.bytes")]
    [Rule("directory.remove")]
    public void An_entry_has_the_exact_bytes_and_opens_and_removes_it()
    {
        using var unique = new TemporaryName();
        byte[][] odd =
        [
            [0xFF, 0xFE], [0xC3], [0xED, 0xA0, 0x80], [0xF5, 1], [0xC0, 0xAF], [1, 2, 3, 9, 10, 13, 27, 127],
            .. Enumerable.Range(1, 255).Where(value => value != '/').Chunk(32).Select(values => Array.ConvertAll(values, value => (byte)value)),
        ];
        foreach (var bytes in odd)
        {
            byte[] name = [.. Encoding.ASCII.GetBytes(unique.Name), .. bytes];
            Native.Open([.. "/dev/shm/"u8, .. name], Native.O_CREAT | Native.O_RDWR).Dispose();
            var entry = Assert.Single(SharedMemoryDirectory.Enumerate(), entry => entry.NameBytes.Span.SequenceEqual(name));
            try
            {
                Assert.Equal(Encoding.UTF8.GetString(name), entry.Name);
                Assert.Equal(entry.Identity, SharedMemoryDirectory.Find(name)!.Identity);
                using var memory = entry.Open(FileAccess.ReadWrite);
                Assert.Equal(entry.Identity, memory.GetStatus().Identity);
                memory.SetLength(10);
                Assert.False(memory.IsUnlinked);
                Assert.Equal(name, memory.Utf8Name.ToArray());
            }
            finally
            {
                entry.Unlink();
            }

            Assert.DoesNotContain(SharedMemoryDirectory.Enumerate(), other => other.NameBytes.Span.SequenceEqual(name));
            Assert.Equal(Errno.ENOENT, Assert.Throws<SharedMemoryException>(entry.Unlink).Errno);
            Assert.Equal(Errno.ENOENT, Assert.Throws<SharedMemoryException>(() => entry.Open()).Errno);
        }
    }

    [Fact]
    [Rule("names.bytes")]
    public void Names_that_differ_in_bytes_that_are_not_UTF8_are_not_confused()
    {
        using var unique = new TemporaryName();
        byte[] first = [.. Encoding.ASCII.GetBytes(unique.Name), 0xFE], second = [.. Encoding.ASCII.GetBytes(unique.Name), 0xFF];
        foreach (var name in (byte[][])[first, second])
        {
            Native.Open([.. "/dev/shm/"u8, .. name], Native.O_CREAT | Native.O_RDWR).Dispose();
        }

        var entries = SharedMemoryDirectory.Enumerate().Where(entry => entry.Name == unique.Name + "\uFFFD").ToList();
        Assert.Equal(2, entries.Count);
        entries.Single(entry => entry.NameBytes.Span.SequenceEqual(first)).Unlink();
        var left = Assert.Single(SharedMemoryDirectory.Enumerate(), entry => entry.Name == unique.Name + "\uFFFD");
        left.Unlink();
        Assert.Equal(second, left.NameBytes.ToArray());
    }

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("/é")]
    [Rule("names.utf8")]
    public unsafe void Utf8Name_is_the_name_and_ends_with_a_NUL(string before)
    {
        using var unique = new TemporaryName();
        var name = before + unique.Name;
        using var memory = SharedMemoryObject.Create(name, 1, new() { Lifetime = Lifetime.UnlinkOnDispose });
        var bytes = memory.Utf8Name;
        Assert.Equal(Encoding.UTF8.GetBytes(name), bytes.ToArray());
        fixed (byte* pointer = bytes)
        {
            // SAFETY: the rule under test is that this byte is there.
            Assert.Equal(0, pointer[bytes.Length]);
        }
    }

    [Fact]
    [Rule("names.utf8")]
    public void Utf8Name_is_empty_without_a_name_and_follows_when_it_gets_one()
    {
        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.CreateUnpublished(1);
        Assert.Null(memory.Name);
        Assert.True(memory.Utf8Name.IsEmpty);
        memory.Publish("/" + name);
        Assert.Equal("/" + name, memory.Name);
        Assert.Equal(Encoding.UTF8.GetBytes("/" + name), memory.Utf8Name.ToArray());
    }

    [Theory]
    [InlineData("")]
    [InlineData("a")]
    [InlineData("frames-16-bytes.")]
    [InlineData("éééééééé")]
    [Rule("names.unique")]
    public void CreateUniqueName_has_at_most_30_bytes_and_does_not_repeat(string prefix)
    {
        var names = Enumerable.Range(0, 1000).Select(_ => SharedMemoryObject.CreateUniqueName(prefix)).ToList();
        Assert.Equal(names.Count, names.Distinct(StringComparer.Ordinal).Count());
        Assert.All(names, name =>
        {
            Assert.InRange(Encoding.UTF8.GetByteCount(name), 13, 30);
            Assert.StartsWith(prefix, name, StringComparison.Ordinal);
            // 13 characters of 32: 65 bits.
            Assert.Matches("^[0-9a-v]{13}$", name[^13..]);
        });

        // Each of the 13 places takes on each of the 32 values: among 1000 draws one is missing less than once in 10^11 runs.
        for (var place = 1; place <= 13; place++)
        {
            Assert.Equal(32, names.Select(name => name[^place]).Distinct().Count());
        }
    }

    [Fact]
    [Rule("names.unique")]
    public void CreateUniqueName_refuses_a_prefix_that_cannot_be_part_of_a_name()
    {
        foreach (var prefix in (string[])["a/b", "a\0", "\uD83D"])
        {
            Assert.Throws<ArgumentException>(() => SharedMemoryObject.CreateUniqueName(prefix));
        }
    }

    [Theory]
    [InlineData("seventeen-letters", "seventeen-letter-")]
    [InlineData("ééééééééx", "éééééééé-")]
    [InlineData("fifteen-letters😀", "fifteen-letters-")]
    [Rule("names.unique")]
    public void CreateUniqueName_keeps_the_whole_characters_of_a_prefix_that_fit(string prefix, string kept)
    {
        var name = SharedMemoryObject.CreateUniqueName(prefix);

        Assert.StartsWith(kept, name, StringComparison.Ordinal);
        Assert.InRange(System.Text.Encoding.UTF8.GetByteCount(name), kept.Length, 30);
    }

    private static void RefusedBeforeAnyCall<TException>(string act, string name)
        where TException : Exception
    {
        var platform = new ScriptedPlatform();
        using (Platform.Substitute(platform))
        {
            Assert.Throws<TException>(() => s_acts[act](name));
        }

        Assert.Empty(platform.Calls);
    }
}

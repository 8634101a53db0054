namespace Posix.SharedMemory.Tests.Interop;

/// <summary>Programs in other languages and ours on the same objects, in both directions.</summary>
public sealed class Languages
{
    private const int Length = 70_001;

    [SkippableTheory]
    [MemberData(nameof(Judge.Languages), MemberType = typeof(Judge))]
    [Rule("map.bytes")]
    [Rule("create.exact")]
    public void Another_language_opens_what_NET_created(string language)
    {
        using var judge = Judge.Start(language);
        using var name = new TemporaryName();
        const UnixFileMode Permissions = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;
        using var memory = SharedMemoryObject.Create(name, Length, new() { Permissions = Permissions });
        using var mapping = memory.Map();
        Pattern.Of(Length, 5).CopyTo(mapping.GetSpan());

        Assert.Equal($"ok 640 {Length}", judge.Ask("stat", Judge.Hex(name)));
        Assert.Equal("ok", judge.Ask("verify", Judge.Hex(name), Length, 5));

        Assert.Equal("ok", judge.Ask("edit", Judge.Hex(name), Length - 1, 200));
        Assert.Equal(200, mapping.GetSpan()[^1]);
        var last = new byte[1];
        Assert.Equal(1, memory.Read(last, Length - 1));
        Assert.Equal(200, last[0]);

        mapping.GetSpan()[0]++;
        Assert.Equal("differs 0", judge.Ask("verify", Judge.Hex(name), Length, 5));
    }

    [SkippableTheory]
    [MemberData(nameof(Judge.Languages), MemberType = typeof(Judge))]
    [Rule("map.bytes")]
    [Rule("status.truth")]
    public void NET_opens_what_another_language_created(string language)
    {
        using var judge = Judge.Start(language);
        using var name = new TemporaryName();
        Assert.Equal("ok", judge.Ask("create", Judge.Hex(name), Length, "644", 9));

        using var memory = SharedMemoryObject.Open(name);
        Assert.Equal(Length, memory.Length);
        Assert.Equal((UnixFileMode)0x1A4, memory.Permissions);
        using var mapping = memory.Map();
        Assert.Equal(Pattern.Of(Length, 9), mapping.GetReadOnlySpan().ToArray());

        memory.Write([77], 1000);
        Assert.Equal("differs 1000", judge.Ask("verify", Judge.Hex(name), Length, 9));
        memory.SetLength(Length + 1);
        Assert.Equal($"ok 644 {Length + 1}", judge.Ask("stat", Judge.Hex(name)));
    }

    [SkippableTheory]
    [MemberData(nameof(Judge.Languages), MemberType = typeof(Judge))]
    [Rule("unlink.seen")]
    [Rule("unlink.keeps")]
    public void An_unlink_is_seen_on_the_other_side(string language)
    {
        using var judge = Judge.Start(language);
        using var name = new TemporaryName();
        using (var memory = SharedMemoryObject.Create(name, Length))
        {
            using var mapping = memory.Map();
            Assert.False(memory.IsUnlinked);
            Assert.Equal("ok", judge.Ask("unlink", Judge.Hex(name)));
            Assert.True(memory.IsUnlinked);
            Assert.Equal(0, memory.GetStatus().NameCount);
            mapping.GetSpan()[3] = 3;
            Assert.False(SharedMemoryObject.TryOpen(name, FileAccess.Read, out _));
        }

        Assert.Equal("ok", judge.Ask("create", Judge.Hex(name), Length, "600", 1));
        SharedMemoryObject.Unlink(name);
        Assert.Equal($"error {Errno.ENOENT.ToNative()}", judge.Ask("stat", Judge.Hex(name)));
    }
}

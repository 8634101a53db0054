namespace Posix.SharedMemory.Tests.Interop;

/// <summary>A C program that takes part in a membership by <c>docs/spec/objects/membership.md</c> alone.</summary>
public sealed class MembershipProtocol
{
    private static readonly SharedMemoryOptions s_membership = new() { Lifetime = Lifetime.UnlinkOnLastDispose };

    [SkippableTheory]
    [InlineData("w")]
    [InlineData("r")]
    [Rule("lifetime.protocol")]
    [Rule("lifetime.last")]
    public void A_C_program_is_the_last_member_of_an_object_created_in_NET(string access)
    {
        using var c = Judge.Start("c");
        using var name = new TemporaryName();
        using (SharedMemoryObject.Create(name, 1, s_membership))
        {
            Assert.Equal("ok follows", c.Ask("member-open", Judge.Hex(name), access));
        }

        Assert.True(name.Exists);
        Assert.Equal("ok removed", c.Ask("member-leave"));
        Assert.False(name.Exists);
    }

    [SkippableTheory]
    [InlineData("w", FileAccess.ReadWrite)]
    [InlineData("r", FileAccess.Read)]
    [Rule("lifetime.protocol")]
    public void A_C_program_leaves_before_the_NET_program_does(string access, FileAccess ourAccess)
    {
        using var c = Judge.Start("c");
        using var name = new TemporaryName();
        using (SharedMemoryObject.Create(name, 1, s_membership))
        using (SharedMemoryObject.Open(name, FileMode.Open, ourAccess))
        {
            Assert.Equal("ok follows", c.Ask("member-open", Judge.Hex(name), access));
            Assert.Equal("ok others", c.Ask("member-leave"));
            Assert.True(name.Exists);
        }

        Assert.False(name.Exists);
    }

    [SkippableTheory]
    [InlineData(FileAccess.ReadWrite)]
    [InlineData(FileAccess.Read)]
    [Rule("lifetime.protocol")]
    [Rule("lifetime.follow")]
    public void The_NET_program_joins_members_that_a_C_program_began(FileAccess access)
    {
        using var c = Judge.Start("c");
        using var name = new TemporaryName();
        Assert.Equal("ok", c.Ask("member-create", Judge.Hex(name), 4096));
        using (SharedMemoryObject.Open(name, FileMode.Open, access))
        {
            Assert.Equal("ok others", c.Ask("member-leave"));
            Assert.True(name.Exists);
        }

        Assert.False(name.Exists);
    }

    [SkippableFact]
    [Rule("lifetime.protocol")]
    public void A_killed_C_program_counts_as_gone()
    {
        using var c = Judge.Start("c");
        using var name = new TemporaryName();
        using (SharedMemoryObject.Create(name, 1, s_membership))
        {
            Assert.Equal("ok follows", c.Ask("member-open", Judge.Hex(name), "w"));
            c.Kill();
        }

        Assert.False(name.Exists);
    }

    [SkippableFact]
    [Rule("lifetime.protocol")]
    public void A_C_program_finds_no_members_of_an_object_without_members()
    {
        using var c = Judge.Start("c");
        using var name = new TemporaryName();
        using var memory = SharedMemoryObject.Create(name, 1);
        Assert.Equal("ok none", c.Ask("member-open", Judge.Hex(name), "w"));
        Assert.Equal("ok removed", c.Ask("member-leave"));
        Assert.True(memory.IsUnlinked);
    }
}

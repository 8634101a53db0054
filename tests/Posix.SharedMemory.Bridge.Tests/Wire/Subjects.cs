using System.Text;

namespace Posix.SharedMemory.Bridge.Tests.Wire;

/// <summary>Names of channels become subjects, and back.</summary>
public sealed class Subjects
{
    [Theory]
    [Rule("bridge.subject")]
    [InlineData("camera.front", "camera.front")]
    [InlineData("A_z-09", "A_z-09")]
    [InlineData("a b", "a%20b")]
    [InlineData("a*b>c", "a%2Ab%3Ec")]
    [InlineData("100%", "100%25")]
    [InlineData(".a", "%2Ea")]
    [InlineData("a.", "a%2E")]
    [InlineData("a..b", "a.%2Eb")]
    [InlineData("é", "%C3%A9")]
    public void A_name_is_a_subject_that_any_client_can_subscribe_to(string name, string subject)
    {
        Assert.Equal(subject, SubjectName.Encode(name));
        Assert.True(SubjectName.TryDecode(subject, out var back));
        Assert.Equal(name, back);
    }

    [Fact]
    [Rule("bridge.subject")]
    public void Every_byte_that_a_name_can_have_comes_back()
    {
        foreach (var c in Enumerable.Range(1, 0x24F).Select(code => (char)code).Append('\u20AC').Where(c => c != '/'))
        {
            // Two dots alone are not a name.
            foreach (var name in new[] { $"{c}{c}{c}", $"x{c}y", $"{c}x", $"x{c}", $"x.{c}.y", $"..{c}" })
            {
                var subject = SubjectName.Encode(name);
                Assert.All(subject.Split('.'), token => Assert.Matches("^[A-Za-z0-9_%-]+$", token));
                Assert.True(SubjectName.TryDecode(subject, out var back), subject);
                Assert.Equal(name, back);
            }
        }

        var longest = new string('é', 127) + "x";
        Assert.Equal(255, Encoding.UTF8.GetByteCount(longest));
        Assert.True(SubjectName.TryDecode(SubjectName.Encode(longest), out var whole));
        Assert.Equal(longest, whole);
    }

    [Theory]
    [Rule("bridge.subject")]
    [InlineData("")]
    [InlineData("%")]
    [InlineData("%4")]
    [InlineData("%zz")]
    [InlineData("%41")]
    [InlineData("%c3%a9")]
    [InlineData("%FF")]
    [InlineData("a%2Fb")]
    [InlineData("%00")]
    [InlineData("%2E")]
    [InlineData("%2E%2E")]
    [InlineData("é")]
    [InlineData("a b")]
    [InlineData("a..b")]
    [InlineData("a%2Eb")]
    public void A_subject_that_no_bridge_writes_is_refused(string subject) => Assert.False(SubjectName.TryDecode(subject, out _));

    [Fact]
    [Rule("bridge.subject")]
    public void A_subject_that_is_too_long_is_refused() => Assert.False(SubjectName.TryDecode(new('x', 256), out _));

    [Fact]
    [Rule("bridge.subject")]
    public void A_host_is_one_token()
    {
        Assert.Equal("rack%2E7", SubjectName.EncodeHost("rack.7"));
        Assert.True(SubjectName.TryDecodeHost("rack%2E7", out var host));
        Assert.Equal("rack.7", host);
        Assert.False(SubjectName.TryDecodeHost("rack.7", out _));
    }

    [Fact]
    [Rule("bridge.subject")]
    public void A_host_called_list_does_not_announce_where_announcements_are_asked_for()
    {
        Assert.NotEqual(SubjectName.List, SubjectName.Channels + SubjectName.EncodeHost("list"));
        Assert.True(SubjectName.TryDecodeHost(SubjectName.EncodeHost("list"), out var host));
        Assert.Equal("list", host);
        Assert.False(SubjectName.TryDecodeHost("list", out _));
    }
}

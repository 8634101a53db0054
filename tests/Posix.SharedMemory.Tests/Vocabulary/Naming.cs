namespace Posix.SharedMemory.Tests.Vocabulary;

public sealed class Naming
{
    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("//")]
    [InlineData(".")]
    [InlineData("/..")]
    [InlineData("a/b")]
    [InlineData("/a/")]
    [Rule("names.shape")]
    public void Refuses_what_cannot_be_a_name(string name)
    {
        var platform = new FaultingPlatform();
        using (Platform.Substitute(platform))
        {
            Assert.Throws<ArgumentException>(() => SharedMemoryObject.Create(name, 1));
        }

        Assert.Empty(platform.Calls);
    }
}

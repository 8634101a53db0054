using System.Text;

namespace Posix.SharedMemory.Tests.Inspection;

public sealed class Finding
{
    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [Rule("directory.find")]
    public void An_object_is_found_by_a_string_and_by_bytes(string slash)
    {
        using var name = new TemporaryName();
        Assert.Null(SharedMemoryDirectory.Find(slash + name));
        using var memory = SharedMemoryObject.Create(name, 5);
        Assert.Equal(memory.GetStatus().Identity, SharedMemoryDirectory.Find(slash + name)!.Identity);
        Assert.Equal(memory.GetStatus().Identity, SharedMemoryDirectory.Find(Encoding.UTF8.GetBytes(name))!.Identity);
        Assert.Equal(name.Name, SharedMemoryDirectory.Find(slash + name)!.Name);
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("a/b")]
    [InlineData("a\0b")]
    [Rule("directory.find")]
    public void A_name_that_is_not_valid_is_refused(string name)
    {
        Assert.Throws<ArgumentException>(() => SharedMemoryDirectory.Find(name));
        Assert.Throws<ArgumentException>(() => SharedMemoryDirectory.GetHolders(Encoding.UTF8.GetBytes(name)));
        Assert.Equal(Errno.ENAMETOOLONG, Assert.Throws<SharedMemoryException>(() => SharedMemoryDirectory.Find(new string('x', 256))).Errno);
    }

    [Fact]
    [Rule("holders.missing")]
    public void The_holders_of_a_missing_name_are_ENOENT()
    {
        using var name = new TemporaryName();
        Assert.Equal(Errno.ENOENT, Assert.Throws<SharedMemoryException>(() => SharedMemoryDirectory.GetHolders(Encoding.UTF8.GetBytes(name))).Errno);
        Assert.Equal(Errno.ENOENT, Assert.Throws<SharedMemoryException>(() => SharedMemoryDirectory.GetHolders(name)).Errno);
    }
}

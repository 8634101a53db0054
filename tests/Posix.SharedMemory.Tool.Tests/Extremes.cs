namespace Posix.SharedMemory.Tool.Tests;

/// <summary>Objects as long as numbers go: any user can make one.</summary>
public sealed class Extremes
{
    [Theory]
    [InlineData("ls")]
    [InlineData("ls", "--json")]
    [InlineData("map", "NAME")]
    [InlineData("map", "NAME", "--json")]
    [InlineData("map", "NAME", "--svg", "-")]
    [InlineData("stat", "NAME")]
    [InlineData("dump", "NAME")]
    [InlineData("top", "--once")]
    [InlineData("df")]
    public void Objects_of_the_greatest_length_are_shown_like_others(params string[] words)
    {
        using var objects = new Objects();
        foreach (var (name, length) in new[] { ("a", long.MaxValue), ("b", long.MaxValue - 4095) })
        {
            using var memory = SharedMemoryObject.Open(objects.Prefix + name, FileMode.CreateNew);
            memory.SetLength(length, Backing.Sparse);
            memory.Write([1], 1L << 40);
            var shown = Shm.Print([.. words.Select(word => word == "NAME" ? objects.Prefix + name : word)]);
            Assert.DoesNotMatch(" -[0-9]", shown);
        }
    }
}

namespace Posix.SharedMemory.Tests.Faults;

[Collection(Alone.Name)]
public sealed class TakeoverFaults
{
    private static readonly SharedMemoryOptions s_service = new() { Lifetime = Lifetime.UnlinkOnDispose, OnConflict = NameConflict.ReplaceAbandoned };

    [Theory]
    [InlineData("Create")]
    [InlineData("OpenOrCreate")]
    [InlineData("Publish")]
    [Rule("conflict.abandoned")]
    [Rule("errors.clean")]
    public void Whichever_call_fails_the_name_refers_to_the_abandoned_or_the_new_object_and_nothing_else_is_left(string way) => FaultWalk.Each(platform =>
    {
        using var name = new TemporaryName();
        SharedMemoryObject.Create(name, 3, new() { Lifetime = Lifetime.UnlinkOnDispose }).SafeFileHandle.Dispose();
        SharedMemoryObject? memory = null;
        using var unpublished = way == "Publish" ? Unpublished(platform) : null;
        var thrown = platform.Try(() =>
        {
            switch (way)
            {
                case "Create":
                    memory = SharedMemoryObject.Create(name, 5000, s_service);
                    break;
                case "OpenOrCreate":
                    memory = SharedMemoryObject.OpenOrCreate(name, 5000, out _, s_service);
                    break;
                default:
                    unpublished!.Publish(name);
                    memory = unpublished;
                    break;
            }
        });

        Assert.Equal(thrown is null, memory is not null);
        Assert.True(thrown is null or SharedMemoryException or PlatformNotSupportedException, thrown?.ToString());
        if (memory is not null)
        {
            Assert.False(memory.IsUnlinked);
            memory.Dispose();
        }
        else if (name.Exists)
        {
            // A failure in the middle leaves what was there; the next attempt succeeds.
            Assert.Equal(3, new FileInfo(name.Path).Length);
            using var again = SharedMemoryObject.Create(name, 1, s_service);
            Assert.False(again.IsUnlinked);
        }

        unpublished?.Dispose();
        Assert.Empty(Held.Descriptors(name));
    });

    private static SharedMemoryObject Unpublished(Platform platform)
    {
        using (Platform.Substitute(platform))
        {
            return SharedMemoryObject.CreateUnpublished(5000, s_service);
        }
    }
}

namespace Posix.SharedMemory.Bridge.Tests.Importing;

/// <summary>The permissions of what is imported.</summary>
public sealed class Permitting
{
    private const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public static TheoryData<ChannelKind, int, int, string?> Kinds => new()
    {
        { ChannelKind.Message, 4096, 0, null },
        { ChannelKind.Broadcast, 4096, 8, null },
        { ChannelKind.FanIn, 4096, 0, null },
        { ChannelKind.Latest, 4096, 2, null },
        { ChannelKind.Frames, 4 * 8192, 2, "4x8192" },
    };

    [Theory]
    [Rule("bridge.permissions")]
    [MemberData(nameof(Kinds))]
    public void An_imported_channel_has_exactly_the_permissions_of_the_options_and_by_default_only_its_owner_may_open_it(ChannelKind kind, int capacity, int history, string? slots)
    {
        var announced = new Announcement
        {
            Host = "h",
            Channel = "x",
            Kind = (int)kind,
            Epoch = "000000000000000e",
            Capacity = capacity,
            Alignment = kind == ChannelKind.Frames ? 4096 : 8,
            History = history,
            Ends = 2,
            Slots = slots,
            Next = 1,
            Delivery = kind == ChannelKind.Latest ? BridgeDelivery.Latest : BridgeDelivery.Stream,
        };
        Assert.Null(AnnouncementCheck.Refusal(announced, keeps: false));
        // More than the umask leaves, too.
        foreach (var options in new BridgeOptions[] { new(), new() { Permissions = Owner | UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite } })
        {
            using var name = new TemporaryName("permit");
            for (var life = 0; life < 2; life++)
            {
                // The second goes on in the object of the first, or, with frames, in one of its own.
                using var ring = ImportedRing.Open(name, announced, 5, options);
                Assert.Equal(options.Permissions, File.GetUnixFileMode(name.Path));
            }
        }

        Assert.Equal(Owner, new BridgeOptions().Permissions);
    }
}

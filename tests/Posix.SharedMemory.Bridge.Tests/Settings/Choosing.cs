using Posix.SharedMemory.Bridge.Nats;
using Posix.SharedMemory.Bridge.Tests.Backends;

namespace Posix.SharedMemory.Bridge.Tests.Settings;

/// <summary>What is carried, and how.</summary>
public sealed class Choosing
{
    [Theory]
    [Rule("bridge.patterns")]
    [InlineData("camera.*", "camera.front", true)]
    [InlineData("camera.*", "camera.", true)]
    [InlineData("camera.*", "camera", false)]
    [InlineData("*", "", true)]
    [InlineData("*", "anything.at.all", true)]
    [InlineData("a*b*c", "a-b-b-c", true)]
    [InlineData("a*b*c", "a-c-b", false)]
    [InlineData("plan", "plan", true)]
    [InlineData("plan", "plans", false)]
    [InlineData("", "x", false)]
    public void A_pattern_names_channels(string pattern, string name, bool fits) => Assert.Equal(fits, ChannelPattern.Matches(pattern, name));

    [Fact]
    [Rule("bridge.options")]
    public void Options_out_of_their_range_are_refused()
    {
        BridgeOptions[] bad =
        [
            new() { Host = "" }, new() { Host = new('x', 65) }, new() { Host = "\uD800" }, new() { Export = [""] }, new() { Import = ["a/b"] }, new() { Export = null! }, new() { Delivery = (BridgeDelivery)9 },
            new() { Export = [null!] }, new() { Import = [null!] }, new() { Routes = [null!] }, new() { Routes = [new(null!, BridgeDelivery.Stream)] }, new() { Host = null! }, new() { NamePrefix = null! },
            new() { Routes = [new("x", (BridgeDelivery)9)] }, new() { Routes = [new("x", BridgeDelivery.Latest) { MaxRate = -1 }] }, new() { WindowBytes = 100 }, new() { ChunkBytes = 10 },
            new() { ChunkBytes = 65 << 20 }, new() { BatchDelay = TimeSpan.FromSeconds(-1) }, new() { BatchDelay = TimeSpan.FromSeconds(2) }, new() { NamePrefix = "a/" }, new() { ImportLimitBytes = -1 },
        ];
        var hub = new InMemoryBridgeHub();
        foreach (var options in bad)
        {
            Assert.ThrowsAny<ArgumentException>(() => new ChannelBridge(hub.Connect(), options));
            Assert.ThrowsAny<ArgumentException>(options.Validate);
            // Nothing is at that address: the options are checked before anything is connected to.
            Assert.ThrowsAny<ArgumentException>(() => NatsBridge.ConnectAsync("nats://127.0.0.1:1", options).GetAwaiter().GetResult());
        }

        Assert.Throws<NotSupportedException>(() => new ChannelBridge(new InterceptedBackend(hub.Connect()), new() { Delivery = BridgeDelivery.Durable }));
        Assert.Throws<NotSupportedException>(() => new ChannelBridge(new InterceptedBackend(hub.Connect()), new() { Routes = [new("x", BridgeDelivery.Durable)] }));
        Assert.Throws<ArgumentNullException>(() => new ChannelBridge(null!, new()));
        Assert.Throws<ArgumentNullException>(() => new ChannelBridge(hub.Connect(), null!));
        Assert.Throws<ArgumentOutOfRangeException>(() => new InMemoryBridgeHub(10));
    }

    [Fact]
    [Rule("bridge.options")]
    public void The_first_route_that_fits_decides_and_else_the_delivery()
    {
        var options = new BridgeOptions { Delivery = BridgeDelivery.Stream, Routes = [new("pose.*", BridgeDelivery.Latest) { MaxRate = 10 }, new("*", BridgeDelivery.Stream)] };
        Assert.Equal(10, options.RouteOf("pose.left").MaxRate);
        Assert.Equal(BridgeDelivery.Stream, options.RouteOf("log").Delivery);
        Assert.Equal(BridgeDelivery.Latest, new BridgeOptions { Delivery = BridgeDelivery.Latest }.RouteOf("log").Delivery);
    }

    [Fact]
    [Rule("bridge.names")]
    public void The_set_of_names_that_a_bridge_sees_is_its_prefix_on_what_is_mounted_for_them_now()
    {
        Assert.Equal(HostInstance.Of("a-"), HostInstance.Of("a-"));
        Assert.NotEqual(HostInstance.Of("a-"), HostInstance.Of("b-"));
        Assert.Equal("0:26", HostInstance.DeviceOfNames("24 23 0:22 / /dev/shm rw - tmpfs tmpfs rw\n25 23 0:30 / /dev/shm2 rw - tmpfs tmpfs rw\n29 24 0:26 / /dev/shm rw,relatime - tmpfs tmpfs rw\n"));
        Assert.Equal("", HostInstance.DeviceOfNames(""));
    }
}

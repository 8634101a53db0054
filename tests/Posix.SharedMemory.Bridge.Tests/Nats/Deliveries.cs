using Posix.SharedMemory.Bridge.Nats;
using Posix.SharedMemory.Bridge.Tests.Backends;

namespace Posix.SharedMemory.Bridge.Tests.Nats;

/// <summary>What a consumer of JetStream delivers, where something is lost on the way.</summary>
public sealed class Deliveries
{
    [Theory]
    [InlineData("$JS.ACK.stream.shm-b.1.{1}.{0}.1700000000.0")]
    [InlineData("$JS.ACK._.account.stream.shm-b.1.{1}.{0}.1700000000.0")]
    [InlineData("$JS.ACK.domain.account.stream.shm-b.1.{1}.{0}.1700000000.0.random")]
    [Rule("bridge.durable")]
    public void Behind_a_gap_nothing_is_handed_on_so_that_no_acknowledgement_covers_it(string form)
    {
        var recorder = new Recorder();
        var deliveries = new UnbrokenDeliveries(recorder);
        // What was removed from the stream is a gap in its numbers, and none of the deliveries.
        (ulong Delivery, ulong Stored)[] before = [(7, 100), (8, 101), (9, 105)];
        foreach (var (delivery, stored) in before)
        {
            Deliver(delivery, stored);
        }

        Deliver(12, 108);
        Deliver(13, 109);
        Assert.Equal(before.Select(message => Acknowledgement(message.Delivery, message.Stored)), recorder.Acknowledgements);

        // What is not kept is not counted.
        var others = new UnbrokenDeliveries(recorder);
        others.Receive(new("subject", default, default));
        others.Receive(new("subject", default, default, "_INBOX.1.2.3.4.5.6.7.8"));
        others.Receive(new("subject", default, default, Acknowledgement(1, 1)));
        Assert.Equal(6, recorder.Messages.Count);

        void Deliver(ulong delivery, ulong stored) => deliveries.Receive(new("subject", default, default, Acknowledgement(delivery, stored)));

        string Acknowledgement(ulong delivery, ulong stored) => string.Format(System.Globalization.CultureInfo.InvariantCulture, form, delivery, stored);
    }
}

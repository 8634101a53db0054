using System.Net.Sockets;
using Posix.SharedMemory.Tests.Passing;

namespace Posix.SharedMemory.Tests.Races;

/// <summary>Waits for room that are cancelled, disposed and satisfied at the same time.</summary>
public sealed class Passing
{
    [Theory]
    [InlineData(SocketType.Stream)]
    [InlineData(SocketType.Seqpacket)]
    [InlineData(SocketType.Dgram)]
    [Rule("pass.full")]
    [Rule("pass.clean")]
    public async Task Every_wait_ends_when_room_cancellation_disposal_and_the_end_of_the_peer_coincide(SocketType type)
    {
        using var one = new Tracked();
        var random = new Random(6);
        for (var round = 0; round < 400; round++)
        {
            using var pair = new SocketPair(type, inheritable: round % 10 == 0);
            using var cancelling = new CancellationTokenSource();
            _ = pair.Fill();
            var sendings = Enumerable.Range(0, 3).Select(number =>
                pair.Sender.SendHandlesAsync(new byte[1], [one.Handle], number == 0 ? cancelling.Token : default).AsTask()).ToList();
            Action[] acts = [pair.Drain, cancelling.Cancel, pair.Sender.Dispose, pair.Receiver.Dispose];
            random.Shuffle(acts);
            await Task.WhenAll(acts.Select(act => Task.Run(() =>
            {
                // Draining may meet a receiver that another act has just disposed.
                var failure = Record.Exception(act);
                Assert.True(failure is null or ObjectDisposedException, $"{failure}");
            }))).WaitAsync(Watchdog.Limit);
            foreach (var sending in sendings)
            {
                var failure = await Record.ExceptionAsync(() => sending.WaitAsync(Watchdog.Limit));
                Assert.True(failure is null or ObjectDisposedException or SharedMemoryException or OperationCanceledException, $"{failure}");
            }
        }

        Watchdog.Until(() => one.Descriptors == 1, "the messages to be gone");
    }
}

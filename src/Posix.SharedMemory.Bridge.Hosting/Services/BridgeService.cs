using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Posix.SharedMemory.Bridge.Hosting;

/// <summary>Runs one bridge as long as its host runs.</summary>
internal sealed partial class BridgeService(Func<CancellationToken, Task<ChannelBridge>> connect, ILogger log) : BackgroundService
{
    private static readonly TimeSpan s_again = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            var bridge = await ConnectAsync(stoppingToken).ConfigureAwait(false);
            await using (bridge.ConfigureAwait(false))
            {
                bridge.Lost += loss => Lost(log, loss.First, loss.Last, loss.Channel, loss.Where);
                bridge.Refused += refusal => Refused(log, refusal.Channel, refusal.Reason);
                Began(log);
                await bridge.RunAsync(stoppingToken).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The host ends before there was a connection.
        }
    }

    private async Task<ChannelBridge> ConnectAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            try
            {
                return await connect(stoppingToken).ConfigureAwait(false);
            }
            catch (IOException e)
            {
                NotReached(log, e.Message);
            }

            await Task.Delay(s_again, stoppingToken).ConfigureAwait(false);
        }
    }

    [LoggerMessage(1, LogLevel.Information, "The bridge carries channels.")]
    private static partial void Began(ILogger log);

    [LoggerMessage(2, LogLevel.Warning, "The engine of the bridge cannot be used yet: {Reason}")]
    private static partial void NotReached(ILogger log, string reason);

    [LoggerMessage(3, LogLevel.Warning, "Lost messages {First} to {Last} of {Channel} at {Place}.")]
    private static partial void Lost(ILogger log, long first, long last, string channel, LossPlace place);

    [LoggerMessage(4, LogLevel.Warning, "Refused {Channel}: {Reason}")]
    private static partial void Refused(ILogger log, string channel, string reason);
}

using System.Runtime.InteropServices;
using Posix.SharedMemory.Bridge.Nats;

namespace Posix.SharedMemory.Bridge.Tool;

/// <summary>The command <c>shm-bridge ls</c>: which channels are announced, by which host, how fast they are and what is lost.</summary>
internal static class ListCommand
{
    /// <summary>Every host announces once a second: twice are needed for a rate.</summary>
    private static readonly TimeSpan s_listening = TimeSpan.FromSeconds(2.2);

    internal static async Task<int> RunAsync(BridgeSettings settings, TextWriter output)
    {
        using var stop = new CancellationTokenSource();
        using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, End);
        var backend = await NatsBackend.ConnectAsync(settings.ToConnection(Secrets.FromEnvironment()), stop.Token).ConfigureAwait(false);
        await using (backend.ConfigureAwait(false))
        {
            new ChannelTable(output, settings.Log).Print(await ChannelBridge.ListAsync(backend, s_listening, stop.Token).ConfigureAwait(false));
        }

        return ExitCode.Done;

        void End(PosixSignalContext context)
        {
            context.Cancel = true;
            stop.Cancel();
        }
    }
}

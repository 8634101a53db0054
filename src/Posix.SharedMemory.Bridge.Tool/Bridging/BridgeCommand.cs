using System.CommandLine;
using System.Runtime.InteropServices;
using Posix.SharedMemory.Bridge.Nats;

namespace Posix.SharedMemory.Bridge.Tool;

/// <summary>The command <c>shm-bridge</c>: connects, bridges until a signal ends it, and prints what happens.</summary>
internal static class BridgeCommand
{
    /// <summary>Runs the command.</summary>
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    internal static async Task<int> RunAsync(string[] args, TextWriter output, TextWriter errors)
    {
        var arguments = new BridgeArguments();
        var given = arguments.Command.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (given.Errors.Count > 0)
        {
            return Fail(errors, given.Errors[0].Message.TrimEnd('.'), ExitCode.WrongUsage);
        }

        if (arguments.IsAnswered(given))
        {
            // Help, or the version.
            return await given.InvokeAsync(new InvocationConfiguration { Output = output, Error = errors }).ConfigureAwait(false);
        }

        try
        {
            var settings = arguments.Settle(given);
            return await (arguments.Lists(given) ? ListCommand.RunAsync(settings, output) : BridgeAsync(settings, output)).ConfigureAwait(false);
        }
        catch (Exception e) when (e is UsageException or ArgumentException or NotSupportedException)
        {
            return Fail(errors, e.Message.Split(" (Parameter '", 2)[0].TrimEnd('.'), ExitCode.WrongUsage);
        }
        catch (IOException e)
        {
            return Fail(errors, e.Message.TrimEnd('.'), ExitCode.Failed);
        }
        catch (OperationCanceledException)
        {
            // A signal came while the server was waited for.
            return ExitCode.Done;
        }
    }

    private static async Task<int> BridgeAsync(BridgeSettings settings, TextWriter output)
    {
        if (settings.Bridge.Export.Count + settings.Bridge.Import.Count == 0)
        {
            throw new UsageException("nothing is named to be carried: give --export or --import (see shm-bridge --help)");
        }

        settings.Bridge.Validate();
        using var stop = new CancellationTokenSource();
        using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, End);
        using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, End);
        var log = new BridgeLog(output, settings.Log);
        var backend = await NatsBackend.ConnectAsync(settings.ToConnection(Secrets.FromEnvironment()), stop.Token).ConfigureAwait(false);
        ChannelBridge? made = null;
        try
        {
            made = new(backend, settings.Bridge);
        }
        finally
        {
            if (made is null)
            {
                await backend.DisposeAsync().ConfigureAwait(false);
            }
        }

        await using var disposal = made.ConfigureAwait(false);
        var bridge = made;
        bridge.Lost += loss => log.Lost(loss);
        bridge.Refused += refusal => log.Refused(refusal);
        var page = settings.Prometheus is { } port ? new MetricsPage(bridge, backend, port) : null;
        try
        {
            log.Started(settings, page?.Port);
            await bridge.RunAsync(stop.Token).ConfigureAwait(false);
            log.Ended();
            return ExitCode.Done;
        }
        finally
        {
            if (page is not null)
            {
                await page.DisposeAsync().ConfigureAwait(false);
            }
        }

        void End(PosixSignalContext context)
        {
            context.Cancel = true;
            stop.Cancel();
        }
    }

    private static int Fail(TextWriter errors, string reason, int code)
    {
        errors.Write($"shm-bridge: {reason.ReplaceLineEndings(" ")}\n");
        return code;
    }
}

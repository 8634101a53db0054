using System.CommandLine;
using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Tool;

/// <summary><c>shm bridge</c>: starts <c>shm-bridge</c>, which is a program of its own so that this one starts fast and needs no network.</summary>
internal sealed class BridgeCommand : ShmCommand
{
    private const string Program = "shm-bridge";

    internal BridgeCommand()
        : base(
            "bridge", "Carry channels to other machines, and theirs to this one: starts shm-bridge with these words. shm-bridge --help lists them.",
            "shm bridge nats://hub:4222 --export 'camera.*' --import 'plan.*'",
            "shm bridge ls nats://hub:4222")
    {
    }

    /// <summary>Whether the words are for the other program: all but the request for help.</summary>
    internal static bool IsMeant(string[] args) => args is ["bridge", .. var words] && words is not (["--help"] or ["-h"]);

    /// <summary>Starts the other program, and waits for it.</summary>
    /// <returns>Its exit code; or, where there is none, the reason was printed.</returns>
    internal static int Start(IEnumerable<string> words)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(Program, words) { UseShellExecute = false })!;
            // Ctrl-C goes to both; the other program ends as it does alone, and this one after it.
            using var interrupted = Signals.TryHandle(PosixSignal.SIGINT, context => context.Cancel = true);
            using var terminated = Signals.TryHandle(PosixSignal.SIGTERM, context =>
            {
                context.Cancel = true;
                using var kill = Process.Start("kill", ["-TERM", process.Id.ToString(CultureInfo.InvariantCulture)]);
                kill.WaitForExit();
            });
            process.WaitForExit();
            return process.ExitCode;
        }
        catch (Win32Exception e)
        {
            var reason = ErrnoNumbers.FromNative(e.NativeErrorCode);
            Streams.WriteError($"shm: bridge: {(reason == Errno.ENOENT ? $"{Program} is not on PATH; install it with: dotnet tool install --global --prerelease Posix.SharedMemory.Bridge.Tool" : $"{Program} cannot be started: {Failure.Reason(reason)}")}\n");
            return ExitCode.Failed;
        }
    }

    protected override int Run(ParseResult given, Terminal terminal) => Start([]);
}

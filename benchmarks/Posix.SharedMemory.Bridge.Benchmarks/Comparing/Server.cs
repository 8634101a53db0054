using System.Diagnostics;
using System.Globalization;

namespace Posix.SharedMemory.Bridge.Benchmarks.Comparing;

/// <summary>A nats-server on a host, without configuration.</summary>
internal sealed class Server : IDisposable
{
    private const double TicksPerSecond = 100;

    private readonly Host _host;
    private readonly string? _store;
    private Process _process = null!;

    /// <param name="host">Where.</param>
    /// <param name="keeps">Whether it keeps messages, in a directory of temporary files.</param>
    internal Server(Host host, bool keeps = false)
    {
        _host = host;
        _store = keeps ? Directory.CreateTempSubdirectory("shm-bench").FullName : null;
        Serve();
    }

    internal static string? Program { get; } = new[] { "/usr/sbin/nats-server", "/usr/bin/nats-server", "/usr/local/bin/nats-server" }.FirstOrDefault(File.Exists);

    internal string Url => $"nats://{_host.Address}:4222";

    /// <summary>Gets the seconds of processor that it has used.</summary>
    internal double Processor
    {
        get
        {
            // The fields after the name, which is in parentheses: the 12th and 13th are the times in user and kernel mode.
            var fields = File.ReadAllText($"/proc/{_process.Id}/stat").Split(')')[^1].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            return (double.Parse(fields[11], CultureInfo.InvariantCulture) + double.Parse(fields[12], CultureInfo.InvariantCulture)) / TicksPerSecond;
        }
    }

    internal void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    internal void Serve()
    {
        _process = _host.Start(Program!, ["-a", _host.Address, "-p", "4222", .. _store is null ? (string[])[] : ["-js", "-sd", _store]]);
        // Its log is read, so that it never waits for a full pipe.
        _process.BeginErrorReadLine();
        _process.BeginOutputReadLine();
        while (!Answers())
        {
            Thread.Sleep(5);
        }
    }

    public void Dispose()
    {
        Kill();
        if (_store is not null)
        {
            Directory.Delete(_store, recursive: true);
        }
    }

    private bool Answers()
    {
        using var look = _host.Start("bash", "-c", $"exec 2>/dev/null 3<>/dev/tcp/{_host.Address}/4222");
        look.WaitForExit();
        return look.ExitCode == 0;
    }
}

using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using NATS.Client.Core;
using Posix.SharedMemory.Bridge.Nats;
using Posix.SharedMemory.Bridge.Tests.Backends;

namespace Posix.SharedMemory.Bridge.Tests.Nats;

/// <summary>A nats-server of this test on loopback, without configuration. To cut it is to kill it.</summary>
internal sealed class NatsServer : INetwork
{
    private readonly int _port;
    private readonly string[] _options;
    private TemporaryDirectory? _store;
    private Process? _process;

    /// <summary>Starts a server, or skips the test where there is none.</summary>
    /// <param name="options">More words for its command line.</param>
    internal NatsServer(params string[] options)
    {
        _options = options;
        Skip.If(Program is null, "nats-server is not installed");
        _port = FindPort();
        Start();
    }

    /// <summary>A server with JetStream, which keeps messages in files.</summary>
    internal static NatsServer Keeping()
    {
        Skip.If(Program is null, "nats-server is not installed");
        var store = TemporaryDirectory.InMemory();
        return new("-js", "-sd", store.Path) { _store = store };
    }

    /// <summary>Gets the directory of what it keeps.</summary>
    internal string Store => _store!.Path;

    internal string Url => $"nats://127.0.0.1:{_port}";

    internal static string? Program { get; } = new[] { "/usr/sbin", "/usr/bin", "/usr/local/bin" }.Concat((Environment.GetEnvironmentVariable("PATH") ?? "").Split(':'))
        .Select(directory => Path.Combine(directory, "nats-server")).FirstOrDefault(File.Exists);

    public async Task<IBridgeBackend> ConnectAsync() => await NatsBackend.ConnectAsync(new NatsOpts { Url = Url });

    public Task BreakAsync()
    {
        _process!.Kill();
        return _process.WaitForExitAsync();
    }

    public Task RestoreAsync()
    {
        Start();
        return Task.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await BreakAsync();
        _process!.Dispose();
        _store?.Dispose();
    }

    /// <summary>A port that the system does not give to clients: one of them could take it while the server is killed, and even connect to itself.</summary>
    private static int FindPort()
    {
        while (true)
        {
            var port = Random.Shared.Next(10_000, 30_000);
            using var free = new TcpListener(IPAddress.Loopback, port);
            try
            {
                free.Start();
                return port;
            }
            catch (SocketException)
            {
                // It is taken: another one is tried.
            }
        }
    }

    private void Start()
    {
        _process?.Dispose();
        _process = Process.Start(new ProcessStartInfo(Program!, ["-a", "127.0.0.1", "-p", $"{_port}", .. _options]) { UseShellExecute = false, RedirectStandardError = true, RedirectStandardOutput = true })!;
        _process.BeginErrorReadLine();
        _process.BeginOutputReadLine();
        Watchdog.Until(Answers, "the server to listen");
    }

    private bool Answers()
    {
        Assert.False(_process!.HasExited, "the server has ended");
        try
        {
            using var client = new TcpClient("127.0.0.1", _port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}

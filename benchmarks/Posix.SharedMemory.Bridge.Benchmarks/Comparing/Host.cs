using System.Diagnostics;
using System.Globalization;

namespace Posix.SharedMemory.Bridge.Benchmarks.Comparing;

/// <summary>One of two hosts: a network namespace at an end of a cable (veth). Both have this machine's /dev/shm, and are told apart by what the names of their channels begin with.</summary>
internal sealed class Host : IDisposable
{
    internal const string PrefixA = "shm-bench-a-", PrefixB = "shm-bench-b-";

    private readonly string _name;

    private Host(string name, string address) => (_name, Address) = (name, address);

    internal string Address { get; }

    /// <summary>Makes two hosts.</summary>
    /// <returns><see langword="null"/>: this user may not, and it was printed.</returns>
    internal static (Host A, Host B)? TryMake()
    {
        var id = Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        var (a, b) = (new Host("shmbench-a-" + id, "10.97.0.1"), new Host("shmbench-b-" + id, "10.97.0.2"));
        if (Try("ip", "netns", "add", a._name) && Try("ip", "netns", "add", b._name) && Try("ip", "link", "add", "cable", "netns", a._name, "type", "veth", "peer", "name", "cable", "netns", b._name) && a.TryBegin() && b.TryBegin())
        {
            return (a, b);
        }

        a.Dispose();
        b.Dispose();
        return null;
    }

    /// <summary>Starts this program on the host.</summary>
    internal Role Role(params string[] words) => new(Start(Environment.ProcessPath!, words));

    /// <summary>Starts any program on the host. What <c>ip</c> becomes is the program itself.</summary>
    internal Process Start(string program, params string[] words) =>
        Process.Start(new ProcessStartInfo("ip", ["netns", "exec", _name, program, .. words]) { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = program.EndsWith("nats-server", StringComparison.Ordinal) })!;

    public void Dispose() => Try("ip", "netns", "del", _name);

    private bool TryBegin() =>
        Try("ip", "-n", _name, "addr", "add", Address + "/24", "dev", "cable") && Try("ip", "-n", _name, "link", "set", "cable", "up") && Try("ip", "-n", _name, "link", "set", "lo", "up");

    private static bool Try(string program, params string[] words)
    {
        using var process = Process.Start(new ProcessStartInfo(program, words) { UseShellExecute = false, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            Console.WriteLine($"SKIPPED: {program} {string.Join(' ', words)}: {errors.Trim()}");
        }

        return process.ExitCode == 0;
    }
}

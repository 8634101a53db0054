using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Posix.SharedMemory.Threading;

namespace Posix.SharedMemory.Tool.Tests;

/// <summary>Commands behind a filter of the kernel (seccomp) that refuses one of their calls: each does its work by another way, or says in one line what is refused. None crashes, hangs, or leaves a part of its work.</summary>
public sealed partial class BehindFilters
{
    /// <summary>What a process that hangs ends with, by <c>timeout</c>.</summary>
    private const int Hangs = 124;

    /// <summary>Without these no program starts.</summary>
    private static readonly string[] s_needed = ["open", "read", "mmap", "mprotect", "pread", "fstat", "newfstatat"];

    private static readonly Errno[] s_errors = [Errno.EPERM, Errno.ENOSYS, Errno.EINVAL];

    /// <summary>Where a command behind a filter may do something else, and why.</summary>
    private static readonly (string Words, string Call, string Reason)[] s_allowed =
    [
        (@"--if-unused$|^resize \{c\} 100$|^gc ", "fcntl|fstatfs", "It does nothing to an object of which it is unknown whether a process uses it, and says that."),
        (@"^create \{n\} --from \{f\}$", "lseek", "The base library moves the file's position: it names the file and the error."),
        ("^doctor", "", "It reports what it finds, also about other objects."),
    ];

    /// <summary>What the commands are run with. {a} and {c} are objects, {h} is one that this process has open, {m} a mutex, {t} a channel with a message, {f} a file; any other word is a free name, all behind one prefix.</summary>
    private static readonly string[] s_deeds =
    [
        "ls {p}*", "ls {p}* --json", "ls {p}* --names", "stat {a}", "stat {h}", "stat {c} --json", "stat {t}", "who {h}", "who {a}", "lock {m}", "cat {a}", "dump {c}", "map {c}",
        "gc {p}*", "gc {p}* --remove", "doctor --quiet", "topic ls {p}*", "topic tap {t} --once", "topic recv {t} --count 1 --timeout 5s", "topic send {t} more", "topic hz {t} --count 1 --interval 0.01",
        "create {n} 5000", "create {n} 5000 --sparse", "create {n} --from {f}", "create {n} --from -", "create {a} 5000 --on-conflict replace", "write {a} {f}", "resize {a} 9000", "resize {a} 9000 --sparse", "resize {c} 100", "resize {a} 100 --if-unused",
        "mv {a} {n}", "mv {a} {n} --no-replace", "mv {a} {c}", "mv {a} {c} --exchange", "rm {a}", "rm {a} --if-unused", "rm {h} --if-unused", "chmod 640 {a}", "chown :{g} {a}", "help", "completion bash",
    ];

    private sealed record Outcome(int ExitCode, string Output, string Errors, string State);

    [SkippableFact]
    public void Each_command_works_by_another_way_or_says_what_is_refused()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Only Linux has such filters.");
        Skip.If(ThreadFilter.Obstacle is not null, ThreadFilter.Obstacle);
        foreach (var program in (string[])["python3", "timeout", "strace"])
        {
            Skip.IfNot(Installed.Has(program), $"{program} is not installed.");
        }

        // The same cases each time; FILTER_WALK=all walks all of them, and prints how many there were.
        var isWhole = Environment.GetEnvironmentVariable("FILTER_WALK") == "all";
        Skip.If(Shm.IsNative && !isWhole, "The native file makes other calls; it is walked as a whole.");
        var random = new Random(12);
        var deeds = isWhole ? s_deeds : random.GetItems(s_deeds, 6);
        var complaints = new ConcurrentBag<string>();
        var (worked, advised, excused) = (0, 0, 0);
        Parallel.ForEach(deeds.Distinct(StringComparer.Ordinal), new ParallelOptions { MaxDegreeOfParallelism = 2 }, deed =>
        {
            var chosen = new Random(deed.Length);
            var undisturbed = Run(deed, call: null, default);
            var cells = CallsOf(deed).SelectMany(_ => s_errors, (call, errno) => (call, errno)).ToArray();
            Assert.True(cells.Length > 0, $"{deed} makes no call: {undisturbed}");
            foreach (var (call, errno) in isWhole ? cells : chosen.GetItems(cells, 3))
            {
                var outcome = Run(deed, call, errno);
                var complaint = Complain(deed, call, outcome, undisturbed);
                if (complaint is not null)
                {
                    // A child of another test holds everything that this process has open until it runs its program.
                    undisturbed = Run(deed, call: null, default);
                    outcome = Run(deed, call, errno);
                    complaint = Complain(deed, call, outcome, undisturbed);
                }

                if (complaint is null)
                {
                    _ = outcome.ExitCode == 0 ? Interlocked.Increment(ref worked) : Interlocked.Increment(ref advised);
                }
                else if (!StartsBehind(call, errno))
                {
                    // Without this call no program of this runtime starts.
                    Interlocked.Increment(ref excused);
                }
                else
                {
                    complaints.Add($"{deed}: {call.Name} refused with {errno}: {complaint}");
                }
            }
        });
        Assert.True(complaints.IsEmpty, $"{worked} worked, {advised} said it, {excused} cannot start\n{string.Join('\n', complaints.Order(StringComparer.Ordinal))}");
        Assert.True(worked > 0 && (!isWhole || advised > 0), $"{worked} worked, {advised} said it");
        if (isWhole)
        {
            Console.WriteLine($"{worked} commands worked behind filters, {advised} said which call is refused, {excused} could not start");
        }
    }

    /// <summary>What is wrong; <see langword="null"/> where nothing is.</summary>
    private static string? Complain(string deed, FilteredCall call, Outcome outcome, Outcome undisturbed)
    {
        if (outcome.ExitCode is not (0 or 1))
        {
            return outcome.ExitCode == Hangs ? "hangs" : $"ends with {outcome.ExitCode}: {outcome.Errors}";
        }

        if (s_allowed.Any(one => Regex.IsMatch(deed, one.Words, RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1)) && Regex.IsMatch(call.Name, one.Call, RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1))))
        {
            return null;
        }

        var (code, output, errors, state) = outcome;
        if (code == undisturbed.ExitCode && errors == undisturbed.Errors)
        {
            return state != undisturbed.State ? $"has another result: {state}; without a filter {undisturbed.State}"
                : Differing(output, undisturbed.Output) is { } line ? $"prints '{line}'"
                : null;
        }

        return code == 0 ? $"says more: {errors}"
            : !errors.Split('\n', StringSplitOptions.RemoveEmptyEntries).All(line => line.StartsWith($"shm: {deed.Split(' ')[0]}", StringComparison.Ordinal)) ? $"is not a line of the command: {errors}"
            : !FilterVerdict.NamesRefuser(errors) ? $"does not say that a filter may refuse it: {errors}"
            : state != undisturbed.State && state != Before(deed) ? $"fails and changed something: {state}; before {Before(deed)}"
            : null;
    }

    /// <summary>The first line that differs and does not say that something is unknown.</summary>
    private static string? Differing(string output, string undisturbed)
    {
        var expected = undisturbed.Split('\n').ToHashSet(StringComparer.Ordinal);
        return output.Split('\n').FirstOrDefault(line => !expected.Contains(line) && !Unknown().IsMatch(line));
    }

    private static string Before(string deed)
    {
        using var scene = new Scene(deed);
        return scene.State();
    }

    private static Outcome Run(string deed, FilteredCall? call, Errno errno)
    {
        using var scene = new Scene(deed);
        var ran = Behind(call, errno, scene.Words);
        return new(ran.ExitCode, scene.Normal(ran.Output), scene.Normal(ran.Errors), scene.State());
    }

    private static Ran Behind(FilteredCall? call, Errno errno, string[] words)
    {
        var code = FilterRule.Compile(call is null ? [] : [call], errno);
        string[] behind = ["60", "python3", Path.Combine(AppContext.BaseDirectory, "filters", "refuse.py"), "--code", Convert.ToHexString(MemoryMarshal.AsBytes<ulong>(code)), "--", Shm.Program, .. words];
        return Shm.Wait("timeout", behind, "from standard input\n"u8.ToArray());
    }

    private static bool StartsBehind(FilteredCall call, Errno errno) => Behind(call, errno, ["--version"]) is { ExitCode: 0, Errors: "" };

    /// <summary>The calls that a command makes, as far as a filter may refuse them.</summary>
    private static FilteredCall[] CallsOf(string deed)
    {
        using var scene = new Scene(deed);
        using var log = new TemporaryFile();
        Shm.Wait("strace", ["-f", "-qq", "-o", log.Path, Shm.Program, .. scene.Words], "from standard input\n"u8.ToArray());
        var made = SystemCall().Matches(File.ReadAllText(log.Path)).Select(match => match.Groups["call"].Value).ToHashSet(StringComparer.Ordinal);
        return [.. FilteredCall.All.Where(call => !s_needed.Contains(call.Name) && call.KernelNames.Any(made.Contains))];
    }

    /// <summary>What a command finds: objects under a prefix of their own.</summary>
    private sealed class Scene : IDisposable
    {
        private readonly Objects _objects = new();
        private readonly TemporaryFile _file = new();
        private readonly List<IDisposable> _open = [];

        internal Scene(string deed)
        {
            SharedMemoryObject.Unlink(_objects.Add("gone"));
            using (var memory = SharedMemoryObject.Open(_objects.Add("a")))
            {
                memory.Write("text"u8, 0);
            }

            _objects.Add("c", 20_000, backing: Backing.Sparse);
            _open.Add(SharedMemoryObject.Open(_objects.Add("h")));
            File.WriteAllText(_file.Path, "from a file\n");
            if (deed.Contains("{m}", StringComparison.Ordinal))
            {
                _open.Add(NamedMutex.OpenOrCreate(_objects.Prefix + "m", out _));
            }

            if (deed.Contains("{t}", StringComparison.Ordinal))
            {
                Shm.Print("topic", "send", _objects.Prefix + "t", "hello", "--create");
            }

            Words = [.. deed.Split(' ').Select(word => Placeholder().Replace(word, match => match.Groups["name"].Value switch
            {
                "p" => _objects.Prefix,
                "f" => _file.Path,
                "g" => Native.getegid().ToString(System.Globalization.CultureInfo.InvariantCulture),
                var name => _objects.Prefix + name,
            }))];
        }

        internal string[] Words { get; }

        /// <summary>Text without what differs each time.</summary>
        internal string Normal(string text) =>
            Blanks().Replace(Number().Replace(Time().Replace(text.Replace(_file.Path, "FILE", StringComparison.Ordinal).Replace(_objects.Prefix, "", StringComparison.Ordinal), "TIME"), "#"), " ");

        /// <summary>The objects that there are: their lengths, permissions and bytes. Those whose bytes are words of locks and channels change by being used.</summary>
        internal string State() => string.Join(", ", _objects.Names().Select(name =>
        {
            using var memory = SharedMemoryObject.Open(_objects.Prefix + name, FileMode.Open, FileAccess.Read);
            return $"{name} {memory.Length} {Convert.ToString((int)memory.Permissions, 8)}" + (name is "m" or "t" ? "" : $" {Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(Objects.Read(_objects.Prefix + name)))[..8]}");
        }));

        public void Dispose()
        {
            _open.ForEach(one => one.Dispose());
            _objects.Dispose();
            _file.Dispose();
        }
    }

    [GeneratedRegex(@"\{(?<name>[a-z])\}", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Placeholder();

    [GeneratedRegex(@"\d+( of \d+)? objects|\d\d:\d\d:\d\d|\d{4}-\d\d-\d\d[T ][-+:.\d ]+Z?|\b(now|\d+[smhd])\b", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Time();

    [GeneratedRegex(@"\d{3,}|\d+\.\d+|\d+%", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Number();

    [GeneratedRegex(" +", RegexOptions.NonBacktracking)]
    private static partial Regex Blanks();

    [GeneratedRegex(@"\?|unknown|\d\+|null|false|cannot|could not|may ", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Unknown();

    [GeneratedRegex(@"(?m)^\d+ +(?<call>[a-z0-9_]+)\(", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex SystemCall();
}

using System.Globalization;
using System.Text;

namespace Posix.SharedMemory.Tests.Faults;

/// <summary>Tests that look at all that the process holds: nothing else may run meanwhile.</summary>
[CollectionDefinition(nameof(FaultsAlone), DisableParallelization = true)]
public sealed class FaultsAlone;

[Collection(nameof(FaultsAlone))]
public sealed class Failing
{
    private static readonly Errno[] s_errors =
    [
        Errno.EPERM, Errno.ENOENT, Errno.EINTR, Errno.EIO, Errno.EBADF, Errno.EAGAIN, Errno.ENOMEM, Errno.EACCES, Errno.EEXIST, Errno.EINVAL,
        Errno.EMFILE, Errno.ENOSPC, Errno.ENOSYS, Errno.EFBIG, Errno.EOPNOTSUPP, Errno.EXDEV,
    ];

    /// <summary>Gets all of them, or those whose names begin with FAULT_PATHS: all take an hour on an emulated machine.</summary>
    public static TheoryData<string> Paths =>
        [.. FaultPaths.All.Select(path => path.Name).Where(name => name.StartsWith(Environment.GetEnvironmentVariable("FAULT_PATHS") ?? "", StringComparison.Ordinal))];

    [Theory]
    [MemberData(nameof(Paths))]
    [Rule("errors.clean")]
    [Rule("errors.interrupted")]
    public void Leaves_nothing_behind_whichever_call_fails_with_whichever_errno(string name)
    {
        var path = FaultPaths.All.Single(path => path.Name == name);
        var calls = CallsOf(path);
        Assert.NotEmpty(calls);
        var state = ProcessState.Take(WithMappings(calls));
        var complaints = new StringBuilder();
        var fired = 0;
        for (var at = 0; at < Math.Min(calls.Count, path.Calls); at++)
        {
            var occurrence = calls.Take(at + 1).Count(call => call == calls[at]);
            foreach (var errno in s_errors)
            {
                var (happened, complaint) = Walk(path, state, calls[at], errno, occurrence);
                fired += happened ? 1 : 0;
                // A neighbour may have made the rehearsal longer, as who asks just then whether anybody holds the object.
                if (!happened && !path.DependsOnNeighbours && CallsOf(path).Count(call => call == calls[at]) >= occurrence)
                {
                    complaint = "the call was not made";
                }

                if (complaint is not null)
                {
                    complaints.AppendLine(CultureInfo.InvariantCulture, $"{name}: {calls[at]} {occurrence} of [{string.Join(' ', calls)}] with {errno}: {complaint}");
                }
            }
        }

        Assert.True(complaints.Length == 0, complaints.ToString());
        Assert.True(fired > 0, "Nothing failed: this proves nothing.");
    }

    /// <summary>What never maps leaves no mapping; looking costs the most of the test.</summary>
    private static bool WithMappings(List<string> calls) => calls.Contains("mmap", StringComparer.Ordinal);

    private static List<string> CallsOf(FaultPath path)
    {
        var platform = new ScriptedPlatform();
        using (Platform.Substitute(platform))
        {
            using var scene = new FaultScene();
            path.Arrange(scene);
            platform.Arm(null);
            path.Act(scene);
            return [.. platform.Calls];
        }
    }

    private static (bool Happened, string? Complaint) Walk(FaultPath path, ProcessState atFirst, string call, Errno errno, int occurrence)
    {
        var platform = new ScriptedPlatform();
        using (Platform.Substitute(platform))
        {
            string? complaint;
            bool happened;
            using (var scene = new FaultScene())
            {
                path.Arrange(scene);
                var before = atFirst.TakeAgain();
                var names = scene.Names();
                platform.Arm(call, errno, occurrence);
                var exception = Record.Exception(() => path.Act(scene));
                happened = platform.Fired;
                var outcome = happened ? FaultAllowances.Of(path.Name, platform.Calls, platform.FiredAt, errno) : FaultOutcome.Succeeds;
                platform.Arm(null);
                complaint = Judge(outcome, errno, exception)
                    ?? (path.Closes ? Compare(atFirst, atFirst.TakeAgain())
                        : exception is null ? null
                        : Compare(before, atFirst.TakeAgain())
                            ?? (outcome == FaultOutcome.ThrowsAfterTheStep || names == scene.Names() ? null : $"was {names}, is {scene.Names()}"));
            }

            return (happened, complaint ?? Compare(atFirst, atFirst.TakeAgain()));
        }
    }

    private static string? Judge(FaultOutcome outcome, Errno errno, Exception? exception)
    {
        var expected = outcome switch
        {
            FaultOutcome.ThrowsAccess => Errno.EACCES,
            FaultOutcome.ThrowsPermission => Errno.EPERM,
            FaultOutcome.ThrowsAgain => Errno.EAGAIN,
            _ => errno,
        };
        return (outcome, exception) switch
        {
            (FaultOutcome.Succeeds or FaultOutcome.ThrowsOrSucceeds, null) => null,
            (FaultOutcome.Succeeds, _) => $"it was to succeed, and said {exception!.GetType().Name}: {exception.Message}",
            (_, null) => $"nothing was thrown ({outcome})",
            (FaultOutcome.ThrowsUnsupported, PlatformNotSupportedException) => null,
            (FaultOutcome.ThrowsArgument, ArgumentException) => null,
            (_, SharedMemoryException failure) when failure.Errno == expected && failure.Message.Contains(expected.ToString(), StringComparison.Ordinal) => null,
            _ => $"{outcome}, but it said {exception.GetType().Name}: {exception.Message}",
        };
    }

    private static string? Compare(ProcessState before, ProcessState after) =>
        before == after ? null : $"left behind: {after}; before: {before}";
}

using System.Globalization;
using System.Security.Cryptography;

namespace Posix.SharedMemory.Testing;

/// <summary>How an operation ended, behind a filter or without one.</summary>
/// <param name="Answer">What it returned, in words.</param>
/// <param name="Thrown">What it threw.</param>
/// <param name="State">What the names and the object are afterwards.</param>
/// <param name="Before">What they were before.</param>
/// <param name="Left">What is held after everything is disposed that should not be; empty where nothing is.</param>
/// <param name="Calls">The calls that were made or refused, as the library names them.</param>
internal sealed record FilterOutcome(string Answer, Exception? Thrown, string State, string Before, string Left, IReadOnlyList<string> Calls)
{
    /// <summary>Disposing closes; and some operations keep a descriptor of their own as long as the object is open, for its file position or for its locks.</summary>
    private static readonly string[] s_mayStayOpen = ["Dispose", "GetAllocatedRanges", "GetPageStates", "SetLength received"];

    /// <summary>Runs an operation on a thread of its own, behind a filter, and looks at what it leaves.</summary>
    internal static FilterOutcome Of(WalkedVerb verb, IReadOnlyList<FilteredCall> calls, Errno errno)
    {
        var first = ProcessState.Take(withMappings: true);
        var temporaries = Temporaries();
        var platform = new ScriptedPlatform();
        object? returned = null;
        string answer, before, state;
        string[] made;
        var left = "";
        Exception? thrown;
        using (var scene = new FaultScene())
        {
            object? arranged;
            using (Platform.Substitute(platform))
            {
                // An object keeps the platform on which it was made.
                arranged = verb.Arrange(scene);
            }

            before = StateOf(scene);
            var open = first.TakeAgain();
            platform.Arm(null);
            thrown = ThreadFilter.Run(calls, errno, () =>
            {
                using (Platform.Substitute(platform))
                {
                    returned = verb.Act(scene, arranged);
                }
            });
            made = [.. platform.Calls];
            answer = WalkedVerbs.AnswerOf(returned);
            state = StateOf(scene);
            var after = first.TakeAgain();
            if (thrown is not null && !MayStayOpen(verb) && after.Descriptors != open.Descriptors)
            {
                left = $"after the failure: {after.Descriptors}; before: {open.Descriptors}";
            }
        }

        if (!calls.Any(call => call.Name == "unlink") && HasLeft(temporaries) is { } names)
        {
            left += $" temporary names: {names}";
        }

        // A name that cannot be removed stays, and is known for one that was left.
        _ = MappedRegion.RemoveAbandonedTemporaries("/dev/shm");
        var last = first.TakeAgain();
        if (last != first)
        {
            left += $" in the end: {last}; at first: {first}";
        }

        return new(answer, thrown, state, before, left, made);
    }

    private static bool MayStayOpen(WalkedVerb verb) => Array.Exists(s_mayStayOpen, one => verb.Name.Contains(one, StringComparison.Ordinal));

    /// <summary>The temporary names that are there and were not, and do not go: those of other processes do, within an instant.</summary>
    private static string? HasLeft(HashSet<string> before)
    {
        var left = Temporaries();
        left.ExceptWith(before);
        for (var look = 0; left.Count > 0 && look < 100; look++)
        {
            Thread.Sleep(20);
            left.IntersectWith(Temporaries());
        }

        return left.Count == 0 ? null : string.Join(' ', left);
    }

    private static HashSet<string> Temporaries() =>
        [.. Directory.EnumerateFileSystemEntries("/dev/shm", ".shm-publish-*").Select(path => Path.GetFileName(path))];

    private static string StateOf(FaultScene scene) => $"{StateOf(scene.Name)}; {StateOf(scene.Other)}; {StateOf(scene.Memory)}; {StateOf(scene.Mapping)}";

    private static string StateOf(TemporaryName name)
    {
        if (Directory.Exists(name.Path))
        {
            return $"directory of {Directory.GetFileSystemEntries(name.Path).Length}";
        }

        if (!File.Exists(name.Path))
        {
            return "absent";
        }

        using var memory = SharedMemoryObject.Open(name, access: FileAccess.Read);
        var status = memory.GetStatus();
        var bytes = new byte[status.Length];
        _ = memory.Read(bytes, 0);
        return string.Create(
            CultureInfo.InvariantCulture, $"{status.Length} bytes {Convert.ToString((int)status.Permissions, 8)} group {status.GroupId} allocated {status.AllocatedBytes} {Convert.ToHexString(SHA256.HashData(bytes))[..8]}");
    }

    private static string StateOf(SharedMemoryObject? memory)
    {
        if (memory is null || memory.IsDisposed)
        {
            return "no object";
        }

        var status = memory.GetStatus();
        return string.Create(
            CultureInfo.InvariantCulture, $"object of {status.Length} bytes {Convert.ToString((int)status.Permissions, 8)} allocated {status.AllocatedBytes} names {status.NameCount} seals {memory.Seals}");
    }

    private static string StateOf(MemoryMapping? mapping)
    {
        try
        {
            return mapping is null ? "no mapping" : $"mapping of {mapping.Length} bytes {mapping.Access}";
        }
        catch (ObjectDisposedException)
        {
            return "no mapping";
        }
    }
}

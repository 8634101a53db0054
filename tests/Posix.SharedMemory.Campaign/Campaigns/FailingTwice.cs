namespace Posix.SharedMemory.Campaign;

/// <summary>Two calls of an operation fail, the second often one that was to clear away after the first.</summary>
/// <remarks>The fault walk of the test suite lets each call fail alone, with each errno, and knows what is owed for each. Two are too many to list.</remarks>
internal sealed class FailingTwice : FaultCampaign
{
    private static readonly Errno[] s_errors =
    [
        Errno.EPERM, Errno.ENOENT, Errno.EINTR, Errno.EIO, Errno.EBADF, Errno.EAGAIN, Errno.ENOMEM, Errno.EACCES, Errno.EEXIST, Errno.EINVAL, Errno.EMFILE,
        Errno.ENOSPC, Errno.ENOSYS, Errno.EFBIG, Errno.EOPNOTSUPP, Errno.EXDEV, Errno.ENFILE, Errno.EBUSY, Errno.ENODEV, Errno.ELOOP, Errno.EISDIR,
    ];

    private static readonly Dictionary<int, Errno> s_none = [];

    internal override string Name => "fail-twice";

    internal override double Share => 10;

    internal override IReadOnlyList<PlantedFault> Planted =>
    [
        new("a descriptor that stays open", session =>
        {
            var leaked = new List<SharedMemoryObject>();
            Fail(session, new("planted", _ => { }, scene => leaked.Add(SharedMemoryObject.Create(scene.Name, 10))), s_none, ProcessState.Take(withMappings: true));
            leaked.ForEach(memory => memory.Dispose());
        }),
        new("a mapping that stays", session =>
        {
            MemoryMapping? leaked = null;
            Fail(session, new("planted", scene => scene.Create(5000), scene => leaked = scene.Memory.Map()), s_none, ProcessState.Take(withMappings: true));
            leaked?.Dispose();
        }),
        new("an exception of another kind", session =>
            Fail(session, new("planted", _ => { }, _ => throw new IOException("planted")), s_none, ProcessState.Take(withMappings: true))),
        new("a wrong result", session =>
            Fail(session, new("planted", _ => { }, _ => throw new WrongResultException("planted")), s_none, ProcessState.Take(withMappings: true))),
    ];

    internal override void Run(Session session)
    {
        var atFirst = ProcessState.Take(withMappings: true);
        foreach (var random in session.Rounds(atLeast: 200))
        {
            var path = FaultPaths.All[random.Next(FaultPaths.All.Count)];
            var calls = Count(path);
            var first = random.Next(Math.Max(calls, 1));
            var second = first + 1 + (random.Next(2) == 0 ? 0 : random.Next(calls + 3));
            Fail(session, path, new() { [first] = Draw(random), [second] = Draw(random) }, atFirst);
        }
    }

    private static Errno Draw(Random random) => s_errors[random.Next(s_errors.Length)];

    /// <summary>How many calls the operation makes now: that may depend on what other processes do.</summary>
    private static int Count(FaultPath path)
    {
        var platform = new ScriptedPlatform();
        using var substitute = Platform.Substitute(platform);
        using var scene = new FaultScene();
        path.Arrange(scene);
        platform.ArmPlan(s_none);
        path.Act(scene);
        return Math.Min(platform.Calls.Count, path.Calls);
    }

    private static void Fail(Session session, FaultPath path, Dictionary<int, Errno> plan, ProcessState atFirst)
    {
        var platform = new ScriptedPlatform();
        using var substitute = Platform.Substitute(platform);
        var length = 1_000_003 + (2 * (session.Round % 100_000));
        using (var scene = new FaultScene { UnpublishedLength = length })
        {
            path.Arrange(scene);
            platform.ArmPlan(plan);
            var thrown = Record(() => path.Act(scene));
            platform.Disarm();
            if (thrown is not (null or SharedMemoryException or ArgumentException or PlatformNotSupportedException or ObjectDisposedException))
            {
                session.Violate($"{What()}: {thrown}");
            }

            session.Count(platform.Failed.Count switch { 2 => "pairs of failures", 1 => "failures behind which no second call came", _ => "runs without a failure" });
        }

        // A name, or a mapping, that the system refuses to take away stays: nobody else could.
        var after = atFirst.TakeAgain();
        if (after.Descriptors != atFirst.Descriptors || (after.Mappings != atFirst.Mappings && !Failed("munmap")))
        {
            session.Violate($"{What()}: left behind: {after}; before: {atFirst}");
        }

        if (Leftovers.TemporariesOf(length) is { Count: > 0 } temporaries && !Failed("unlink"))
        {
            session.Violate($"{What()}: temporary names are left: {string.Join(' ', temporaries)}");
        }

        bool Failed(string call) => platform.Failed.Any(failed => failed.StartsWith(call, StringComparison.Ordinal));

        string What() => $"{path.Name}, with failures of {string.Join(" and ", platform.Failed)} among [{string.Join(' ', platform.Calls)}]";
    }

    private static Exception? Record(Action act)
    {
        try
        {
            act();
            return null;
        }
        catch (Exception e)
        {
            return e;
        }
    }
}

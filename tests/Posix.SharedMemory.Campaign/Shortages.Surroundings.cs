namespace Posix.SharedMemory.Campaign;

/// <summary>Filters in front of the kernel, file systems that are not a tmpfs, a /proc that is not there, and locks of other programs.</summary>
internal sealed partial class Shortages
{
    private const int FiltersAtOnce = 12;

    private static readonly Errno[] s_refusals = [Errno.ENOSYS, Errno.EPERM, Errno.EINVAL];

    /// <summary>Some of the filters that refuse a call, by chance: there are three for each call of the library.</summary>
    internal static IEnumerable<Shortage> SomeFilters(Random random)
    {
        for (var count = 0; ThreadFilter.Obstacle is null && count < FiltersAtOnce; count++)
        {
            var call = FilteredCall.All[random.Next(FilteredCall.All.Count)];
            var errno = s_refusals[random.Next(s_refusals.Length)];
            yield return new("with a call filtered", "EEXIST")
            {
                Where = $"{call.Name}={errno}",
                Start = arguments => FilterRun.Start(Actor.Program, ["actor", .. arguments]),
            };
        }
    }

    private IEnumerable<Shortage> FileSystems()
    {
        if (Privileged.NamespaceObstacle is { } obstacle)
        {
            _session.Skip($"other file systems at /dev/shm: {obstacle}");
            yield break;
        }

        foreach (var (kind, errors) in ((string, string[])[])[("ramfs", ["unsupported"]), ("overlay", ["unsupported"]), ("ext4", ["unsupported", "ENOSPC"]), ("bindfs", ["unsupported"])])
        {
            using (var tried = TemporaryDirectory.OnDisk())
            {
                if (tried is null)
                {
                    _session.Skip("other file systems at /dev/shm: there is no disk to make them of");
                    yield break;
                }

                using var probe = OddMemory.Run(kind, tried, "true");
                var line = probe.ReadLine();
                _ = probe.Finish();
                if (line != "ready")
                {
                    _session.Skip($"{kind} at /dev/shm: {line}");
                    continue;
                }
            }

            yield return new($"with {kind} at /dev/shm", errors)
            {
                Start = arguments =>
                {
                    var directory = TemporaryDirectory.OnDisk()!;
                    _directories.Add(directory);
                    var worker = OddMemory.Run(kind, directory, $"exec '{Actor.Program}' actor {string.Join(' ', arguments)}");
                    // The shell says that it is ready too.
                    return worker.ReadLine() == "ready" ? worker : throw new InvalidOperationException($"no {kind} any more");
                },
            };
        }
    }

    private IEnumerable<Shortage> HiddenProc()
    {
        if (Privileged.NamespaceObstacle is { } obstacle || !Installed.Has("nsenter"))
        {
            _session.Skip($"a hidden /proc: {Privileged.NamespaceObstacle ?? "nsenter is not installed"}");
            yield break;
        }

        yield return new("with /proc hidden", "unsupported")
        {
            Start = arguments => StartInside("mount -t tmpfs -o size=64m,mode=1777 tmpfs /dev/shm", arguments),
            Then = worker => OddMemory.Shell(worker, "mount -t tmpfs tmpfs /proc"),
        };
    }

    private IEnumerable<Shortage> ForeignLocks()
    {
        yield return new("among locks of another program", "EAGAIN", "kept")
        {
            Around = () => Actor.Start("lock", _session.Prefix),
        };
    }
}

using System.Reflection;
using System.Text.RegularExpressions;
using Posix.SharedMemory.Interop;

namespace Posix.SharedMemory.Tests.Faults;

/// <summary>Every call of every operation behind a filter of the kernel that refuses it, in a process of its own.</summary>
public sealed partial class Filtering
{
    /// <summary>What the runtime does beside the library on a thread that it runs.</summary>
    private static readonly string[] s_ofTheRuntime = ["mmap", "munmap", "mprotect", "madvise", "exit", "rt_sigprocmask", "rt_sigaction", "rt_sigreturn", "membarrier", "clock_gettime", "clone3", "clone", "getrandom", "sched_getaffinity", "brk", "set_robust_list", "rseq", "tgkill", "restart_syscall", "clock_nanosleep", "sched_get_priority_max", "sched_get_priority_min", "sched_setscheduler"];

    /// <summary>What the scenes themselves do: they have users, sockets and files of their own.</summary>
    private static readonly string[] s_ofTheScenes = ["getegid", "sendto", "recvfrom", "getsockname", "getpeername", "socket", "socketpair", "connect", "bind", "listen", "accept", "accept4", "setsockopt", "shutdown", "mkdir"];

    /// <summary>The types whose members only hold what was found out, or say what is wanted.</summary>
    private static readonly Type[] s_data =
    [
        typeof(AnonymousMemoryOptions), typeof(ByteRange), typeof(HeldDescriptor), typeof(HeldMapping), typeof(MemoryLimit), typeof(PageRun), typeof(SharedMemoryChange), typeof(SharedMemoryHolder),
        typeof(SharedMemoryHolders), typeof(SharedMemoryHolderIndex), typeof(SharedMemoryUsage), typeof(UnnamedMemory), typeof(UnnamedMemoryList), typeof(MappedRegionOptions), typeof(MappingOptions), typeof(ObjectIdentity), typeof(PeerCredentials),
        typeof(SharedMemoryOptions), typeof(SharedMemoryStatus), typeof(SharedMemoryException),
        typeof(ErrnoNumbers), typeof(HandleReceipt),
        // They only reach mapped bytes.
        typeof(MappedMemory<>), typeof(MappedReadOnlyMemory), typeof(MappingHold), typeof(MappingLease), typeof(MappingWriter),
    ];

    /// <summary>The members of the other types that make no system call.</summary>
    private static readonly string[] s_silent =
    [
        "HandleReceiveResult.BytesReceived", "HandleReceiveResult.DataTruncated", "HandleReceiveResult.Handles", "HandleReceiveResult.HandlesDropped",
        "MappedRegion.Length", "MappedRegion.Mapping", "MappedRegion.OwnsFile", "MappedRegion.Path", "MappedRegion.SafeFileHandle",
        "MemoryMapping.Access", "MemoryMapping.Acquire", "MemoryMapping.DangerousGetPointer", "MemoryMapping.GetMemory", "MemoryMapping.GetReadOnlyMemory", "MemoryMapping.GetReadOnlyReference",
        "MemoryMapping.GetReadOnlySpan", "MemoryMapping.GetReference", "MemoryMapping.GetSpan", "MemoryMapping.Hold", "MemoryMapping.IsPrivate", "MemoryMapping.Length", "MemoryMapping.Offset", "MemoryMapping.OpenStream", "MemoryMapping.OpenWriter",
        "SharedMemoryEntry.AllocatedBytes", "SharedMemoryEntry.CreationTime", "SharedMemoryEntry.GroupId", "SharedMemoryEntry.Identity", "SharedMemoryEntry.LastWriteTime", "SharedMemoryEntry.Length",
        "SharedMemoryEntry.Name", "SharedMemoryEntry.NameBytes", "SharedMemoryEntry.Permissions", "SharedMemoryEntry.Status", "SharedMemoryEntry.UserId",
        "SharedMemoryObject.Access", "SharedMemoryObject.CreateUniqueName", "SharedMemoryObject.Name", "SharedMemoryObject.Utf8Name",
    ];

    /// <summary>The imports of <see cref="Libc"/> that Linux does not have, or that this library does not call there.</summary>
    private static readonly string[] s_ofOtherSystems = ["shm_open", "shm_unlink", "shm_rename", "sysctlbyname", "fspacectl", "posix_fallocate", "pipe", "link"];

    [SkippableFact]
    [Rule("errors.filtered")]
    public void Behind_a_filter_each_operation_keeps_its_promise_or_names_the_call_that_is_refused_and_leaves_nothing()
    {
        Skip.If(ThreadFilter.Obstacle is not null, ThreadFilter.Obstacle);
        // The same cases each time. The campaign walks all of them: --only refuse-each-call.
        const int Seed = 20261127;
        var run = FilterRun.Walk(arguments => FilterRun.Start(Peer.Program, ["filter-walk", .. arguments]), Seed, oneIn: 24);
        Assert.True(run.Complaints.Count == 0, $"seed {Seed}:\n{string.Join('\n', run.Complaints)}");
        Assert.True(run.Worked > 0 && run.Advised > 0, $"It walked nothing: {run}");
    }

    [SkippableFact]
    [Rule("errors.filtered")]
    public void The_walk_knows_every_system_call_that_the_library_makes()
    {
        Skip.If(Traced.Obstacle is not null, Traced.Obstacle);
        // Only what is not in the list is traced, beside the marks at the beginning and the end of an operation: a call that is, costs nothing.
        var known = FilteredCall.All.SelectMany(call => call.KernelNames).Concat(FilteredCall.NeverRefused.Keys).Concat(s_ofTheRuntime).Concat(s_ofTheScenes).ToHashSet(StringComparer.Ordinal);
        using var log = new TemporaryFile();
        using var peer = Peer.Run(
            "strace", "-f", "--seccomp-bpf", "-qq", "-o", log.Path, "-e", $"trace=!{string.Join(',', known.Select(call => "?" + call))}", Peer.Program, "filter-walk", "0", "0", "0");
        var (exitCode, output, errors) = peer.Finish();
        Assert.True(exitCode == 0, errors);
        Assert.DoesNotContain("complaint", output, StringComparison.Ordinal);
        var numbers = FilteredCall.All.SelectMany(call => call.Rules).Select(rule => $"syscall_0x{rule.Number:x}").ToHashSet(StringComparer.Ordinal);
        var marks = 0;
        var walking = new HashSet<string>(StringComparer.Ordinal);
        var made = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in File.ReadLines(log.Path))
        {
            var match = SystemCall().Match(line);
            var thread = match.Groups["thread"].Value;
            if (line.Contains("PR_SET_NAME, \"walk-begin\"", StringComparison.Ordinal))
            {
                walking.Add(thread);
                marks++;
            }
            else if (line.Contains("PR_SET_NAME, \"walk-end\"", StringComparison.Ordinal))
            {
                walking.Remove(thread);
            }
            else if (match.Success && walking.Contains(thread))
            {
                made[match.Groups["call"].Value] = line;
            }
        }

        Assert.True(marks >= WalkedVerbs.All.Count, $"{marks} operations were traced.");
        // A call that strace has no name for yet is printed by its number.
        Assert.Empty(made.Where(call => !numbers.Contains(call.Key)).Select(call => call.Value));
    }

    [Fact]
    [Rule("errors.filtered")]
    public void The_walk_knows_every_import_of_the_C_library() => Assert.Empty(
        typeof(Libc).GetMethods(BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
            .Select(import => import.Name)
            .Where(name => !name.StartsWith('<') && !OtherSystem().IsMatch(name))
            .Select(name => Variant().Replace(name, ""))
            .Except(FilteredCall.All.Select(call => call.Family), StringComparer.Ordinal)
            .Except(FilteredCall.NeverRefused.Keys, StringComparer.Ordinal)
            .Except(s_ofOtherSystems, StringComparer.Ordinal));

    [Fact]
    [Rule("errors.filtered")]
    public void The_walk_runs_every_public_member_that_makes_a_system_call()
    {
        var members = typeof(SharedMemoryObject).Assembly.GetExportedTypes()
            .Where(type => !type.IsEnum && !s_data.Contains(type))
            .SelectMany(type => type.GetMembers(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly)
                .Where(member => member is PropertyInfo or MethodInfo { IsSpecialName: false } or ConstructorInfo)
                .Select(member => $"{type.Name}.{member.Name}"))
            .Distinct(StringComparer.Ordinal)
            .ToList();
        var walked = WalkedVerbs.All.SelectMany(verb => verb.Members).Concat(WalkedVerbs.NotWalked.Keys).ToHashSet(StringComparer.Ordinal);
        Assert.Empty(members.Except(walked).Except(s_silent, StringComparer.Ordinal));
        // A member that is gone, or is called otherwise now, is not walked.
        Assert.Empty(walked.Concat(s_silent).Except(members, StringComparer.Ordinal));
    }

    [Fact]
    public void The_walk_reports_the_faults_that_it_is_meant_to_find()
    {
        var verb = WalkedVerbs.All.Single(verb => verb.Name == "Length");
        var cell = new FilterCell(verb, [FilteredCall.All.Single(call => call.Name == "statx")], Errno.EPERM);
        var undisturbed = new FilterOutcome("5", null, "made", "nothing", "", ["statx"]);
        Assert.Null(FilterVerdict.Complain(cell, undisturbed, undisturbed));
        Assert.Null(FilterVerdict.Complain(cell, undisturbed with { Answer = WalkedVerbs.Unknown }, undisturbed));
        Assert.StartsWith("answered", FilterVerdict.Complain(cell, undisturbed with { Answer = "6" }, undisturbed), StringComparison.Ordinal);
        Assert.StartsWith("has another result", FilterVerdict.Complain(cell, undisturbed with { State = "half" }, undisturbed), StringComparison.Ordinal);
        Assert.StartsWith("left behind", FilterVerdict.Complain(cell, undisturbed with { Left = "a descriptor" }, undisturbed), StringComparison.Ordinal);

        FilterOutcome Failed(Exception thrown) => undisturbed with { Thrown = thrown, State = "nothing" };
        Assert.Null(FilterVerdict.Complain(cell, Failed(new SharedMemoryException(Errno.EPERM, "statx", "x", "a filter refuses statx")), undisturbed));
        Assert.StartsWith("failed", FilterVerdict.Complain(cell, Failed(new SharedMemoryException(Errno.EPERM, "statx", "x", "a filter refuses statx")) with { State = "half" }, undisturbed), StringComparison.Ordinal);
        Assert.StartsWith("does not say", FilterVerdict.Complain(cell, Failed(new SharedMemoryException(Errno.EPERM, "statx", "x")), undisturbed), StringComparison.Ordinal);
        Assert.StartsWith("does not name", FilterVerdict.Complain(cell, Failed(new PlatformNotSupportedException("A filter refuses it.")), undisturbed), StringComparison.Ordinal);
        Assert.StartsWith("threw", FilterVerdict.Complain(cell, Failed(new IOException("a filter refuses statx")), undisturbed), StringComparison.Ordinal);
    }

    [SkippableFact]
    [Rule("errors.filtered")]
    public void A_failure_names_the_call_that_is_refused_and_no_other()
    {
        Skip.If(ThreadFilter.Obstacle is not null, ThreadFilter.Obstacle);
        using var name = new TemporaryName();

        // Not what an open gives by itself: only then is fchmod called.
        var options = new SharedMemoryOptions { Permissions = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite };
        var thrown = ThreadFilter.Run([FilteredCall.All.Single(call => call.Name == "fchmod")], Errno.EPERM, () => SharedMemoryObject.Create(name, 1, options).Dispose());
        var failure = Assert.IsType<SharedMemoryException>(thrown);
        Assert.Equal(
            $"fchmod(/{name.Name}): Operation not permitted (EPERM): a filter in front of the kernel (seccomp) refuses fchmod: allow it in the profile of the container or service", failure.Message);
        Assert.False(name.Exists);

        // Without a filter the same error says nothing of one.
        using var read = SharedMemoryObject.Create(name, 1);
        using var platform = Platform.Substitute(new ScriptedPlatform("fchmod", Errno.EPERM));
        Assert.DoesNotContain("filter", Assert.Throws<SharedMemoryException>(() => SharedMemoryObject.CreateUnpublished(1, options)).Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    [Rule("errors.filtered")]
    public void Names_are_made_and_published_where_the_kernel_s_random_bytes_are_refused()
    {
        Skip.If(ThreadFilter.Obstacle is not null, ThreadFilter.Obstacle);
        using var name = new TemporaryName();
        SharedMemoryObject.Create(name, 1).Dispose();
        string[] made = [];
        var thrown = ThreadFilter.Run([FilteredCall.All.Single(call => call.Name == "read")], Errno.ENOSYS, () =>
        {
            made = [SharedMemoryObject.CreateUniqueName("random"), SharedMemoryObject.CreateUniqueName("random")];
            using var memory = SharedMemoryObject.CreateUnpublished(2);
            memory.Publish(name, RenameMode.Replace);
        });
        Assert.Null(thrown);
        Assert.Equal(2, made.Distinct(StringComparer.Ordinal).Count());
        Assert.Equal(2, SharedMemoryDirectory.Find(name.Name)?.Length);
    }

    [GeneratedRegex("^(?<thread>[0-9]+) +(?<call>[a-z0-9_]+)\\(", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex SystemCall();

    [GeneratedRegex("_(freebsd|apple_[a-z0-9]+)$", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex OtherSystem();

    [GeneratedRegex("_(linux|flock|hint|kinfo|number|pagemap|anonymous)$", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Variant();
}

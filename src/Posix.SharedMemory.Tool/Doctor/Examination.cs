namespace Posix.SharedMemory.Tool;

/// <summary>All checks, in the order in which they are printed.</summary>
internal static class Examination
{
    private static readonly Func<Machine, Finding?>[] s_checks =
    [
        DirectoryChecks.IsThere, DirectoryChecks.IsMemory, DirectoryChecks.IsOpenToAll, DirectoryChecks.IsWritable, DirectoryChecks.MayExecute,
        DirectoryChecks.IsLargeEnough, DirectoryChecks.HasRoom, DirectoryChecks.HasInodes,
        MemoryChecks.ControlGroup, MemoryChecks.TransparentHugePages, MemoryChecks.TransparentHugePagesOfObjects, MemoryChecks.ReservedHugePages, MemoryChecks.AnonymousMemory, MemoryChecks.ExecutableAnonymousMemory,
        LimitChecks.AreVisible, LimitChecks.LockedMemory, LimitChecks.Descriptors, LimitChecks.FileSize, LimitChecks.AddressSpace, LimitChecks.OtherProcesses, LimitChecks.ProtectedFiles,
        LockChecks.SleepOnSeveralWords, LockChecks.Fences, LockChecks.MarkedDeaths,
        ObjectChecks.RemovedAtLogout, ObjectChecks.NobodyHolds, ObjectChecks.EndsOfTheDead,
    ];

    internal static IReadOnlyList<Finding> Of(Machine machine) => [.. s_checks.Select(check => check(machine)).OfType<Finding>()];
}

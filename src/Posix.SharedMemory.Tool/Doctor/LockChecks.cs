namespace Posix.SharedMemory.Tool;

/// <summary>Whether locks of Posix.SharedMemory.Threading can use all that they would like to, or take slower ways.</summary>
internal static class LockChecks
{
    private const string Filter = "a kernel from 5.16 on; in a container, a runtime or seccomp profile that knows the call (docker run --security-opt seccomp=FILE)";

    internal static Finding? SleepOnSeveralWords(Machine machine) => machine.Locks is not { } locks ? null
        : locks.SleepOnSeveralWords ? Finding.Ok("futex", "Waiters can sleep on several words at once (futex_waitv).")
        : new(
            "futex", FindingLevel.Note, "futex_waitv is refused, by the kernel (before Linux 5.16) or by a filter of the container.",
            "Waits for locks of Posix.SharedMemory.Threading wake up every 50 ms; deaths and cancellation are found that late.",
            Filter);

    internal static Finding? Fences(Machine machine) => machine.Locks is not { } locks ? null
        : locks.Fence ? Finding.Ok("membarrier", "A process can wait until a dead one no longer writes (membarrier).")
        : new(
            "membarrier", FindingLevel.Note, "membarrier is refused.",
            "Taking a lock of Posix.SharedMemory.Threading over from a dead process takes 10 ms, and every notification costs a fence.",
            "in a container, a seccomp profile that allows membarrier; a kernel with CONFIG_MEMBARRIER");

    internal static Finding? MarkedDeaths(Machine machine) => machine.Locks is not { } locks ? null
        : locks.MarkDeaths ? Finding.Ok("robust", "The kernel reports the death of a process that holds a lock (set_robust_list).")
        : new(
            "robust", FindingLevel.Warning, "set_robust_list is refused.",
            "The death of a process that holds a lock is found up to a second late, and by processes in other PID namespaces never: they wait for ever.",
            "in a container, a seccomp profile that allows set_robust_list; a kernel with CONFIG_FUTEX");
}

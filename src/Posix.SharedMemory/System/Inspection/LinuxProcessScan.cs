using System.Globalization;
using System.Text;
using System.Text.Unicode;
using Posix.SharedMemory.Inspection;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Linux;

namespace Posix.SharedMemory;

/// <summary>Walks once through /proc for the processes that map objects or have them open.</summary>
/// <remarks><see href="https://man7.org/linux/man-pages/man5/proc.5.html">proc(5)</see></remarks>
/// <param name="calls">Makes the calls.</param>
/// <param name="files">Opens and examines paths.</param>
/// <param name="isWanted">Which objects are looked for.</param>
/// <param name="readsPaths">Whether to pass the paths to <paramref name="isWanted"/> too, which costs a call for each file that is open.</param>
internal sealed class LinuxProcessScan(SystemCalls calls, LinuxFiles files, LinuxProcessScan.Wanted isWanted, bool readsPaths = false)
{
    private readonly Dictionary<ObjectIdentity, List<SharedMemoryHolder>> _holders = [];
    private readonly LinuxNumberedDirectory _directory = new(calls, files);

    // An enumerator of linux/kcmp.h, where no preprocessor sees it.
    private const nint KCMP_FILES = 2;

    // Of the process that is being examined.
    private readonly Dictionary<ObjectIdentity, (List<HeldMapping> Mappings, List<HeldDescriptor> Descriptors)> _found = [];
    private readonly List<int> _threads = [];

    /// <summary>Returns whether an object is looked for; its path is the one that /proc shows, and empty where paths are not read.</summary>
    internal delegate bool Wanted(ObjectIdentity identity, ReadOnlySpan<char> path);

    internal SharedMemoryHolderIndex Walk()
    {
        LinuxProcess.RequireProc();
        var processes = new List<int>();
        var error = _directory.List("/proc\0"u8, processes);
        if (!error.IsSuccess)
        {
            throw SystemCalls.FailureOf(error, "open", detail: "/proc could not be listed");
        }

        processes.Sort();
        var unreadable = new List<int>();
        if (processes.Count == 0 || processes[0] != 1)
        {
            // With hidepid=2 other users' processes are not even listed. The first one always exists.
            unreadable.Add(1);
        }

        foreach (var id in processes)
        {
            _found.Clear();
            if (!TryExamine(id))
            {
                unreadable.Add(id);
            }

            Keep(id);
        }

        return new(_holders, unreadable, LinuxProcess.SeesAll);
    }

    /// <summary>Finds what a process holds.</summary>
    /// <returns>Whether that is all of it.</returns>
    private bool TryExamine(int id)
    {
        var hasMemory = AddMappings($"/proc/{id}/maps");
        var isRead = TryAddDescriptors(id, id);
        if (hasMemory is true && isRead)
        {
            return TryAddThreads(id, reference: id);
        }

        return LinuxProcess.ReadState(id) switch
        {
            LinuxProcessState.Gone or LinuxProcessState.Kernel => true,
            // The first thread has ended, or is ending. Others may go on without it, and /proc shows what they hold only under their own numbers.
            LinuxProcessState.Ended => TryAddThreads(id, reference: null),
            _ => hasMemory is false && isRead && TryAddThreads(id, reference: null),
        };
    }

    /// <summary>Finds what threads hold that the first one does not: a thread may have descriptors of its own (<c>unshare(CLONE_FILES)</c>).</summary>
    /// <param name="id">The process.</param>
    /// <param name="reference">A thread that has been examined.</param>
    /// <returns>Whether all threads could be examined.</returns>
    private bool TryAddThreads(int id, int? reference)
    {
        Span<byte> path = stackalloc byte[LinuxProcess.PathBytes];
        Utf8.TryWrite(path, CultureInfo.InvariantCulture, $"/proc/{id}/task\0", out _);
        // A directory has two links and one for each directory in it: most processes have one thread.
        if (reference is not null && files.Stat(path, out var statx).IsSuccess && statx.stx_nlink == 3)
        {
            return true;
        }

        _threads.Clear();
        var error = _directory.List(path, _threads);
        if (!error.IsSuccess)
        {
            return LinuxNumberedDirectory.IsGone(error);
        }

        var isRead = true;
        bool? hasMemory = reference is null ? null : true;
        foreach (var thread in _threads)
        {
            if (thread == id || (reference is { } known && SharesDescriptors(known, thread)))
            {
                continue;
            }

            // All threads have the same memory, as long as they live.
            hasMemory = hasMemory is true ? hasMemory : AddMappings($"/proc/{id}/task/{thread}/maps") ?? hasMemory;
            if (TryAddDescriptors(id, thread))
            {
                reference ??= thread;
            }
            else
            {
                isRead &= !Directory.Exists($"/proc/{id}/task/{thread}/fd");
            }
        }

        return isRead && (hasMemory is not null || _threads.Count <= 1);
    }

    /// <summary>Returns whether two threads have the same descriptors, as far as the kernel says: a filter may forbid the call.</summary>
    private bool SharesDescriptors(int one, int other) =>
        (calls.Fails(nameof(Libc.kcmp)) ? -1 : Libc.kcmp(SYS_kcmp, one, other, KCMP_FILES, 0, 0)) == 0;

    /// <returns>Whether there are any: a thread that has ended maps nothing at all. <see langword="null"/>: they cannot be read.</returns>
    private bool? AddMappings(FormattableString path)
    {
        if (!LinuxText.TryRead(FormattableString.Invariant(path), out var text))
        {
            return null;
        }

        using (text)
        {
            foreach (var line in text.Lines())
            {
                if (MapsLine.TryParse(text[line], out var mapping, out var file)
                    && isWanted(mapping.Identity, readsPaths ? Encoding.UTF8.GetString(file) : ""))
                {
                    FoundOf(mapping.Identity).Mappings.Add(mapping.Held);
                }
            }

            return !text.Bytes.IsEmpty;
        }
    }

    private bool TryAddDescriptors(int id, int thread)
    {
        Span<byte> path = stackalloc byte[LinuxProcess.PathBytes];
        Utf8.TryWrite(path, CultureInfo.InvariantCulture, $"/proc/{id}/task/{thread}/fd\0", out _);
        return _directory.Examine(path, (number, statx) =>
        {
            var identity = LinuxFiles.StatusOf(statx).Identity;
            if (isWanted(identity, readsPaths ? LinuxProcess.ReadLink(id, thread, number) : "")
                && FoundOf(identity).Descriptors is var descriptors && !descriptors.Exists(held => held.Number == number))
            {
                descriptors.Add(new(number, LinuxProcess.ReadAccess(id, thread, number)));
            }
        });
    }

    private (List<HeldMapping> Mappings, List<HeldDescriptor> Descriptors) FoundOf(ObjectIdentity identity)
    {
        if (!_found.TryGetValue(identity, out var held))
        {
            _found[identity] = held = ([], []);
        }

        return held;
    }

    private void Keep(int id)
    {
        SharedMemoryHolder? first = null;
        foreach (var (identity, (mappings, descriptors)) in _found)
        {
            if (!_holders.TryGetValue(identity, out var known))
            {
                _holders[identity] = known = [];
            }

            first ??= LinuxProcess.Describe(id);
            known.Add(first with { Mappings = mappings, Descriptors = descriptors });
        }
    }
}

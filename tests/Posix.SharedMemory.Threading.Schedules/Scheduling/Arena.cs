namespace Posix.SharedMemory.Threading.Schedules;

/// <summary>The shared memory of all schedules, mapped once for each process.</summary>
internal sealed class Arena : IDisposable
{
    internal const int Length = 16384, Lock = 4096, Data = 12288;

    private const int MostProcesses = 3;

    private readonly TemporaryName _name = new("schedules");
    private readonly SharedMemoryObject _memory;
    private readonly MemoryMapping[] _mappings;
    private readonly nuint[] _bases;

    internal unsafe Arena()
    {
        Kernel.Current = Kernel.Current as ScheduledKernel ?? new ScheduledKernel();
        _memory = SharedMemoryObject.Create(_name, Length);
        _mappings = [.. Enumerable.Range(0, MostProcesses).Select(_ => _memory.Map())];
        _bases = [.. _mappings.Select(mapping => (nuint)mapping.DangerousGetPointer())];
    }

    internal bool Contains(nuint address) => KeyOf(address) < Length;

    /// <summary>What an address means to the kernel: the same for all mappings of one place.</summary>
    internal nuint KeyOf(nuint address)
    {
        foreach (var start in _bases)
        {
            if (address - start < Length)
            {
                return address - start;
            }
        }

        return address;
    }

    /// <summary>The address of a place, in the first mapping.</summary>
    internal nuint AddressOf(nuint place) => _bases[0] + place;

    /// <summary>Zeroed memory with new participants.</summary>
    internal Process[] Begin(int processes)
    {
        _mappings[0].GetSpan().Clear();
        return [.. Enumerable.Range(0, processes).Select(number => new Process(number, _mappings[number], Roster.Join(_mappings[number], seats: MostProcesses)))];
    }

    public void Dispose()
    {
        foreach (var mapping in _mappings)
        {
            mapping.Dispose();
        }

        _memory.Dispose();
        _name.Dispose();
    }
}

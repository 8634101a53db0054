namespace Posix.SharedMemory.Threading.Tests;

/// <summary>A kernel that refuses certain calls, each with an error number.</summary>
internal sealed class FaultingKernel(params (string Call, Errno Errno)[] faults) : LinuxKernel
{
    /// <summary>Gets or sets whether the calls fail now.</summary>
    internal bool IsFailing { get; set; } = true;

    /// <summary>Gets how often a call was refused.</summary>
    internal int Refused => _refused;

    private int _refused;

    protected override int Fault(string call)
    {
        foreach (var (faulty, errno) in faults)
        {
            if (IsFailing && faulty == call)
            {
                Interlocked.Increment(ref _refused);
                return (int)errno;
            }
        }

        return 0;
    }
}

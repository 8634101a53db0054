using System.Diagnostics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Posix.SharedMemory.Channels;

/// <summary>How long a blocking wait polls before it sleeps: only while recent waits of this end ended within that time.</summary>
internal sealed class SpinBudget
{
    /// <summary>Below this a sleep and its wake-up cost more than polling.</summary>
    private static readonly TimeSpan s_default = TimeSpan.FromMicroseconds(25);

    private readonly long _ticks;
    private int _misses;

    internal SpinBudget(TimeSpan? budget) =>
        _ticks = Environment.ProcessorCount == 1 ? 0 : (long)((budget ?? s_default).TotalSeconds * Stopwatch.Frequency);

    /// <summary>Gets whether the next wait polls: two that had to sleep switch it off, until a wait ends soon again.</summary>
    internal bool IsOn => _ticks > 0 && _misses < 2;

    internal bool IsLeft(long since) => Stopwatch.GetTimestamp() - since < _ticks;

    /// <summary>Remembers how a wait ended.</summary>
    internal void Learn(long since)
    {
        if (IsLeft(since))
        {
            _misses = 0;
        }
        else if (_misses < 2)
        {
            _misses++;
        }
    }

    /// <summary>Leaves the memory system alone for some cycles.</summary>
    internal static void Pause(int times)
    {
        for (var i = 0; i < times; i++)
        {
            if (X86Base.IsSupported)
            {
                X86Base.Pause();
            }
            else if (ArmBase.IsSupported)
            {
                ArmBase.Yield();
            }
        }
    }
}

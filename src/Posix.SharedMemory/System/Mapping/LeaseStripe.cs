using System.Runtime.InteropServices;

namespace Posix.SharedMemory;

/// <summary>One thread's leases of one range: 128 bytes apart, since processors fetch lines of 64 bytes in pairs.</summary>
[StructLayout(LayoutKind.Sequential, Size = 128)]
internal struct LeaseStripe
{
    /// <summary>The number of the only thread that writes <see cref="Count"/>; 0 as long as no thread has claimed the stripe.</summary>
    internal int Owner;

    /// <summary>How many leases the thread holds.</summary>
    internal int Count;
}

using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Posix.SharedMemory.Threading.Schedules;

namespace Posix.SharedMemory.Threading;

/// <summary>Stands in for the base library's: an instant at which another actor may go on, and then a full fence.</summary>
internal static class Interlocked
{
    internal static uint CompareExchange(ref uint location, uint value, uint comparand, [CallerMemberName] string member = "")
    {
        Actor.Current?.Swap(ref location, value, member);
        Rewriter.BeforeSwap(ref location);
        return System.Threading.Interlocked.CompareExchange(ref location, value, comparand);
    }

    internal static ulong CompareExchange(ref ulong location, ulong value, ulong comparand, [CallerMemberName] string member = "")
    {
        Actor.Current?.Swap(ref location, value, member);
        Rewriter.BeforeSwap(ref System.Runtime.CompilerServices.Unsafe.As<ulong, uint>(ref location));
        return System.Threading.Interlocked.CompareExchange(ref location, value, comparand);
    }

    internal static int CompareExchange(ref int location, int value, int comparand) => System.Threading.Interlocked.CompareExchange(ref location, value, comparand);

    internal static long CompareExchange(ref long location, long value, long comparand) => System.Threading.Interlocked.CompareExchange(ref location, value, comparand);

    [return: NotNullIfNotNull(nameof(location))]
    internal static T CompareExchange<T>([NotNullIfNotNull(nameof(value))] ref T location, T value, T comparand)
        where T : class? => System.Threading.Interlocked.CompareExchange(ref location, value, comparand);

    internal static uint Exchange(ref uint location, uint value, [CallerMemberName] string member = "")
    {
        Actor.Current?.Swap(ref location, value, member);
        return System.Threading.Interlocked.Exchange(ref location, value);
    }

    internal static ulong Exchange(ref ulong location, ulong value, [CallerMemberName] string member = "")
    {
        Actor.Current?.Swap(ref location, value, member);
        return System.Threading.Interlocked.Exchange(ref location, value);
    }

    internal static int Exchange(ref int location, int value) => System.Threading.Interlocked.Exchange(ref location, value);

    internal static long Exchange(ref long location, long value) => System.Threading.Interlocked.Exchange(ref location, value);

    [return: NotNullIfNotNull(nameof(location))]
    internal static T Exchange<T>([NotNullIfNotNull(nameof(value))] ref T location, T value)
        where T : class? => System.Threading.Interlocked.Exchange(ref location, value);

    internal static bool Exchange(ref bool location, bool value) => System.Threading.Interlocked.Exchange(ref location, value);

    internal static uint Or(ref uint location, uint value, [CallerMemberName] string member = "")
    {
        Actor.Current?.Swap(ref location, value, member);
        return System.Threading.Interlocked.Or(ref location, value);
    }

    internal static ulong Or(ref ulong location, ulong value, [CallerMemberName] string member = "")
    {
        Actor.Current?.Swap(ref location, value, member);
        return System.Threading.Interlocked.Or(ref location, value);
    }

    internal static uint And(ref uint location, uint value, [CallerMemberName] string member = "")
    {
        Actor.Current?.Swap(ref location, value, member);
        return System.Threading.Interlocked.And(ref location, value);
    }

    internal static uint Add(ref uint location, uint value, [CallerMemberName] string member = "")
    {
        Actor.Current?.Swap(ref location, value, member);
        return System.Threading.Interlocked.Add(ref location, value);
    }

    internal static ulong Add(ref ulong location, ulong value, [CallerMemberName] string member = "")
    {
        Actor.Current?.Swap(ref location, value, member);
        return System.Threading.Interlocked.Add(ref location, value);
    }

    internal static uint Increment(ref uint location, [CallerMemberName] string member = "")
    {
        Actor.Current?.Swap(ref location, 1u, member);
        return System.Threading.Interlocked.Increment(ref location);
    }

    internal static ulong Increment(ref ulong location, [CallerMemberName] string member = "")
    {
        Actor.Current?.Swap(ref location, 1ul, member);
        return System.Threading.Interlocked.Increment(ref location);
    }

    internal static ulong Decrement(ref ulong location, [CallerMemberName] string member = "")
    {
        Actor.Current?.Swap(ref location, 1ul, member);
        return System.Threading.Interlocked.Decrement(ref location);
    }

    internal static void MemoryBarrier()
    {
        Actor.Current?.Fence();
        System.Threading.Interlocked.MemoryBarrier();
    }
}

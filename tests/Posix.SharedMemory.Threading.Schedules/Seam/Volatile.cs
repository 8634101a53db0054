using System.Runtime.CompilerServices;
using Posix.SharedMemory.Threading.Schedules;

namespace Posix.SharedMemory.Threading;

/// <summary>Stands in for the base library's: every access to shared memory by an actor is an instant at which another may go on, and stores are seen late.</summary>
internal static class Volatile
{
    internal static uint Read(ref readonly uint location, [CallerMemberName] string member = "") =>
        Actor.Current is { } actor ? actor.Load(in location, member) : System.Threading.Volatile.Read(in location);

    internal static ulong Read(ref readonly ulong location, [CallerMemberName] string member = "") =>
        Actor.Current is { } actor ? actor.Load(in location, member) : System.Threading.Volatile.Read(in location);

    internal static int Read(ref readonly int location) => System.Threading.Volatile.Read(in location);

    internal static long Read(ref readonly long location) => System.Threading.Volatile.Read(in location);

    internal static void Write(ref uint location, uint value, [CallerMemberName] string member = "")
    {
        if (Actor.Current is { } actor)
        {
            actor.Store(ref location, value, member);
        }
        else
        {
            System.Threading.Volatile.Write(ref location, value);
        }
    }

    internal static void Write(ref ulong location, ulong value, [CallerMemberName] string member = "")
    {
        if (Actor.Current is { } actor)
        {
            actor.Store(ref location, value, member);
        }
        else
        {
            System.Threading.Volatile.Write(ref location, value);
        }
    }

    internal static void Write(ref int location, int value) => System.Threading.Volatile.Write(ref location, value);

    internal static void Write(ref long location, long value) => System.Threading.Volatile.Write(ref location, value);

    internal static void Write(ref nint location, nint value) => System.Threading.Volatile.Write(ref location, value);
}

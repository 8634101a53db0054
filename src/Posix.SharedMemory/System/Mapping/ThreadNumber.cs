using System.Diagnostics.CodeAnalysis;

namespace Posix.SharedMemory;

/// <summary>A small number for each thread, by which it finds its own counts: no two threads that live at the same time have the same one.</summary>
internal sealed class ThreadNumber
{
    private static readonly Stack<int> s_returned = new();
    private static int s_highest;

    /// <summary>The thread's number; 0 until it is asked for. A plain integer, since the runtime reads it in half a nanosecond.</summary>
    [ThreadStatic]
    private static int t_current;

    /// <summary>Returns the number when the thread has ended: nobody else references it.</summary>
    [ThreadStatic]
    private static ThreadNumber? t_owner;

    private readonly int _number;

    private ThreadNumber(int number) => _number = number;

    [SuppressMessage("Design", "MA0055", Justification = "Nothing else reports that a thread has ended.")]
    ~ThreadNumber()
    {
        lock (s_returned)
        {
            s_returned.Push(_number);
        }
    }

    /// <summary>Gets the calling thread's number, or 0 if it has none yet.</summary>
    internal static int Current => t_current;

    /// <summary>Gets the calling thread's number, and gives it one if it has none yet.</summary>
    internal static int Take()
    {
        if (t_current == 0)
        {
            lock (s_returned)
            {
                t_owner = new(s_returned.TryPop(out var number) ? number : ++s_highest);
            }

            t_current = t_owner._number;
        }

        return t_current;
    }
}

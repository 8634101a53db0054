using System.Diagnostics;

namespace Posix.SharedMemory.Tool;

/// <summary>Which processes exist, also those that /proc hides from this user.</summary>
internal static class Processes
{
    /// <summary>Returns whether a process of a number exists, or may: the base library sends it a signal that does nothing (<c>kill</c> with 0).</summary>
    internal static bool Exists(int id)
    {
        try
        {
            using var process = Process.GetProcessById(id);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}

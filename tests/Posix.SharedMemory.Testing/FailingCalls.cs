namespace Posix.SharedMemory.Testing;

/// <summary>Makes the system calls of an act fail, one after the other: for the tests of packages that use the library's public surface only.</summary>
public static class FailingCalls
{
    /// <summary>Runs an act, and returns the calls that it makes on this thread.</summary>
    public static IReadOnlyList<string> Of(Action act)
    {
        ArgumentNullException.ThrowIfNull(act);
        var platform = new ScriptedPlatform();
        platform.Arm(null);
        using (Platform.Substitute(platform))
        {
            act();
        }

        return [.. platform.Calls];
    }

    /// <summary>Runs an act one of whose calls fails.</summary>
    /// <param name="at">The place of the call, counted from 0.</param>
    /// <param name="errno">Its error.</param>
    /// <param name="act">The act.</param>
    /// <returns>What the act threw.</returns>
    public static Exception? Run(int at, Errno errno, Action act)
    {
        ArgumentNullException.ThrowIfNull(act);
        var platform = new ScriptedPlatform();
        platform.ArmPlan(new Dictionary<int, Errno> { [at] = errno });
        try
        {
            using (Platform.Substitute(platform))
            {
                act();
            }

            return null;
        }
#pragma warning disable CA1031 // Whatever it is, the test judges it.
        catch (Exception e)
#pragma warning restore CA1031
        {
            return e;
        }
    }
}

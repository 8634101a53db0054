namespace Posix.SharedMemory.Tests.Faults;

/// <summary>Runs a scene once for each call that its act makes and each error that the call might report.</summary>
internal static class FaultWalk
{
    private static readonly Errno[] s_errors = [Errno.EINTR, Errno.ENOMEM, Errno.EPERM, Errno.EINVAL, Errno.ENOSPC];

    /// <summary>Walks.</summary>
    /// <param name="scene">Arranges, acts by <see cref="ScriptedPlatform.Try"/>, and checks what is left.</param>
    /// <param name="reserves">As <see cref="ScriptedPlatform.Reserves"/>.</param>
    /// <param name="forbidden">As <see cref="ScriptedPlatform.Forbidden"/>.</param>
    internal static void Each(Action<ScriptedPlatform> scene, bool reserves = false, string? forbidden = null)
    {
        List<string> Rehearse()
        {
            var rehearsal = new ScriptedPlatform { Reserves = reserves, Forbidden = forbidden };
            scene(rehearsal);
            return [.. rehearsal.Calls];
        }

        var rehearsed = Rehearse();
        Assert.NotEmpty(rehearsed);
        foreach (var calls in rehearsed.GroupBy(call => call, StringComparer.Ordinal))
        {
            for (var occurrence = 1; occurrence <= calls.Count(); occurrence++)
            {
                foreach (var errno in s_errors)
                {
                    // EINTR again and again is the same call again; once is enough.
                    var platform = new ScriptedPlatform { Reserves = reserves, Forbidden = forbidden, Fault = (calls.Key, errno, occurrence) };
                    try
                    {
                        scene(platform);
                        // A neighbour may have made the rehearsal longer.
                        Assert.True(platform.Fired || Rehearse().Count(call => call == calls.Key) < occurrence, "It has not failed.");
                    }
                    catch (Exception e)
                    {
                        throw new InvalidOperationException($"{calls.Key} number {occurrence} with {errno}: {e.Message}", e);
                    }
                }
            }
        }
    }

    /// <summary>An act may succeed, by another way or by trying again, or throw what the library throws.</summary>
    internal static void AssertExpected(Exception? thrown) =>
        Assert.True(thrown is null or SharedMemoryException or PlatformNotSupportedException, $"It threw {thrown}");

    /// <summary>How many pipes are open: only to be compared where no other test runs.</summary>
    internal static int Pipes() => Held.Descriptors("pipe:").Count;
}

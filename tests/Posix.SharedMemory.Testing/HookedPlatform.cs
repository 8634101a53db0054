namespace Posix.SharedMemory.Testing;

/// <summary>Linux where a neighbour acts just before a call: a race that always comes out the same way.</summary>
/// <param name="call">The C name of the call.</param>
/// <param name="occurrence">Which of them, counted from 1.</param>
/// <param name="neighbour">What happens before it.</param>
internal sealed class HookedPlatform(string call, int occurrence, Action neighbour) : LinuxPlatform
{
    private int _seen;

    /// <summary>Gets whether the neighbour has acted: a test in which it has not proves nothing.</summary>
    public bool Fired { get; private set; }

    private protected override bool Fails(string name)
    {
        if (name == call && ++_seen == occurrence)
        {
            Fired = true;
            using (Substitute(new LinuxPlatform()))
            {
                neighbour();
            }
        }

        return false;
    }
}

using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Testing;

/// <summary>Linux where every so many calls one fails, before it is made, with one of several errors: the same ones for the same seed.</summary>
/// <param name="seed">Which ones.</param>
/// <param name="oneIn">One call of so many.</param>
/// <param name="errors">The errors.</param>
internal sealed class FlakyPlatform(int seed, int oneIn, params Errno[] errors) : LinuxPlatform
{
    private readonly Random _random = new(seed);
    private readonly Lock _lock = new();

    /// <summary>Gets how many calls have failed.</summary>
    public int Failures { get; private set; }

    private protected override bool Fails(string call)
    {
        Errno errno;
        lock (_lock)
        {
            if (_random.Next(oneIn) != 0)
            {
                return false;
            }

            Failures++;
            errno = errors[_random.Next(errors.Length)];
        }

        Marshal.SetLastPInvokeError(errno.ToNative());
        return true;
    }
}

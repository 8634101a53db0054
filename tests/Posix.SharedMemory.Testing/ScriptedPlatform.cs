using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Testing;

/// <summary>Linux where a call fails as a script says, one entry for each time it is made.</summary>
/// <param name="call">The C name of the call.</param>
/// <param name="script">The errors in turn; success stands for a call that is really made. Behind the end all are.</param>
internal sealed class ScriptedPlatform(string call, params Errno[] script) : LinuxPlatform
{
    /// <summary>Gets how often the call was made.</summary>
    public int Made { get; private set; }

    private protected override bool Fails(string name)
    {
        if (name != call || Made++ >= script.Length || script[Made - 1].IsSuccess)
        {
            return false;
        }

        Marshal.SetLastPInvokeError(script[Made - 1].ToNative());
        return true;
    }
}

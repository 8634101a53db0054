using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory;

/// <summary>Reports that something may have happened to a name, or to the length of the object that has it.</summary>
internal abstract class NameWatch : IDisposable
{
    /// <summary>Gets the descriptor that becomes readable when something has happened to this name or to another one.</summary>
    internal abstract SafeFileHandle Handle { get; }

    /// <summary>Watches the object that has the name now, if there is one: its length too.</summary>
    /// <returns>False where there is one and it cannot be watched: what happens to its length is then not reported.</returns>
    internal abstract bool Follow();

    /// <summary>Takes what was reported, without waiting.</summary>
    /// <returns>Whether any of it concerns this name.</returns>
    internal abstract bool Read();

    public abstract void Dispose();
}

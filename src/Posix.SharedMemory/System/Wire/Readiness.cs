namespace Posix.SharedMemory;

/// <summary>A descriptor that is waited for.</summary>
/// <param name="Descriptor">Its number.</param>
/// <param name="ForWriting">Whether to wait until it takes bytes, not until it has some.</param>
internal record struct Readiness(int Descriptor, bool ForWriting)
{
    /// <summary>Gets or sets whether it can be used without waiting, or has failed.</summary>
    internal bool IsReady { get; set; }
}

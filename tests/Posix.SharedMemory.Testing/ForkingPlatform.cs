namespace Posix.SharedMemory.Testing;

/// <summary>Linux in a process that a test can let be a forked child: from then on it has another number.</summary>
internal sealed class ForkingPlatform : LinuxPlatform
{
    /// <summary>Gets or sets whether this is the child.</summary>
    public bool IsChild { get; set; }

    internal override int ProcessId => base.ProcessId + (IsChild ? 1 : 0);
}

namespace Posix.SharedMemory.Threading;

/// <summary>Something that <see cref="SharedWait"/> can wait for together with other things. Only this package implements it.</summary>
public interface ISharedWaitable
{
    internal IWaitTarget Target { get; }

    internal Kernel Kernel { get; }
}

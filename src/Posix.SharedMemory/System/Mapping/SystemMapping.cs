namespace Posix.SharedMemory;

/// <summary>Mapping: shows objects in this process's memory, advises and protects what is shown, and copies without faulting.</summary>
internal class SystemMapping
{
    /// <summary>Maps a part of an object: <c>mmap</c>.</summary>
    internal virtual SafeMappingHandle Map(in OpenObject target, MappingRequest request) => throw Platform.NotSupported();

    /// <summary>Shows more of an object in address space that <see cref="Map"/> took: from the end of what is shown to <paramref name="length"/>.</summary>
    internal virtual void MapMore(in OpenObject target, SafeMappingHandle range, MappingRequest shown, long length) => throw Platform.NotSupported();

    /// <summary>Copies from an object without mapping it, up to its end: <c>pread</c>.</summary>
    internal virtual int Read(in OpenObject target, Span<byte> destination, long offset) => throw Platform.NotSupported();

    /// <summary>Copies all of the bytes into an object, in which the caller has checked them to lie: <c>pwrite</c>.</summary>
    internal virtual void Write(in OpenObject target, ReadOnlySpan<byte> source, long offset) => throw Platform.NotSupported();

    /// <summary>Copies from an object whose bytes are mapped, by its descriptor; returns false where it has been cut off.</summary>
    /// <returns><see langword="null"/> where its descriptor cannot be used for that: <see cref="TryCopyFrom"/> does the same by address.</returns>
    internal virtual bool? TryRead(in OpenObject target, Span<byte> destination, long offset) => null;

    /// <summary>Copies out of mapped memory; returns false, and does not fault, where a page cannot be read.</summary>
    internal virtual bool TryCopyFrom(nint address, Span<byte> destination) => throw Platform.NotSupported();

    /// <summary>Copies into mapped memory; returns false, and does not fault, where a page cannot be written.</summary>
    internal virtual bool TryCopyTo(nint address, ReadOnlySpan<byte> source) => throw Platform.NotSupported();

    /// <summary>Writes changed pages to the file behind them and waits: <c>msync</c>.</summary>
    internal virtual Errno Flush(nint address, nuint length) => throw Platform.NotSupported();

    /// <summary>Tells the kernel how pages will be used: <c>madvise</c>. <see cref="Errno.EOPNOTSUPP"/>: this system has no such advice.</summary>
    internal virtual Errno Advise(nint address, nuint length, MemoryAdvice advice) => throw Platform.NotSupported();

    /// <summary>Brings pages in, for writing or reading, without changing a byte. <see cref="Errno.EFAULT"/>: one of them is not available.</summary>
    internal virtual Errno Populate(nint address, nuint length, bool writable) => Errno.EOPNOTSUPP;

    /// <summary>Combines pages into huge ones now.</summary>
    internal virtual Errno Collapse(nint address, nuint length) => Errno.EOPNOTSUPP;

    /// <summary>Keeps pages in memory, or no longer: <c>mlock</c>, <c>munlock</c>.</summary>
    internal virtual Errno Pin(nint address, nuint length, bool pinned) => throw Platform.NotSupported();

    /// <summary>Changes what this process may do with mapped pages: <c>mprotect</c>.</summary>
    internal virtual Errno Protect(nint address, nuint length, FileAccess access) => throw Platform.NotSupported();
}

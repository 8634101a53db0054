using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Posix.SharedMemory;

/// <summary>Borrows a part of a mapping for as long as its owner lives: a lease that can be a field, and that any thread may use and dispose.</summary>
/// <remarks>
/// While it is not disposed the bytes stay mapped, even if the mapping is disposed. A hold that is no longer referenced is given back by the
/// garbage collector. The compiler does not bound what is taken from it: spans, references and pointers are valid until the hold is disposed or
/// collected, so keep it reachable while they are used (a field, or <see cref="GC.KeepAlive"/>). Taking one allocates the hold itself, using it
/// allocates nothing; within one method <see cref="MemoryMapping.Acquire"/> is cheaper.
/// </remarks>
/// <example>
/// <code><![CDATA[
/// MappingHold counters = map.Hold(64, 128);             // Bytes 64 to 191, in a field for instance.
/// Interlocked.Increment(ref counters.GetReference<long>(0));
/// counters.Dispose();                                   // Bytes are unmapped with the mapping, or with its last hold or lease.
/// ]]></code>
/// </example>
public sealed class MappingHold : IDisposable
{
    private readonly FileAccess _access;
    private unsafe byte* _address;
    private SafeMappingHandle? _range;

    /// <summary>Takes over a reference that has been added to the range.</summary>
    internal unsafe MappingHold(SafeMappingHandle range, byte* address, long length, FileAccess access)
    {
        _range = range;
        _address = address;
        _access = access;
        Length = length;
    }

    /// <summary>Gives the bytes of a hold that nobody references any more back to the mapping.</summary>
    [SuppressMessage("Design", "MA0055", Justification = "A reference that was added to a SafeHandle is released by nobody else.")]
    ~MappingHold() => Release();

    /// <summary>Gets how many bytes are held; offsets count from the first of them.</summary>
    public long Length { get; }

    /// <summary>Returns some of the bytes, for reading and writing.</summary>
    /// <param name="offset">The first byte, counted from the hold's first.</param>
    /// <param name="length">How many bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException">Some of the bytes lie outside the hold.</exception>
    /// <exception cref="InvalidOperationException">The mapping was read-only when the hold was taken.</exception>
    /// <exception cref="ObjectDisposedException">The hold has been disposed.</exception>
    public unsafe Span<byte> GetSpan(long offset, int length)
    {
        MappedBytes.RequireWritable(_access);
        // SAFETY: the bytes are checked to be held; the reference taken in Hold keeps them mapped until Dispose or finalization.
        return new(MappedBytes.Locate(Held, Length, offset, length), length);
    }

    /// <summary>Returns some of the bytes, for reading.</summary>
    /// <param name="offset">The first byte, counted from the hold's first.</param>
    /// <param name="length">How many bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException">Some of the bytes lie outside the hold.</exception>
    /// <exception cref="ObjectDisposedException">The hold has been disposed.</exception>
    public unsafe ReadOnlySpan<byte> GetReadOnlySpan(long offset, int length) =>
        // SAFETY: as above.
        new(MappedBytes.Locate(Held, Length, offset, length), length);

    /// <summary>Returns one value in place, for reading, writing, <see cref="Interlocked"/> and <see cref="Volatile"/>.</summary>
    /// <param name="offset">In bytes; the value's address must be a multiple of the type's alignment.</param>
    /// <exception cref="ArgumentException">The value would not be aligned.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The value does not lie inside the hold.</exception>
    /// <exception cref="InvalidOperationException">The mapping was read-only when the hold was taken.</exception>
    /// <exception cref="ObjectDisposedException">The hold has been disposed.</exception>
    public unsafe ref T GetReference<T>(long offset)
        where T : unmanaged
    {
        MappedBytes.RequireWritable(_access);
        // SAFETY: as above; the address is aligned for T.
        return ref *MappedBytes.LocateAligned<T>(Held, Length, offset, 1);
    }

    /// <summary>Returns one value in place, for reading; <see cref="Volatile.Read(ref readonly int)"/> accepts it.</summary>
    /// <param name="offset">In bytes; the value's address must be a multiple of the type's alignment.</param>
    /// <exception cref="ArgumentException">The value would not be aligned.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The value does not lie inside the hold.</exception>
    /// <exception cref="ObjectDisposedException">The hold has been disposed.</exception>
    public unsafe ref readonly T GetReadOnlyReference<T>(long offset)
        where T : unmanaged =>
        // SAFETY: as above; the address is aligned for T.
        ref *MappedBytes.LocateAligned<T>(Held, Length, offset, 1);

    /// <summary>Returns the address of the first byte. It is valid until the hold is disposed or collected, and nothing checks that.</summary>
    /// <exception cref="ObjectDisposedException">The hold has been disposed.</exception>
    public unsafe byte* DangerousGetPointer() => Held;

    /// <summary>Gives the bytes back; further calls have no effect. If the mapping has been disposed meanwhile, its last hold or lease unmaps it.</summary>
    public void Dispose()
    {
        Release();
        GC.SuppressFinalize(this);
    }

    /// <summary>Borrows the held bytes once more: they stay mapped until the lease is disposed, even if the hold is disposed meanwhile.</summary>
    internal unsafe MappingLease Acquire()
    {
        // SAFETY: an address is copied; the range refuses a reference once it may be unmapped.
        var (address, range) = ((nint)Held, AddReference());
        return new(range, ref Unsafe.NullRef<int>(), (byte*)address, Length, _access);
    }

    /// <summary>Holds a part of the held bytes once more.</summary>
    internal unsafe MappingHold Hold(long offset, long length)
    {
        // SAFETY: as above.
        var (address, range) = ((nint)MappedBytes.Locate(Held, Length, offset, length), AddReference());
        return new(range, (byte*)address, length, _access);
    }

    private SafeMappingHandle AddReference()
    {
        var range = _range;
        ObjectDisposedException.ThrowIf(range is null, this);
        var taken = false;
        range.DangerousAddRef(ref taken);
        return range;
    }

    private unsafe byte* Held
    {
        get
        {
            // SAFETY: read once, since Dispose on another thread may take it away meanwhile.
            var address = _address;
            ObjectDisposedException.ThrowIf(address is null, this);
            return address;
        }
    }

    private unsafe void Release()
    {
        // SAFETY: from here on nothing more is handed out.
        _address = null;
        // Once, whichever threads dispose it at the same time.
        Interlocked.Exchange(ref _range, null)?.DangerousRelease();
    }
}

using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Posix.SharedMemory;

/// <summary>A part of an object in this process's memory. It is unmapped when it has been disposed and its last lease and hold have ended.</summary>
/// <remarks>
/// It outlives the object it was made from. A mapping that is no longer referenced is unmapped by the garbage collector, even while its object is in use. A span
/// or reference that was taken from it directly is valid until it is disposed or collected: keep the mapping reachable while its memory is in use, or take a
/// lease (<see cref="Acquire"/>), whose use the compiler checks, or a hold (<see cref="Hold"/>), which can be a field.
/// <see href="https://man7.org/linux/man-pages/man2/mmap.2.html">mmap(2)</see>
/// </remarks>
public sealed partial class MemoryMapping : IDisposable
{
    private readonly ObjectDescriptor _descriptor;
    private readonly SafeMappingHandle _range;
    private readonly MappingRequest _request;
    private readonly long _slack;
    private readonly bool _follows;
    private readonly unsafe byte* _start;
    private long _length;
    private long _reach;
    private long _writableReach;
    private bool _isUsable = true;
    private bool _isWritable;
    private bool _isProtected;

    /// <summary>Maps a checked part of an object: under the descriptor's monitor.</summary>
    /// <param name="descriptor">The object.</param>
    /// <param name="part">The part, which is not empty.</param>
    /// <param name="access">What the object's own access allows, or less.</param>
    /// <param name="options">The caller's.</param>
    /// <param name="follows">Whether the mapping is to show what the object grows to, rather than a fixed part.</param>
    internal unsafe MemoryMapping(ObjectDescriptor descriptor, ByteRange part, FileAccess access, MappingOptions options, bool follows)
    {
        _descriptor = descriptor;
        _follows = follows;
        // The kernel maps from page boundaries; what is mapped before the first byte is hidden.
        _slack = part.Offset & (descriptor.PageSize - 1);
        _request = new()
        {
            Offset = part.Offset - _slack,
            Length = part.Length + _slack,
            Reach = MemoryPage.RoundUp(Math.Max(part.Length, Math.Min(options.AddressSpace, long.MaxValue - _slack)) + _slack, descriptor.PageSize),
            Access = access,
            Private = options.Private,
            PageSize = descriptor.PageSize,
            HugePages = options.AdviseHugePages,
        };
        _range = descriptor.Platform.Mapping.Map(descriptor.Target, _request);
        _range.Extent = descriptor.Extents.Add(part.End, isStable: descriptor.KeepsBytes(descriptor.KnownSeals));
        _length = part.Length;
        // SAFETY: an address is computed; this object owns the range from here on.
        _start = (byte*)_range.DangerousGetHandle() + _slack;
        Access = access;
        SetReach();
    }

    /// <summary>Gets the byte of the object at which the mapping starts.</summary>
    public long Offset => _request.Offset + _slack;

    /// <summary>Gets how many bytes are mapped; <see cref="Refresh"/> may change it.</summary>
    public long Length => Volatile.Read(ref _length);

    /// <summary>Gets what the mapping allows: reading, or reading and writing.</summary>
    public FileAccess Access { get; private set; }

    /// <summary>Gets whether what is stored through the mapping stays in this process, and reaches neither the object nor another process (<see cref="MappingOptions.Private"/>).</summary>
    public bool IsPrivate => _request.Private;

    /// <summary>
    /// Gets whether no process can cut the object below what is mapped, because it is sealed against shrinking (<see cref="MemorySeals.Shrink"/>):
    /// reads then need no precaution against that. The property asks the kernel until it is true; once true, it stays true.
    /// </summary>
    /// <remarks>
    /// False if the object was disposed before this property was first read and was not sealed through it: its seals can no longer be read. False for huge pages too:
    /// another process can discard them, and the pool may have none left. Touching ordinary memory that was not reserved still needs free memory on the machine.
    /// </remarks>
    public bool IsStable => _range.Extent!.IsStable || (_descriptor.CannotEndBefore(Offset + Length) && (_range.Extent.IsStable = true));

    /// <summary>Returns all bytes, for reading and writing.</summary>
    /// <exception cref="InvalidOperationException">The mapping is read-only, or longer than a span can be.</exception>
    public Span<byte> GetSpan() => GetSpan(0, MappedBytes.WholeLength(Length));

    /// <summary>Returns some bytes, for reading and writing.</summary>
    /// <param name="offset">The first byte, counted from the mapping's first.</param>
    /// <param name="length">How many bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException">Some of them lie outside the mapping.</exception>
    /// <exception cref="InvalidOperationException">The mapping is read-only.</exception>
    public unsafe Span<byte> GetSpan(long offset, int length) =>
        // SAFETY: the bytes are checked to be mapped; they stay so until Dispose or finalization.
        new(MappedBytes.Locate(Writable, _length, offset, length), length);

    /// <summary>Returns some values, for reading and writing.</summary>
    /// <param name="offset">In bytes; a multiple of the type's alignment.</param>
    /// <param name="count">How many values.</param>
    /// <exception cref="ArgumentException">The first would not be aligned.</exception>
    /// <exception cref="ArgumentOutOfRangeException">Some of them lie outside the mapping.</exception>
    /// <exception cref="InvalidOperationException">The mapping is read-only.</exception>
    public unsafe Span<T> GetSpan<T>(long offset, int count)
        where T : unmanaged =>
        // SAFETY: as above; the address is aligned for T.
        new(MappedBytes.LocateAligned<T>(Writable, _length, offset, count), count);

    /// <summary>Returns all bytes, for reading.</summary>
    /// <exception cref="InvalidOperationException">The mapping is longer than a span can be.</exception>
    /// <example>
    /// <code>
    /// var checksum = System.Security.Cryptography.SHA256.HashData(map.GetReadOnlySpan());
    /// </code>
    /// </example>
    public ReadOnlySpan<byte> GetReadOnlySpan() => GetReadOnlySpan(0, MappedBytes.WholeLength(Length));

    /// <summary>Returns some bytes, for reading.</summary>
    /// <param name="offset">The first byte, counted from the mapping's first.</param>
    /// <param name="length">How many bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException">Some of them lie outside the mapping.</exception>
    public unsafe ReadOnlySpan<byte> GetReadOnlySpan(long offset, int length) =>
        // SAFETY: the bytes are checked to be mapped; they stay so until Dispose or finalization.
        new(MappedBytes.Locate(Mapped, _length, offset, length), length);

    /// <summary>Returns some values, for reading.</summary>
    /// <param name="offset">In bytes; a multiple of the type's alignment.</param>
    /// <param name="count">How many values.</param>
    /// <exception cref="ArgumentException">The first would not be aligned.</exception>
    /// <exception cref="ArgumentOutOfRangeException">Some of them lie outside the mapping.</exception>
    public unsafe ReadOnlySpan<T> GetReadOnlySpan<T>(long offset, int count)
        where T : unmanaged =>
        // SAFETY: as above; the address is aligned for T.
        new(MappedBytes.LocateAligned<T>(Mapped, _length, offset, count), count);

    /// <summary>Returns one value in place, for reading, writing, <see cref="Interlocked"/> and <see cref="Volatile"/>.</summary>
    /// <param name="offset">In bytes; a multiple of the type's alignment.</param>
    /// <exception cref="ArgumentException">The value would not be aligned.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The value does not lie inside the mapping.</exception>
    /// <exception cref="InvalidOperationException">The mapping is read-only.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public unsafe ref T GetReference<T>(long offset)
        where T : unmanaged
    {
        // SAFETY: within reach, the value is mapped, writable and aligned for T; what is not is checked one by one.
        return ref *(MappedBytes.IsWithin<T>(_writableReach, offset) ? (T*)(_start + offset) : FindWritable<T>(offset));
    }

    /// <summary>Returns one value in place, for reading; <see cref="Volatile.Read(ref readonly int)"/> accepts it. Works on read-only mappings too.</summary>
    /// <param name="offset">In bytes; a multiple of the type's alignment.</param>
    /// <exception cref="ArgumentException">The value would not be aligned.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The value does not lie inside the mapping.</exception>
    /// <example>
    /// <code><![CDATA[
    /// ref readonly long sequence = ref map.GetReadOnlyReference<long>(0);
    /// Console.WriteLine(Volatile.Read(in sequence));
    /// ]]></code>
    /// </example>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public unsafe ref readonly T GetReadOnlyReference<T>(long offset)
        where T : unmanaged =>
        // SAFETY: as above.
        ref *(MappedBytes.IsWithin<T>(_reach, offset) ? (T*)(_start + offset) : Find<T>(offset));

    /// <summary>Returns the address of the first byte. It is valid until the mapping is disposed or collected, and nothing checks that.</summary>
    /// <example>
    /// <code>
    /// unsafe
    /// {
    ///     Console.WriteLine($"byte {map.Offset} is at {(nint)map.DangerousGetPointer():x}, for {map.Access}");
    /// }
    /// </code>
    /// </example>
    public unsafe byte* DangerousGetPointer() => Mapped;

    /// <summary>
    /// Unmaps the memory, or leaves that to the last lease or hold. Spans, references and pointers that were taken from the mapping itself are
    /// invalid afterwards. Further calls have no effect.
    /// </summary>
    public void Dispose()
    {
        if (_range.IsClosed)
        {
            return;
        }

        // From here on nothing more is handed out; the range is unmapped with its last lease.
        _isUsable = false;
        // SYNC protect: pairs with SetReach.
        Interlocked.MemoryBarrier();
        TakeReachAway();
        _range.Dispose();
    }

    private void AddReference()
    {
        // The range itself can still be referenced after Dispose, as long as another lease lives.
        ThrowIfDisposed();
        var taken = false;
        _range.DangerousAddRef(ref taken);
    }

    private unsafe byte* Mapped
    {
        get
        {
            ThrowIfDisposed();
            // SAFETY: the range is mapped, unless another thread disposes the mapping meanwhile.
            return _start;
        }
    }

    /// <summary>The first byte, for writing: one check covers what is read-only and what is disposed.</summary>
    private unsafe byte* Writable
    {
        get
        {
            if (!_isWritable)
            {
                ThrowNotWritable();
            }

            // SAFETY: as above.
            return _start;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private unsafe T* Find<T>(long offset)
        where T : unmanaged =>
        // SAFETY: as above; the address is aligned for T.
        MappedBytes.LocateAligned<T>(Mapped, _length, offset, 1);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private unsafe T* FindWritable<T>(long offset)
        where T : unmanaged =>
        // SAFETY: as above; the address is aligned for T.
        MappedBytes.LocateAligned<T>(Writable, _length, offset, 1);

    /// <summary>Sets what can be read and written, after the length or the access has changed.</summary>
    private unsafe void SetReach()
    {
        // SAFETY: an address is computed.
        _reach = MappedBytes.Reach(_start, _length);
        _isWritable = Access != FileAccess.Read;
        _writableReach = _isWritable ? _reach : 0;
        // SYNC protect: pairs with Dispose, which may have taken all away on another thread meanwhile.
        Interlocked.MemoryBarrier();
        if (!_isUsable)
        {
            TakeReachAway();
        }
    }

    private void TakeReachAway()
    {
        _isWritable = false;
        _reach = 0;
        _writableReach = 0;
    }

    [DoesNotReturn]
    private void ThrowNotWritable()
    {
        ThrowIfDisposed();
        MappedBytes.ThrowReadOnly();
    }

    private void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(!_isUsable, this);
}

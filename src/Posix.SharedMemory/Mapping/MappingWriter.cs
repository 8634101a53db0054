using System.Buffers;

namespace Posix.SharedMemory;

/// <summary>Writes into a mapping from an offset on: serializers that accept an <see cref="IBufferWriter{T}"/> store their output directly in it.</summary>
/// <remarks>
/// <para>
/// The range ends where the mapping did when the writer was opened, and does not grow. Serializers often request more than they write. A request for more
/// than the range still has is met with a temporary buffer, and <see cref="Advance"/> copies what was written there, so that the range can be used to its
/// last byte. Output that does not fit is an <see cref="InvalidOperationException"/> from <see cref="Advance"/>, or from a request once the range is full;
/// <see cref="WrittenCount"/> and the bytes before it stay as they were then.
/// </para>
/// <para>
/// The bytes stay mapped until the writer is disposed, or collected. Other processes see them as they are stored: publish their number afterwards, for instance with
/// <see cref="Volatile"/>. Use a writer from one thread at a time.
/// </para>
/// </remarks>
/// <example>
/// <code>
/// using var writer = map.OpenWriter(8);
/// using (var json = new System.Text.Json.Utf8JsonWriter(writer))
/// {
///     json.WriteStringValue("sunny");
/// }
///
/// Volatile.Write(ref map.GetReference&lt;long&gt;(0), writer.WrittenCount);   // Now readers may look.
/// </code>
/// </example>
public sealed class MappingWriter : IBufferWriter<byte>, IDisposable
{
    /// <summary>How large a temporary buffer is at least.</summary>
    private const int Least = 256;

    private readonly MappingHold _hold;
    private MappedMemory<byte>? _window;
    private long _windowEnd;
    private byte[] _temporary = [];
    private bool _gaveTemporary;

    /// <summary>Takes over a hold of the whole range.</summary>
    internal MappingWriter(MappingHold hold) => _hold = hold;

    /// <summary>Gets how many bytes have been written.</summary>
    public long WrittenCount { get; private set; }

    /// <summary>Gets how many bytes still fit.</summary>
    public long FreeCapacity => _hold.Length - WrittenCount;

    /// <summary>Returns memory to write into: all that is left of the range, up to <see cref="int.MaxValue"/> bytes, or a temporary buffer if that is less than requested.</summary>
    /// <param name="sizeHint">How many bytes are needed at least; 0 requests any number, which is never none.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number is negative.</exception>
    /// <exception cref="InvalidOperationException">The range is full.</exception>
    /// <exception cref="ObjectDisposedException">The writer has been disposed.</exception>
    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        var length = Prepare(sizeHint);
        if (_gaveTemporary)
        {
            return _temporary;
        }

        // Made once for ranges of less than 2 GiB.
        if (_window is null || _windowEnd - WrittenCount < Math.Max(1, sizeHint))
        {
            _window = new(_hold, WrittenCount, length);
            _windowEnd = WrittenCount + length;
        }

        var window = _window.Memory;
        return window[^(int)(_windowEnd - WrittenCount)..];
    }

    /// <summary>Returns a span to write into, as <see cref="GetMemory"/> does.</summary>
    /// <inheritdoc cref="GetMemory"/>
    public Span<byte> GetSpan(int sizeHint = 0)
    {
        var length = Prepare(sizeHint);
        return _gaveTemporary ? _temporary : _hold.GetSpan(WrittenCount, length);
    }

    /// <summary>Counts bytes as written that were stored into what was returned last.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The number is negative.</exception>
    /// <exception cref="InvalidOperationException">They do not fit, or are more than was returned last. Nothing is written then.</exception>
    /// <exception cref="ObjectDisposedException">The writer has been disposed.</exception>
    public void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        if (count > FreeCapacity)
        {
            throw new InvalidOperationException($"{count} bytes do not fit: {FreeCapacity} of the range's {_hold.Length} bytes are left.");
        }

        if (_gaveTemporary && count > _temporary.Length)
        {
            throw new InvalidOperationException($"{count} bytes were not written: the buffer has {_temporary.Length}.");
        }

        var written = _hold.GetSpan(WrittenCount, count);
        if (_gaveTemporary)
        {
            _temporary.AsSpan(0, count).CopyTo(written);
            _gaveTemporary = false;
        }

        WrittenCount += count;
    }

    /// <summary>Gives the bytes back to the mapping; what was written stays. Further calls have no effect.</summary>
    public void Dispose() => _hold.Dispose();

    /// <summary>Decides what is returned, and how many bytes of the range that is.</summary>
    private unsafe int Prepare(int sizeHint)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sizeHint);
        // SAFETY: the address is not used; a disposed hold refuses it.
        _ = _hold.DangerousGetPointer();
        if (FreeCapacity == 0)
        {
            throw new InvalidOperationException($"All {_hold.Length} bytes of the range have been written.");
        }

        _gaveTemporary = sizeHint > FreeCapacity;
        if (_gaveTemporary && _temporary.Length < sizeHint)
        {
            _temporary = GC.AllocateUninitializedArray<byte>(Math.Max(sizeHint, Least));
        }

        return (int)Math.Min(FreeCapacity, int.MaxValue);
    }
}

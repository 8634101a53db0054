namespace Posix.SharedMemory;

/// <summary>Mapped bytes as <see cref="ReadOnlyMemory{T}"/>, of a read-only mapping too: sockets, files and serializers read it without a copy.</summary>
/// <remarks>
/// The bytes stay mapped until it is disposed, even if the mapping is disposed first. When it is no longer referenced, and neither is its memory, the garbage
/// collector gives them back. Other processes may change the bytes at any time. Storing into them through
/// <see cref="System.Runtime.InteropServices.MemoryMarshal.AsMemory{T}(ReadOnlyMemory{T})"/> ends the process if the mapping is read-only.
/// </remarks>
/// <example>
/// <code>
/// using (var bytes = map.GetReadOnlyMemory(0, 4096))
/// {
///     await socket.SendAsync(bytes.Memory, cancellationToken);
/// }
/// </code>
/// </example>
public sealed class MappedReadOnlyMemory : IDisposable
{
    private readonly MappedMemory<byte> _bytes;

    /// <summary>Takes over a hold of exactly the bytes.</summary>
    internal MappedReadOnlyMemory(MappingHold hold) => _bytes = new(hold, 0, checked((int)hold.Length));

    /// <summary>Gets the bytes.</summary>
    /// <exception cref="ObjectDisposedException">The instance has been disposed. Memory that was taken earlier then throws when its span is requested.</exception>
    public ReadOnlyMemory<byte> Memory => _bytes.Memory;

    /// <summary>Gives the bytes back; further calls have no effect.</summary>
    public void Dispose() => ((IDisposable)_bytes).Dispose();
}

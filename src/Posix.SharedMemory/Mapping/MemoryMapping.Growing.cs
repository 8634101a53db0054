namespace Posix.SharedMemory;

public sealed partial class MemoryMapping
{
    /// <summary>Gets how long the mapping can become without moving.</summary>
    internal long Room => _request.AddressSpace - _slack;

    /// <summary>Adopts the object's present length. The first byte does not move: spans, references and leases taken before stay valid.</summary>
    /// <returns>Whether the length changed. A part that was mapped with a length of its own never grows beyond that.</returns>
    /// <exception cref="InvalidOperationException">
    /// The object has grown beyond the address space that was taken (<see cref="MappingOptions.AddressSpace"/>). The mapping stays as it is; map anew.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The mapping, or the object it was made of, has been disposed.</exception>
    /// <remarks>
    /// After another process has shortened the object, what is gone is withdrawn from <see cref="Length"/>; touching it through a span taken
    /// before ends the process. Showing what the object has grown by takes no system call but the look at its length (Linux).
    /// </remarks>
    public bool Refresh()
    {
        // Under the object's monitor: between the look and the showing no thread of ours can cut what is shown.
        lock (_owner.Gate)
        {
            ThrowIfDisposed();
            return Show(Math.Max(0, _platform.Backing.GetLength(_owner.Target) - Offset));
        }
    }

    /// <summary>As <see cref="Refresh"/>, with the number of the object's bytes from the first mapped one on as the caller has seen it.</summary>
    internal bool Show(long visible)
    {
        lock (_owner.Gate)
        {
            // The range stays ours until this is done, whoever disposes the mapping meanwhile.
            using var lease = Acquire();
            if (_follows && visible > Room)
            {
                throw new InvalidOperationException(
                    $"The object now has {visible} bytes from the mapping's start on, and {Room} bytes of address space were taken for it: "
                    + "map anew, with a larger MappingOptions.AddressSpace.");
            }

            var length = _follows ? visible : Math.Min(visible, _request.Length - _slack);
            if (length == _length)
            {
                return false;
            }

            if (length > _length)
            {
                _platform.Mapping.MapMore(_owner.Target, _range, _request with { Length = _length + _slack, Access = Access }, length + _slack);
                if (_isProtected)
                {
                    // Protect has reached as far as the length did, and what was withdrawn may carry an older protection.
                    SharedMemoryException.ThrowIfFailed(_platform.Mapping.Protect(_range.DangerousGetHandle(), checked((nuint)(length + _slack)), Access), "mprotect", _owner.Name);
                }
            }

            _range.Extent!.End = Offset + length;
            Volatile.Write(ref _length, length);
            return true;
        }
    }
}

namespace Posix.SharedMemory;

public sealed partial class MemoryMapping
{
    /// <summary>Gets how long the mapping can become without moving.</summary>
    internal long Room => _request.Reach - _slack;

    /// <summary>Adopts the object's present length. The first byte does not move: spans, references and leases taken before stay valid.</summary>
    /// <returns>Whether the length changed. A part that was mapped with an explicit length never grows past that length.</returns>
    /// <exception cref="InvalidOperationException">
    /// The object has outgrown the reserved address space (<see cref="MappingOptions.AddressSpace"/>). The mapping stays as it is; map the object again.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The mapping, or the object it was made of, has been disposed.</exception>
    /// <remarks>
    /// After another process has shortened the object, <see cref="Length"/> no longer includes the part that is gone; touching it through a span that was taken
    /// before ends the process. Adopting growth takes one system call, which reads the object's length (Linux).
    /// </remarks>
    public bool Refresh()
    {
        // Under the object's monitor: no thread of this process can cut the object between reading its length and adopting it.
        lock (_descriptor.Handle)
        {
            ThrowIfDisposed();
            return Show(Math.Max(0, _descriptor.Platform.Backing.GetLength(_descriptor.Target) - Offset));
        }
    }

    /// <summary>As <see cref="Refresh"/>, given how many bytes the object has from the first mapped one on, as the caller has read it.</summary>
    internal bool Show(long visible)
    {
        lock (_descriptor.Handle)
        {
            // The range stays mapped until this is done, even if another thread disposes the mapping.
            using var lease = Acquire();
            if (_follows && visible > Room)
            {
                throw new InvalidOperationException(
                    $"The object now has {visible} bytes from the mapping's start on, but only {Room} bytes of address space are reserved for it: "
                    + "map it again, with a larger MappingOptions.AddressSpace.");
            }

            var length = _follows ? visible : Math.Min(visible, _request.Length - _slack);
            if (length == _length)
            {
                return false;
            }

            if (length > _length)
            {
                _descriptor.Platform.Mapping.MapMore(_descriptor.Target, _range, _request with { Length = _length + _slack, Access = Access }, length + _slack);
                if (_isProtected)
                {
                    // Protect only reached as far as the length did, and a part that was withdrawn may have an older protection.
                    SystemCalls.Check(_descriptor.Platform.Mapping.Protect(_range.DangerousGetHandle(), checked((nuint)(length + _slack)), Access), "mprotect", _descriptor.Name.Text);
                }
            }

            _range.Extent!.End = Offset + length;
            Volatile.Write(ref _length, length);
            SetReach();
            return true;
        }
    }
}

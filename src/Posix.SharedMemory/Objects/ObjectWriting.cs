namespace Posix.SharedMemory;

/// <summary>Copies a buffer into an object: all of it, or nothing.</summary>
internal readonly struct ObjectWriting(ObjectDescriptor descriptor, ObjectMappings mappings)
{
    internal void Write(ReadOnlySpan<byte> source, long offset)
    {
        var target = descriptor.Target;
        descriptor.RequireWritable();
        var backing = descriptor.Platform.Backing;
        var extent = backing.GetExtent(target);
        var range = ByteRange.Within(extent.Length, offset, source.Length, nameof(source));
        if (descriptor.HasHugePages)
        {
            WriteThroughMapping(source, range);
            return;
        }

        // A copy into one page stores all or nothing by itself. One over several pages could find the memory of the second missing.
        if (range.Length > MemoryPage.Size - MemoryPage.Inside(offset) && !backing.HasMemory(target, extent, range))
        {
            backing.PrepareToWrite(target, range);
        }

        descriptor.Platform.Mapping.Write(target, source, offset);
    }

    /// <summary>Huge pages cannot be written by <c>pwrite</c>. Mapping takes the pages from the machine's pool, or fails.</summary>
    private void WriteThroughMapping(ReadOnlySpan<byte> source, ByteRange range)
    {
        if (range.Length == 0)
        {
            return;
        }

        using var mapping = mappings.Map(range.Offset, range.Length, new() { Access = FileAccess.ReadWrite }, whole: false, follows: false);
        if (!mapping.TryWrite(0, source))
        {
            throw new SharedMemoryException(
                Errno.ENXIO, "mmap", descriptor.Name.Text, $"another process shortened the object below byte {range.End}, or there are no huge pages left");
        }
    }
}

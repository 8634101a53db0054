namespace Posix.SharedMemory.Channels;

/// <summary>The object of a channel, mapped, with its checked header. The channel and its endpoints share it; the last of them disposes it.</summary>
internal sealed unsafe partial class ChannelMemory
{
    private static readonly SharedMemoryOptions s_resuming = new() { Lifetime = Lifetime.UnlinkOnLastDispose };

    // Given back by the collector: whoever points into the bytes references this object.
    private readonly MappingHold _hold;
    private readonly MappingHold _controlHold;
    private readonly PendingUnmap _pending;
    private int _users = 1;

    private ChannelMemory(SharedMemoryObject memory, MemoryMapping mapping, ChannelHeader header)
        : this(memory, mapping, header, null, mapping)
    {
    }

    private ChannelMemory(SharedMemoryObject memory, MemoryMapping mapping, ChannelHeader header, SharedMemoryObject? control, MemoryMapping controlMapping)
    {
        (Memory, Control) = (memory, control);
        (Mapping, ControlMapping) = (mapping, controlMapping);
        Header = header;
        _hold = mapping.Hold();
        _controlHold = control is null ? _hold : controlMapping.Hold();
        _pending = new(mapping.Length + (control is null ? 0 : controlMapping.Length));
        // SAFETY: the holds, which this object references, keep the bytes mapped.
        First = _hold.DangerousGetPointer();
        // SAFETY: as above.
        ControlFirst = _controlHold.DangerousGetPointer();
    }

    internal SharedMemoryObject Memory { get; }

    internal MemoryMapping Mapping { get; }

    internal ChannelHeader Header { get; }

    internal byte* First { get; }

    /// <summary>Gets the hold that keeps <see cref="First"/> and all after it mapped.</summary>
    internal MappingHold Hold => _hold;

    internal bool IsWritable => Mapping.Access == FileAccess.ReadWrite;

    /// <summary>Gets whether endpoints can be opened, and processes can wait.</summary>
    internal bool CanTakePart => ControlMapping.Access == FileAccess.ReadWrite;

    /// <summary>Gets the object with roster, endpoints and event counts, where that is a second one.</summary>
    internal SharedMemoryObject? Control { get; }

    /// <summary>Gets the mapping of roster, endpoints and event counts, which all ends store to. They are where they are in a channel of one object.</summary>
    internal MemoryMapping ControlMapping { get; }

    internal byte* ControlFirst { get; }

    /// <summary>Gets the hold that keeps <see cref="ControlFirst"/> and all after it mapped.</summary>
    internal MappingHold ControlHold => _controlHold;

    /// <summary>Gets what messages call the channel.</summary>
    internal string Subject => SubjectOf(Memory);

    /// <summary>Creates a channel under a name; it is complete before any other process can see it.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="header">What is created.</param>
    /// <param name="options">Of the object.</param>
    /// <param name="pages">What its slots consist of. They are merged before the object has the name: if that fails, nothing is left.</param>
    internal static ChannelMemory Create(string name, ChannelHeader header, SharedMemoryOptions options, SlotPages pages = SlotPages.AsTheyCome)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        var memory = SharedMemoryObject.CreateUnpublished(header.Total, options);
        ChannelMemory? created = null;
        try
        {
            created = Fill(memory, header);
            MergeSlots(memory, header, pages);
            memory.Publish(name);
            return created;
        }
        catch
        {
            created?.Mapping.Dispose();
            memory.Dispose();
            throw;
        }
    }

    /// <summary>Creates a channel without a name, which no process can shrink.</summary>
    /// <param name="header">What is created.</param>
    /// <param name="pages">As in <see cref="Create"/>.</param>
    internal static ChannelMemory CreateAnonymous(ChannelHeader header, SlotPages pages = SlotPages.AsTheyCome)
    {
        var memory = SharedMemoryObject.CreateAnonymous(header.Total, new() { DebugName = "channel" });
        ChannelMemory? created = null;
        try
        {
            created = Fill(memory, header);
            MergeSlots(memory, header, pages);
            memory.AddSeals(MemorySeals.Shrink | MemorySeals.Grow | MemorySeals.Seal);
            return created;
        }
        catch
        {
            created?.Mapping.Dispose();
            memory.Dispose();
            throw;
        }
    }

    /// <summary>Opens the channel that has a name. Nobody is its member yet, if it was left behind: <see cref="Resume"/>.</summary>
    internal static ChannelMemory Open(string name, ushort kind = ChannelLayout.MessageKind, FileAccess access = FileAccess.ReadWrite)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return Take(SharedMemoryObject.Open(name, FileMode.Open, access), kind);
    }

    /// <summary>Opens the channel that has a name, if there is one, as <see cref="Open"/>.</summary>
    internal static ChannelMemory? TryOpen(string name, ushort kind = ChannelLayout.MessageKind)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return SharedMemoryObject.TryOpen(name, FileAccess.ReadWrite, out var memory) ? Take(memory, kind) : null;
    }

    /// <summary>The channel in an object, which belongs to the result from then on. If this throws, it stays the caller's.</summary>
    /// <exception cref="InvalidDataException">The object is something else.</exception>
    internal static ChannelMemory From(SharedMemoryObject memory, ushort kind = ChannelLayout.MessageKind)
    {
        ArgumentNullException.ThrowIfNull(memory);
        Span<byte> bytes = stackalloc byte[ChannelLayout.HeaderSize];
        var length = ReadHeader(memory, bytes, kind);
        var header = ChannelHeader.Parse(bytes, length, SubjectOf(memory), kind);
        var mapping = memory.Map(0, header.MappedLength);
        try
        {
            return new(memory, mapping, header);
        }
        catch
        {
            mapping.Dispose();
            throw;
        }
    }

    /// <summary>Copies the header of an object once.</summary>
    /// <returns>The object's length.</returns>
    private static long ReadHeader(SharedMemoryObject memory, Span<byte> bytes, ushort kind)
    {
        var length = memory.Length;
        bytes.Clear();
        return length >= ChannelLayout.PageSize && memory.Read(bytes, 0) == bytes.Length ? length
            : throw new InvalidDataException($"{SubjectOf(memory)} cannot be opened as {ChannelHeader.NameOf(kind)}: it has {length} bytes.");
    }

    /// <summary>A copy of all that comes before the data, to look at: it stays as it is, whatever becomes of the object. Nothing is mapped that another process could cut.</summary>
    /// <returns><see langword="null"/>: the object is not a channel.</returns>
    /// <exception cref="InvalidDataException">It is a channel that cannot be read: of another version or kind, or cut.</exception>
    internal static ChannelMemory? TryCopy(SharedMemoryObject memory)
    {
        ArgumentNullException.ThrowIfNull(memory);
        Span<byte> bytes = stackalloc byte[ChannelLayout.HeaderSize];
        if (memory.Read(bytes, 0) < bytes.Length || !ChannelHeader.IsChannel(bytes))
        {
            return null;
        }

        var header = ChannelHeader.Parse(bytes, memory.Length, SubjectOf(memory), ChannelHeader.KnownKind(bytes));
        var length = header.EndpointsOffset + (header.Endpoints * ChannelLayout.EndpointSize);
        var copy = CreateUnseen(length);
        MemoryMapping? mapping = null;
        try
        {
            mapping = copy.Map();
            return memory.Read(mapping.GetSpan(), 0) == length ? new(copy, mapping, header)
                : throw new InvalidDataException($"{SubjectOf(memory)} was cut while it was read: its header says {header.Total} bytes.");
        }
        catch
        {
            mapping?.Dispose();
            copy.Dispose();
            throw;
        }
    }

    /// <summary>Checks what the caller expects of the messages.</summary>
    /// <exception cref="InvalidDataException">The channel carries something else.</exception>
    internal void RequireSchema(ulong schemaId)
    {
        if (schemaId != 0 && schemaId != Header.SchemaId)
        {
            throw new InvalidDataException($"{Subject} carries messages of schema {Header.SchemaId}, not of schema {schemaId}.");
        }
    }

    /// <summary>Checks what the caller expects of the elements.</summary>
    /// <exception cref="InvalidDataException">The channel carries something else.</exception>
    internal void RequireElement(int size, int align)
    {
        if (Header.ElementSize != size || Header.ElementAlign != align)
        {
            throw new InvalidDataException(Header.ElementSize == 0
                ? $"{Subject} carries messages of any length, not elements of {size} bytes: open it with MessageChannel."
                : $"{Subject} carries elements of {Header.ElementSize} bytes aligned to {Header.ElementAlign}, not of {size} bytes aligned to {align}.");
        }
    }

    /// <summary>Checks that the latest value is one of bytes.</summary>
    /// <exception cref="InvalidDataException">It has a type.</exception>
    internal void RequireBytes()
    {
        if (Header.ElementSize != 0)
        {
            throw new InvalidDataException($"{Subject} holds values of a type of {Header.ElementSize} bytes: open it with LatestValue.");
        }
    }

    /// <summary>One more object uses the memory.</summary>
    internal void AddUser() => Interlocked.Increment(ref _users);

    /// <summary>One object less uses the memory; the last one unmaps it and closes the object.</summary>
    internal void Release()
    {
        if (Interlocked.Decrement(ref _users) == 0)
        {
            Mapping.Dispose();
            _pending.Begin();
            Memory.DisposeKeepingLocks();
            if (Control is not null)
            {
                ControlMapping.Dispose();
                Control.DisposeKeepingLocks();
            }
        }
    }

    /// <summary>
    /// Becomes a member of what was left behind, so that it is in use again and is not replaced meanwhile: only once it is known to be what is wanted, since its last member removes the name.
    /// </summary>
    /// <returns>The channel to go on with. This one belongs to it; if this throws, it has been released.</returns>
    internal ChannelMemory Resume()
    {
        if (Memory.IsMember || Memory.Name is not { } name)
        {
            return this;
        }

        try
        {
            if (!SharedMemoryObject.TryOpen(name, s_resuming, out var memory))
            {
                return this;
            }

            if (!memory.IsMember || memory.GetStatus().Identity != Memory.GetStatus().Identity)
            {
                memory.DisposeKeepingLocks();
                return this;
            }

            var resumed = Take(memory, Header.Kind);
            Release();
            return resumed;
        }
        catch
        {
            Release();
            throw;
        }
    }

    private static ChannelMemory Take(SharedMemoryObject memory, ushort kind)
    {
        try
        {
            return From(memory, kind);
        }
        catch
        {
            memory.DisposeKeepingLocks();
            throw;
        }
    }

    /// <summary>Memory that no other process sees, also where a filter refuses <c>memfd_create</c>.</summary>
    private static SharedMemoryObject CreateUnseen(long length)
    {
        try
        {
            return SharedMemoryObject.CreateAnonymous(length, new() { DebugName = "channel-status" });
        }
        catch (Exception e) when (e is PlatformNotSupportedException or SharedMemoryException { Errno: Errno.EPERM or Errno.EINVAL or Errno.ENOSYS })
        {
            return SharedMemoryObject.CreateUnpublished(length);
        }
    }

    private static ChannelMemory Fill(SharedMemoryObject memory, ChannelHeader header)
    {
        var mapping = Write(memory, header);
        try
        {
            return new(memory, mapping, header);
        }
        catch
        {
            mapping.Dispose();
            throw;
        }
    }

    /// <summary>Merges the memory of slots into huge pages, as far as the system can.</summary>
    private static void MergeSlots(SharedMemoryObject memory, ChannelHeader header, SlotPages pages)
    {
        if (pages == SlotPages.Merged)
        {
            using var slots = memory.Map(header.Frames.SlotsOffset, header.Frames.SlotBytes);
            slots.Prefault();
            slots.CollapseToHugePages();
        }
    }

    /// <summary>Maps an object, and writes a header to it.</summary>
    private static MemoryMapping Write(SharedMemoryObject memory, ChannelHeader header)
    {
        var mapping = memory.Map(0, header.MappedLength);
        try
        {
            header.Write(mapping.GetSpan(0, ChannelLayout.HeaderSize));
            // SYNC channel.magic: pairs with the look at the magic in ChannelHeader.Parse. A process that sees it sees all other fields.
            Volatile.Write(ref mapping.GetReference<ulong>(ChannelLayout.MagicAt), ChannelLayout.Magic);
            return mapping;
        }
        catch
        {
            mapping.Dispose();
            throw;
        }
    }

    private static string SubjectOf(SharedMemoryObject memory) => memory.Name is { } name ? $"'{name}'" : "The object";
}

using System.Numerics;
using System.Runtime.CompilerServices;

namespace Posix.SharedMemory.Channels;

/// <summary>Creates and opens channels of elements of one type.</summary>
public static class SharedChannel
{
    /// <summary>Creates a channel. It is complete before another process can see its name, which is removed with the last process that has the channel open.</summary>
    /// <typeparam name="T">A type whose bytes mean the same in every process: no pointers.</typeparam>
    /// <param name="name">As <see cref="SharedMemoryObject.Create"/> takes it.</param>
    /// <param name="capacity">How many elements it holds at least.</param>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EEXIST"/>: the name is taken; and others of <see cref="SharedMemoryObject.Create"/>.</exception>
    /// <exception cref="ArgumentException">The capacity is not positive or takes more than 1 GiB, or the name is not valid.</exception>
    public static SharedChannel<T> Create<T>(string name, int capacity)
        where T : unmanaged => new(ChannelMemory.Create(name, HeaderFor<T>(capacity), MessageChannelOptions.Default.ToObjectOptions()));

    /// <summary>Opens a channel.</summary>
    /// <exception cref="SharedMemoryException"><see cref="Errno.ENOENT"/>: nothing has the name. <see cref="Errno.EACCES"/>: this user may not read and write it. <see cref="Errno.EAGAIN"/>, after a second of trying: another process has stopped while it removes the name.</exception>
    /// <exception cref="InvalidDataException">What has the name is something else, or has elements of another size or alignment.</exception>
    public static SharedChannel<T> Open<T>(string name)
        where T : unmanaged
    {
        var memory = ChannelMemory.Open(name);
        try
        {
            Require<T>(memory);
        }
        catch
        {
            memory.Release();
            throw;
        }

        return new(memory.Resume());
    }

    /// <summary>Opens a channel, or creates it if there is none.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="capacity">As in <see cref="Create"/>; of a channel that exists it is not compared.</param>
    /// <param name="created">Whether this call created it.</param>
    /// <exception cref="SharedMemoryException">As <see cref="Create"/> and <see cref="Open"/>, without <see cref="Errno.EEXIST"/> and <see cref="Errno.ENOENT"/>.</exception>
    /// <exception cref="InvalidDataException">As <see cref="Open"/>.</exception>
    /// <exception cref="ArgumentException">As <see cref="Create"/>.</exception>
    public static SharedChannel<T> OpenOrCreate<T>(string name, int capacity, out bool created)
        where T : unmanaged => new(ChannelOpening.OpenOrCreate(name, HeaderFor<T>(capacity), MessageChannelOptions.Default.ToObjectOptions(), out created));

    /// <summary>Creates a channel without a name, for passing its memory to another process. It is sealed: no process can change its length.</summary>
    /// <exception cref="SharedMemoryException"><see cref="Errno.ENOMEM"/>: there is not enough memory for it.</exception>
    /// <exception cref="ArgumentException">The capacity is not positive, or takes more than 1 GiB.</exception>
    public static SharedChannel<T> CreateAnonymous<T>(int capacity)
        where T : unmanaged => new(ChannelMemory.CreateAnonymous(HeaderFor<T>(capacity)));

    /// <summary>The channel in an object that was received, or opened. The object belongs to the channel from then on; if this throws, it stays the caller's.</summary>
    /// <exception cref="InvalidDataException">The object is something else, or has elements of another size or alignment.</exception>
    public static SharedChannel<T> FromObject<T>(SharedMemoryObject memory)
        where T : unmanaged
    {
        var channel = ChannelMemory.From(memory);
        try
        {
            return new(Require<T>(channel));
        }
        catch
        {
            channel.Mapping.Dispose();
            throw;
        }
    }

    private static ChannelMemory Require<T>(ChannelMemory memory)
        where T : unmanaged
    {
        memory.RequireElement(Unsafe.SizeOf<T>(), ElementLayout.AlignmentOf<T>());
        return memory;
    }

    private static ChannelHeader HeaderFor<T>(int capacity)
        where T : unmanaged
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        var size = Unsafe.SizeOf<T>();
        var stride = ChannelLayout.RoundUp(ChannelLayout.RecordHeaderSize + size, 8);
        // One more: the piece before the end of the data may be shorter than an element.
        var bytes = (ulong)Math.Max((capacity + 1L) * stride, 2L * (size + ChannelLayout.RecordHeaderSize));
        return bytes <= ChannelLayout.MostCapacity
            ? ChannelHeader.ForRing((long)Math.Max(BitOperations.RoundUpToPowerOf2(bytes), ChannelLayout.LeastCapacity), 8, 0, "", size, ElementLayout.AlignmentOf<T>())
            : throw new ArgumentOutOfRangeException(nameof(capacity), capacity, $"{capacity} elements of {size} bytes take more than {ChannelLayout.MostCapacity} bytes.");
    }
}

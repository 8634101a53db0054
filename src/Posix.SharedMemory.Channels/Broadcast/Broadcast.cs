using System.Runtime.CompilerServices;

namespace Posix.SharedMemory.Channels;

/// <summary>Messages from one process to many, through shared memory: market data, events, telemetry. Each reader gets all of them.</summary>
/// <remarks>
/// <para>
/// Each of up to 64 readers says whether it may lose messages. The writer waits for the slowest of those that may not, as long as its process lives; a reader that may lose some
/// is never waited for, and learns exactly how many it missed. A reader that comes late begins with the next message, or with some of those before, if the broadcast was created with a history.
/// </para>
/// <para>
/// The broadcast is a shared memory object: messages stay in it whether or not anybody reads, and whatever becomes of the writer. It keeps the object open, as each end of it does; the
/// last one to be disposed closes it. <see cref="Dispose"/> does not close the ends.
/// </para>
/// </remarks>
/// <example>
/// <code><![CDATA[
/// using var quotes = Broadcast.OpenOrCreate("quotes", out _, new() { History = 100 });
/// using var writer = quotes.OpenWriter();                          // In one process …
/// writer.Write("EURUSD 1.0823"u8);
///
/// using var reader = quotes.OpenReader(new() { Delivery = BroadcastDelivery.Lossy, Start = BroadcastStart.Last(10) });    // … and in each of many.
/// var quote = new byte[64];
/// while (reader.TryRead(quote, out var info))
/// {
///     Console.WriteLine($"{info.Sequence}: {System.Text.Encoding.UTF8.GetString(quote, 0, info.Length)}, {info.Missed} missed before");
/// }
/// ]]></code>
/// </example>
public sealed class Broadcast : IDisposable
{
    private readonly OpenChannel _channel;

    private Broadcast(ChannelMemory memory) => _channel = new(memory, this);

    /// <summary>Gets the object that the broadcast is: for sending it to another process, for its permissions, for unlinking it. Disposed with it and its ends.</summary>
    public SharedMemoryObject Memory => _channel.Memory;

    /// <summary>Gets the second object of a split broadcast (<see cref="CreateSplit"/>): endpoints and wake-ups, which its readers write to; <see langword="null"/>: everything is in <see cref="Memory"/>. Disposed as that.</summary>
    public SharedMemoryObject? Control => _channel.Control;

    /// <summary>Creates a broadcast. It is complete before another process can see its name.</summary>
    /// <param name="name">As <see cref="SharedMemoryObject.Create"/> takes it.</param>
    /// <param name="options">Capacity, readers, history and meaning of the messages; permissions and lifetime of the object.</param>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EEXIST"/>: the name is taken. <see cref="Errno.ENOSPC"/>, <see cref="Errno.ENOMEM"/>: there is not enough memory for it; and others of <see cref="SharedMemoryObject.Create"/>.</exception>
    /// <exception cref="ArgumentException">An option is out of its range, or the name is not valid.</exception>
    public static Broadcast Create(string name, BroadcastOptions? options = null)
    {
        var checkedOptions = BroadcastOptions.Check(options);
        return new(ChannelMemory.Create(name, checkedOptions.ToHeader(), checkedOptions.ToObjectOptions()));
    }

    /// <summary>Opens a broadcast.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="access"><see cref="FileAccess.Read"/>: for a process that may only read. Readers that may lose messages then read, and cannot wait; there are no others.</param>
    /// <param name="schemaId">What its messages must mean; 0: anything.</param>
    /// <exception cref="SharedMemoryException"><see cref="Errno.ENOENT"/>: nothing has the name. <see cref="Errno.EACCES"/>: this user may not open it so. <see cref="Errno.EAGAIN"/>, after a second of trying: another process has stopped while it removes the name.</exception>
    /// <exception cref="InvalidDataException">What has the name is something else, which the message says.</exception>
    /// <exception cref="ArgumentException">The name is not valid, or <see cref="FileAccess.Write"/>.</exception>
    public static Broadcast Open(string name, FileAccess access = FileAccess.ReadWrite, ulong schemaId = 0)
    {
        var memory = ChannelMemory.Open(name, ChannelLayout.BroadcastKind, access);
        try
        {
            memory.RequireSchema(schemaId);
        }
        catch
        {
            memory.Release();
            throw;
        }

        return new(access == FileAccess.ReadWrite ? memory.Resume() : memory);
    }

    /// <summary>Opens it for reading and writing.</summary>
    /// <inheritdoc cref="Open(string, FileAccess, ulong)"/>
    [OverloadResolutionPriority(1)]     // A plain 0 is the schema.
    public static Broadcast Open(string name, ulong schemaId) => Open(name, FileAccess.ReadWrite, schemaId);

    /// <summary>Opens a broadcast, or creates it if there is none.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="created">Whether this call created it.</param>
    /// <param name="options">As in <see cref="Create"/>. Of one that exists, only <see cref="BroadcastOptions.SchemaId"/> is compared.</param>
    /// <exception cref="SharedMemoryException">As <see cref="Create"/> and <see cref="Open(string, FileAccess, ulong)"/>, without <see cref="Errno.EEXIST"/> and <see cref="Errno.ENOENT"/>.</exception>
    /// <exception cref="InvalidDataException">As <see cref="Open(string, FileAccess, ulong)"/>.</exception>
    /// <exception cref="ArgumentException">As <see cref="Create"/>; or <see cref="BroadcastOptions.OnConflict"/> is set, which is for <see cref="Create"/>.</exception>
    public static Broadcast OpenOrCreate(string name, out bool created, BroadcastOptions? options = null)
    {
        var checkedOptions = BroadcastOptions.Check(options);
        if (checkedOptions.OnConflict != NameConflict.Fail)
        {
            throw new ArgumentException("OpenOrCreate opens a broadcast that exists; to replace one, use Create.", nameof(options));
        }

        return new(ChannelOpening.OpenOrCreate(name, checkedOptions.ToHeader(), checkedOptions.ToObjectOptions(), out created));
    }

    /// <summary>Creates a broadcast without a name, for passing its <see cref="Memory"/> to another process. It is sealed: no process can change its length.</summary>
    /// <exception cref="SharedMemoryException"><see cref="Errno.ENOMEM"/>: there is not enough memory for it.</exception>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public static Broadcast CreateAnonymous(BroadcastOptions? options = null) => new(ChannelMemory.CreateAnonymous(BroadcastOptions.Check(options).ToHeader()));

    /// <summary>
    /// Creates a broadcast without a name whose readers cannot change a message, for processes that are not trusted: <see cref="Memory"/>, sealed against writing by any process but this one, and
    /// <see cref="Control"/>, which they need to be seen and to wait. Pass both.
    /// </summary>
    /// <param name="options">As in <see cref="CreateAnonymous"/>. <see cref="BroadcastReaderOptions.Delivery"/> of all readers is <see cref="BroadcastDelivery.Lossy"/>: they never hold the writer up.</param>
    /// <returns>A broadcast to which this process alone writes. If it ends, nobody can go on.</returns>
    /// <exception cref="SharedMemoryException"><see cref="Errno.ENOMEM"/>: there is not enough memory for it. <see cref="Errno.EINVAL"/>: this kernel, before Linux 5.1, has no <see cref="MemorySeals.FutureWrite"/>.</exception>
    /// <exception cref="PlatformNotSupportedException">This system has no <see cref="MemorySeals.FutureWrite"/>.</exception>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    /// <remarks>
    /// A hostile reader can delay the wake-ups of the others by up to a second, pretend that the writer died, and keep places of readers; it cannot change, delay or hide a message, nor fail the writer.
    /// <see href="https://man7.org/linux/man-pages/man2/F_GET_SEALS.2const.html">F_SEAL_FUTURE_WRITE(2const)</see>
    /// </remarks>
    /// <example>
    /// <code><![CDATA[
    /// using var quotes = Broadcast.CreateSplit();
    /// using var writer = quotes.OpenWriter();
    /// await socket.SendObjectAsync(quotes.Memory);
    /// await socket.SendObjectAsync(quotes.Control!);            // The other process: Broadcast.FromObjects(await …, await …).
    /// ]]></code>
    /// </example>
    public static Broadcast CreateSplit(BroadcastOptions? options = null) => new(ChannelMemory.CreateSplit(BroadcastOptions.Check(options).ToHeader() with { IsSplit = true }));

    /// <summary>The split broadcast in two objects that were received. They belong to the broadcast from then on; if this throws, they stay the caller's.</summary>
    /// <param name="data">What <see cref="Memory"/> was. It is mapped for reading only. From a process that is not trusted, receive both with <c>ReceiveObjectAsync(MemorySeals.Shrink)</c>.</param>
    /// <param name="control">What <see cref="Control"/> was. If it was opened for reading only, readers take no place and cannot wait.</param>
    /// <exception cref="InvalidDataException">One of them is something else, or they are of two broadcasts.</exception>
    /// <exception cref="SharedMemoryException">The objects could not be read or mapped.</exception>
    public static Broadcast FromObjects(SharedMemoryObject data, SharedMemoryObject control) => new(ChannelMemory.From(data, control, ChannelLayout.BroadcastKind));

    /// <summary>The broadcast in an object that was received, or opened. The object belongs to the broadcast from then on; if this throws, it stays the caller's.</summary>
    /// <param name="memory">
    /// From a process that is not trusted, receive it with <c>ReceiveObjectAsync(MemorySeals.Shrink)</c>: an object that shrinks kills processes that use it. One that was opened for
    /// reading only has readers that may lose messages and cannot wait.
    /// </param>
    /// <exception cref="InvalidDataException">The object is something else.</exception>
    public static Broadcast FromObject(SharedMemoryObject memory) => new(ChannelMemory.From(memory, ChannelLayout.BroadcastKind));

    /// <summary>Returns what can be seen of the broadcast now. Needs no end, and changes nothing.</summary>
    /// <exception cref="ObjectDisposedException">The broadcast was disposed.</exception>
    public ChannelStatus GetStatus() => _channel.GetStatus();

    /// <summary>Opens the writer.</summary>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EBUSY"/>: it is open, in this process or another living one, which the message names.</exception>
    /// <exception cref="InvalidOperationException">An earlier writer has completed the broadcast, or it was opened for reading only.</exception>
    /// <exception cref="ChannelCorruptException">The broadcast's bytes were overwritten.</exception>
    /// <exception cref="Threading.RosterFullException">Too many processes take part in the broadcast.</exception>
    public BroadcastWriter OpenWriter(EndpointOptions? options = null) => new(BroadcastTail.Open(_channel.Opened, options));

    /// <summary>Opens one more reader. It is for one thread at a time; a process can open several.</summary>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EAGAIN"/>: as many readers as the broadcast has are open.</exception>
    /// <exception cref="InvalidOperationException">The broadcast was opened for reading only, and the reader is to lose nothing.</exception>
    /// <exception cref="ChannelCorruptException">The broadcast's bytes were overwritten.</exception>
    /// <exception cref="Threading.RosterFullException">Too many processes take part in the broadcast.</exception>
    public BroadcastReader OpenReader(BroadcastReaderOptions? options = null) => new(BroadcastReading.Open(_channel.Opened, options));

    /// <summary>Opens one more reader with the options that the ends of all channels have. Unless they are <see cref="BroadcastReaderOptions"/>, it loses nothing and begins with the next message.</summary>
    /// <inheritdoc cref="OpenReader(BroadcastReaderOptions?)"/>
    public BroadcastReader OpenReader(EndpointOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return OpenReader(BroadcastReaderOptions.Of(options));
    }

    /// <summary>Closes the broadcast, but not its ends. Further calls have no effect.</summary>
    public void Dispose() => _channel.Dispose();
}

namespace Posix.SharedMemory.Channels;

/// <summary>A ring of messages between two processes: one writes, one reads, in place, through shared memory.</summary>
/// <remarks>
/// <para>
/// The channel is a shared memory object, so messages wait in it whether or not anybody is there to read them. Which process writes and which reads is decided by opening the
/// writer or the reader: each can be open in one process at a time, and the kernel frees it if that process dies.
/// </para>
/// <para>
/// A channel, and each end of it, keeps the object open; the last one to be disposed closes it. <see cref="Dispose"/> does not close the ends.
/// </para>
/// </remarks>
/// <example>
/// <code><![CDATA[
/// using var channel = MessageChannel.OpenOrCreate("quotes", out _);
/// using var writer = channel.OpenWriter();            // In one process …
/// writer.Write("EURUSD 1.0921"u8);
///
/// using var reader = channel.OpenReader();            // … and in another, usually.
/// if (reader.WaitToRead(TimeSpan.FromSeconds(1)) && reader.TryRead(out var message))
/// {
///     using (message)
///     {
///         Console.WriteLine(System.Text.Encoding.UTF8.GetString(message.Span));
///     }
/// }
/// ]]></code>
/// </example>
public sealed class MessageChannel : IDisposable
{
    private readonly OpenChannel _channel;

    private MessageChannel(ChannelMemory memory) => _channel = new(memory, this);

    /// <summary>Gets the object that the channel is: for sending it to another process, for its permissions, for unlinking it. Disposed with the channel and its ends.</summary>
    public SharedMemoryObject Memory => _channel.Memory;

    /// <summary>Creates a channel. It is complete before another process can see its name.</summary>
    /// <param name="name">As <see cref="SharedMemoryObject.Create"/> takes it.</param>
    /// <param name="options">Capacity, alignment and meaning of the messages; permissions and lifetime of the object.</param>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EEXIST"/>: the name is taken. <see cref="Errno.ENOSPC"/>, <see cref="Errno.ENOMEM"/>: there is not enough memory for it; and others of <see cref="SharedMemoryObject.Create"/>.</exception>
    /// <exception cref="ArgumentException">An option is out of its range, or the name is not valid.</exception>
    public static MessageChannel Create(string name, MessageChannelOptions? options = null)
    {
        var checkedOptions = MessageChannelOptions.Check(options);
        return new(ChannelMemory.Create(name, checkedOptions.ToHeader(), checkedOptions.ToObjectOptions()));
    }

    /// <summary>Opens a channel.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="schemaId">What its messages must mean; 0: anything.</param>
    /// <exception cref="SharedMemoryException"><see cref="Errno.ENOENT"/>: nothing has the name. <see cref="Errno.EACCES"/>: this user may not read and write it. <see cref="Errno.EAGAIN"/>, after a second of trying: another process has stopped while it removes the name.</exception>
    /// <exception cref="InvalidDataException">What has the name is something else, which the message says.</exception>
    public static MessageChannel Open(string name, ulong schemaId = 0) => Require(ChannelMemory.Open(name), schemaId);

    /// <summary>Opens a channel, or creates it if there is none.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="created">Whether this call created it.</param>
    /// <param name="options">As in <see cref="Create"/>. Of a channel that exists, only <see cref="MessageChannelOptions.SchemaId"/> is compared.</param>
    /// <exception cref="SharedMemoryException">As <see cref="Create"/> and <see cref="Open"/>, without <see cref="Errno.EEXIST"/> and <see cref="Errno.ENOENT"/>.</exception>
    /// <exception cref="InvalidDataException">As <see cref="Open"/>.</exception>
    /// <exception cref="ArgumentException">As <see cref="Create"/>; or <see cref="MessageChannelOptions.OnConflict"/> is set, which is for <see cref="Create"/>.</exception>
    public static MessageChannel OpenOrCreate(string name, out bool created, MessageChannelOptions? options = null)
    {
        var checkedOptions = MessageChannelOptions.Check(options);
        if (checkedOptions.OnConflict != NameConflict.Fail)
        {
            throw new ArgumentException("OpenOrCreate opens a channel that exists; to replace one, use Create.", nameof(options));
        }

        return new(ChannelOpening.OpenOrCreate(name, checkedOptions.ToHeader(), checkedOptions.ToObjectOptions(), out created));
    }

    /// <summary>Creates a channel without a name, for passing its <see cref="Memory"/> to another process. It is sealed: no process can change its length.</summary>
    /// <exception cref="SharedMemoryException"><see cref="Errno.ENOMEM"/>: there is not enough memory for it.</exception>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public static MessageChannel CreateAnonymous(MessageChannelOptions? options = null) => new(ChannelMemory.CreateAnonymous(MessageChannelOptions.Check(options).ToHeader()));

    /// <summary>The channel in an object that was received, or opened. The object belongs to the channel from then on; if this throws, it stays the caller's.</summary>
    /// <param name="memory">
    /// From a process that is not trusted, receive it with <c>ReceiveObjectAsync(MemorySeals.Shrink)</c>: an object that shrinks kills processes that use it. An object that was
    /// opened for reading only has a status, and no ends.
    /// </param>
    /// <exception cref="InvalidDataException">The object is something else.</exception>
    public static MessageChannel FromObject(SharedMemoryObject memory) => new(ChannelMemory.From(memory));

    /// <summary>Returns what can be seen of the channel now. Needs no end, and changes nothing.</summary>
    /// <exception cref="ObjectDisposedException">The channel was disposed.</exception>
    public ChannelStatus GetStatus() => _channel.GetStatus();

    /// <summary>Opens the writing end. Where the channel has elements, each message must be as long as one.</summary>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EBUSY"/>: it is open, in this process or another living one, which the message names.</exception>
    /// <exception cref="InvalidOperationException">The channel was completed, or it was opened for reading only.</exception>
    /// <exception cref="ChannelCorruptException">The channel's bytes were overwritten.</exception>
    /// <exception cref="Threading.RosterFullException">Too many processes take part in the channel.</exception>
    public MessageWriter OpenWriter(EndpointOptions? options = null) => new(RingWriter.Open(_channel.Opened, options));

    /// <summary>Opens the reading end.</summary>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EBUSY"/>: it is open, in this process or another living one, which the message names.</exception>
    /// <exception cref="InvalidOperationException">The channel was opened for reading only.</exception>
    /// <exception cref="ChannelCorruptException">The channel's bytes were overwritten.</exception>
    /// <exception cref="Threading.RosterFullException">Too many processes take part in the channel.</exception>
    public MessageReader OpenReader(EndpointOptions? options = null) => new(RingReader.Open(_channel.Opened, options));

    /// <summary>Closes the channel, but not its ends. Further calls have no effect.</summary>
    public void Dispose() => _channel.Dispose();

    private static MessageChannel Require(ChannelMemory memory, ulong schemaId)
    {
        try
        {
            memory.RequireSchema(schemaId);
        }
        catch
        {
            memory.Release();
            throw;
        }

        return new(memory.Resume());
    }
}

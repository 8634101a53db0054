namespace Posix.SharedMemory.Channels;

/// <summary>Messages from many writers to one reader, in one order, through shared memory: logs, metrics, work for one process.</summary>
/// <remarks>
/// <para>
/// The fan-in is a shared memory object, so messages wait in it whether or not anybody is there to read them. Up to 64 writers, in any processes, can be open at a time, and one
/// reader. Writers come and go: a fan-in is never completed. A writer that is killed in the middle of a message loses that message; the reader passes over it at once.
/// </para>
/// <para>
/// One order has a price: a writer that is stopped in the middle of a message, in a debugger for example, is alive, and the reader waits for it. <see cref="ChannelStatus.BlockedBy"/> names it.
/// All processes that can open the object trust each other: a writer can overwrite what another one writes. For writers that do not, use a <see cref="MessageChannel"/> each.
/// </para>
/// </remarks>
/// <example>
/// <code><![CDATA[
/// using var log = FanIn.OpenOrCreate("log", out _);
/// using var writer = log.OpenWriter(new() { Label = "web" });      // In each of many processes …
/// writer.Write("started"u8);
///
/// using var reader = log.OpenReader();                             // … and in one.
/// if (reader.WaitToRead(TimeSpan.FromSeconds(1)) && reader.TryRead(out var message))
/// {
///     using (message)
///     {
///         Console.WriteLine($"{message.Writer.Label}: {System.Text.Encoding.UTF8.GetString(message.Span)}");
///     }
/// }
/// ]]></code>
/// </example>
public sealed class FanIn : IDisposable
{
    private readonly OpenChannel _channel;

    private FanIn(ChannelMemory memory) => _channel = new(memory, this);

    /// <summary>Gets the object that the fan-in is: for sending it to another process, for its permissions, for unlinking it. Disposed with it and its ends.</summary>
    public SharedMemoryObject Memory => _channel.Memory;

    /// <summary>Creates a fan-in. It is complete before another process can see its name.</summary>
    /// <param name="name">As <see cref="SharedMemoryObject.Create"/> takes it.</param>
    /// <param name="options">Capacity, writers and meaning of the messages; permissions and lifetime of the object.</param>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EEXIST"/>: the name is taken. <see cref="Errno.ENOSPC"/>, <see cref="Errno.ENOMEM"/>: there is not enough memory for it; and others of <see cref="SharedMemoryObject.Create"/>.</exception>
    /// <exception cref="ArgumentException">An option is out of its range, or the name is not valid.</exception>
    public static FanIn Create(string name, FanInOptions? options = null)
    {
        var checkedOptions = FanInOptions.Check(options);
        return new(ChannelMemory.Create(name, checkedOptions.ToHeader(), checkedOptions.ToObjectOptions()));
    }

    /// <summary>Opens a fan-in.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="schemaId">What its messages must mean; 0: anything.</param>
    /// <exception cref="SharedMemoryException"><see cref="Errno.ENOENT"/>: nothing has the name. <see cref="Errno.EACCES"/>: this user may not read and write it. <see cref="Errno.EAGAIN"/>, after a second of trying: another process has stopped while it removes the name.</exception>
    /// <exception cref="InvalidDataException">What has the name is something else, which the message says.</exception>
    public static FanIn Open(string name, ulong schemaId = 0) => Require(ChannelMemory.Open(name, ChannelLayout.FanInKind), schemaId);

    /// <summary>Opens a fan-in, or creates it if there is none.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="created">Whether this call created it.</param>
    /// <param name="options">As in <see cref="Create"/>. Of one that exists, only <see cref="FanInOptions.SchemaId"/> is compared.</param>
    /// <exception cref="SharedMemoryException">As <see cref="Create"/> and <see cref="Open"/>, without <see cref="Errno.EEXIST"/> and <see cref="Errno.ENOENT"/>.</exception>
    /// <exception cref="InvalidDataException">As <see cref="Open"/>.</exception>
    /// <exception cref="ArgumentException">As <see cref="Create"/>; or <see cref="FanInOptions.OnConflict"/> is set, which is for <see cref="Create"/>.</exception>
    public static FanIn OpenOrCreate(string name, out bool created, FanInOptions? options = null)
    {
        var checkedOptions = FanInOptions.Check(options);
        if (checkedOptions.OnConflict != NameConflict.Fail)
        {
            throw new ArgumentException("OpenOrCreate opens a fan-in that exists; to replace one, use Create.", nameof(options));
        }

        return new(ChannelOpening.OpenOrCreate(name, checkedOptions.ToHeader(), checkedOptions.ToObjectOptions(), out created));
    }

    /// <summary>Creates a fan-in without a name, for passing its <see cref="Memory"/> to another process. It is sealed: no process can change its length.</summary>
    /// <exception cref="SharedMemoryException"><see cref="Errno.ENOMEM"/>: there is not enough memory for it.</exception>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public static FanIn CreateAnonymous(FanInOptions? options = null) => new(ChannelMemory.CreateAnonymous(FanInOptions.Check(options).ToHeader()));

    /// <summary>The fan-in in an object that was received, or opened. The object belongs to the fan-in from then on; if this throws, it stays the caller's.</summary>
    /// <param name="memory">
    /// From a process that is not trusted, receive it with <c>ReceiveObjectAsync(MemorySeals.Shrink)</c>: an object that shrinks kills processes that use it. An object that was
    /// opened for reading only has a status, and no ends.
    /// </param>
    /// <exception cref="InvalidDataException">The object is something else.</exception>
    public static FanIn FromObject(SharedMemoryObject memory) => new(ChannelMemory.From(memory, ChannelLayout.FanInKind));

    /// <summary>Returns what can be seen of the fan-in now. Needs no end, and changes nothing.</summary>
    /// <exception cref="ObjectDisposedException">The fan-in was disposed.</exception>
    public ChannelStatus GetStatus() => _channel.GetStatus();

    /// <summary>Opens one more writer. It is for one thread at a time; a process can open several.</summary>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EAGAIN"/>: as many writers as the fan-in has are open, or were killed and the reader has yet to pass their last messages.</exception>
    /// <exception cref="InvalidOperationException">The fan-in was opened for reading only.</exception>
    /// <exception cref="ChannelCorruptException">The fan-in's bytes were overwritten.</exception>
    /// <exception cref="Threading.RosterFullException">Too many processes take part in the fan-in.</exception>
    public FanInWriter OpenWriter(EndpointOptions? options = null) => new(ClaimWriter.Open(_channel.Opened, options));

    /// <summary>Opens the reader.</summary>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EBUSY"/>: it is open, in this process or another living one, which the message names.</exception>
    /// <exception cref="InvalidOperationException">The fan-in was opened for reading only.</exception>
    /// <exception cref="ChannelCorruptException">The fan-in's bytes were overwritten.</exception>
    /// <exception cref="Threading.RosterFullException">Too many processes take part in the fan-in.</exception>
    public FanInReader OpenReader(EndpointOptions? options = null) => new(ClaimReader.Open(_channel.Opened, options));

    /// <summary>Closes the fan-in, but not its ends. Further calls have no effect.</summary>
    public void Dispose() => _channel.Dispose();

    private static FanIn Require(ChannelMemory memory, ulong schemaId)
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

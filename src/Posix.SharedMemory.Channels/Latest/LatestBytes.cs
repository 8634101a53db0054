using System.Runtime.CompilerServices;

namespace Posix.SharedMemory.Channels;

/// <summary>The newest state of something, shared with other processes: bytes of any length up to a longest one.</summary>
/// <remarks>
/// <para>
/// One process publishes, as often as it likes: it never waits, and never looks at a reader. Any number of processes read the newest value, whole, and those that may write
/// to the object can wait for the next one. If the writer's process is killed, the last value that it had published stays; the next writer goes on.
/// </para>
/// <para>It keeps the object open, as each end of it does; the last one to be disposed closes it. <see cref="Dispose"/> does not close the ends.</para>
/// </remarks>
/// <example>
/// <code><![CDATA[
/// using var picture = LatestBytes.OpenOrCreate("picture", out _, new() { MaxLength = 1 << 20 });
/// using var writer = picture.OpenWriter();            // In one process …
/// writer.Publish("a picture"u8);
///
/// using var reader = picture.OpenReader();            // … and in others, usually.
/// var bytes = new byte[reader.MaxLength];
/// if (reader.TryRead(bytes, out var length, out _))
/// {
///     Console.WriteLine(System.Text.Encoding.UTF8.GetString(bytes.AsSpan(0, length)));
/// }
/// ]]></code>
/// </example>
public sealed class LatestBytes : IDisposable
{
    private readonly OpenChannel _channel;

    private LatestBytes(ChannelMemory memory) => _channel = new(memory, this);

    /// <summary>Gets the object that it is: for sending it to another process, for its permissions, for unlinking it. Disposed with this and its ends.</summary>
    public SharedMemoryObject Memory => _channel.Memory;

    /// <summary>Gets how many bytes the longest value has.</summary>
    public int MaxLength => _channel.Header.MaxMessage;

    /// <summary>Creates it. It is complete before another process can see its name, and has no value before the first is published.</summary>
    /// <param name="name">As <see cref="SharedMemoryObject.Create"/> takes it.</param>
    /// <param name="options">Buffers and meaning of the value; permissions and lifetime of the object.</param>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EEXIST"/>: the name is taken. <see cref="Errno.ENOSPC"/>, <see cref="Errno.ENOMEM"/>: there is not enough memory for it; and others of <see cref="SharedMemoryObject.Create"/>.</exception>
    /// <exception cref="ArgumentException">An option is out of its range, or the name is not valid.</exception>
    public static LatestBytes Create(string name, LatestBytesOptions? options = null)
    {
        var checkedOptions = LatestBytesOptions.Check(options);
        return new(ChannelMemory.Create(name, checkedOptions.ToHeader(), checkedOptions.ToObjectOptions()));
    }

    /// <summary>Opens it.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="access"><see cref="FileAccess.Read"/>: for a process that may only read. Readers then read, and cannot wait.</param>
    /// <param name="schemaId">What the value must mean; 0: anything.</param>
    /// <exception cref="SharedMemoryException"><see cref="Errno.ENOENT"/>: nothing has the name. <see cref="Errno.EACCES"/>: this user may not open it so. <see cref="Errno.EAGAIN"/>, after a second of trying: another process has stopped while it removes the name.</exception>
    /// <exception cref="InvalidDataException">What has the name is something else, which the message says.</exception>
    /// <exception cref="ArgumentException">The name is not valid, or <see cref="FileAccess.Write"/>.</exception>
    public static LatestBytes Open(string name, FileAccess access = FileAccess.ReadWrite, ulong schemaId = 0)
    {
        var memory = ChannelMemory.Open(name, ChannelLayout.LatestKind, access);
        try
        {
            memory.RequireSchema(schemaId);
            memory.RequireBytes();
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
    public static LatestBytes Open(string name, ulong schemaId) => Open(name, FileAccess.ReadWrite, schemaId);

    /// <summary>Opens it, or creates it if there is none.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="created">Whether this call created it.</param>
    /// <param name="options">As in <see cref="Create"/>. Of one that exists, only <see cref="LatestOptions.SchemaId"/> is compared.</param>
    /// <exception cref="SharedMemoryException">As for creating and opening, without <see cref="Errno.EEXIST"/> and <see cref="Errno.ENOENT"/>.</exception>
    /// <exception cref="InvalidDataException">As <see cref="Open(string, FileAccess, ulong)"/>.</exception>
    /// <exception cref="ArgumentException">An option is out of its range or the name is not valid; or <see cref="LatestOptions.OnConflict"/> is set, which is for creating.</exception>
    public static LatestBytes OpenOrCreate(string name, out bool created, LatestBytesOptions? options = null)
    {
        var checkedOptions = LatestBytesOptions.Check(options, opens: true);
        return new(ChannelOpening.OpenOrCreate(name, checkedOptions.ToHeader(), checkedOptions.ToObjectOptions(), out created));
    }

    /// <summary>Creates one without a name, for passing its <see cref="Memory"/> to another process. It is sealed: no process can change its length.</summary>
    /// <exception cref="SharedMemoryException"><see cref="Errno.ENOMEM"/>: there is not enough memory for it.</exception>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public static LatestBytes CreateAnonymous(LatestBytesOptions? options = null)
    {
        var checkedOptions = LatestBytesOptions.Check(options);
        return new(ChannelMemory.CreateAnonymous(checkedOptions.ToHeader()));
    }

    /// <summary>The one in an object that was received, or opened. The object belongs to it from then on; if this throws, it stays the caller's.</summary>
    /// <param name="memory">From a process that is not trusted, receive it with <c>ReceiveObjectAsync(MemorySeals.Shrink)</c>. One that was opened for reading only has readers that cannot wait.</param>
    /// <exception cref="InvalidDataException">The object is something else.</exception>
    public static LatestBytes FromObject(SharedMemoryObject memory)
    {
        var channel = ChannelMemory.From(memory, ChannelLayout.LatestKind);
        try
        {
            channel.RequireBytes();
            return new(channel);
        }
        catch
        {
            channel.Mapping.Dispose();
            throw;
        }
    }

    /// <summary>Returns what can be seen of it now. Needs no end, and changes nothing.</summary>
    /// <exception cref="ObjectDisposedException">It was disposed.</exception>
    public ChannelStatus GetStatus() => _channel.GetStatus();

    /// <summary>Opens the writer.</summary>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EBUSY"/>: it is open, in this process or another living one, which the message names.</exception>
    /// <exception cref="InvalidOperationException">An earlier writer has completed it, or it was opened for reading only.</exception>
    /// <exception cref="ChannelCorruptException">Its bytes were overwritten.</exception>
    /// <exception cref="Threading.RosterFullException">Too many processes take part in it.</exception>
    public LatestBytesWriter OpenWriter(EndpointOptions? options = null) => new(ValueWriter.Open(_channel.Opened, options));

    /// <summary>Opens a reader. There can be any number of them, in 62 processes besides the writer's; readers of processes that may only read are not counted.</summary>
    /// <exception cref="ChannelCorruptException">Its bytes were overwritten.</exception>
    /// <exception cref="Threading.RosterFullException">Too many processes take part in it.</exception>
    public LatestBytesReader OpenReader(EndpointOptions? options = null) => new(ValueReader.Open(_channel.Opened, options));

    /// <summary>Closes it, but not its ends. Further calls have no effect.</summary>
    public void Dispose() => _channel.Dispose();
}

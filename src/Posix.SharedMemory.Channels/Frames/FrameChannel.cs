namespace Posix.SharedMemory.Channels;

/// <summary>Big messages from one process to many, through shared memory, without a copy: video, tensors, point clouds.</summary>
/// <remarks>
/// <para>
/// The memory is a pool of slots. The publisher loans one, fills it, and sends it to up to 64 readers, which read it where it is, mapped for reading only, and give it back. A slot
/// is filled again when every reader has given it back, or has died. What happens where a reader is slower than the publisher each reader chooses: <see cref="FrameOverflow"/>.
/// </para>
/// <para>
/// The channel is a shared memory object. Which reader holds which slot only the publisher knows, so a publisher that is opened after another one begins with a new object, which takes the
/// name in one step; readers move to it. This object keeps its own open, as each end does; the last one to be disposed closes it. <see cref="Dispose"/> does not close the ends.
/// </para>
/// </remarks>
/// <example>
/// <code><![CDATA[
/// using var camera = FrameChannel.OpenOrCreate("camera", out _, new() { SlotLength = 1920 * 1080 * 3 });
/// using var writer = camera.OpenWriter();                          // In one process …
/// if (writer.TryLoan(1920 * 1080 * 3, out var filled))
/// {
///     filled.Span.Fill(128);                                       // The camera's driver writes here.
///     filled.Header = FrameHeader.ForImage(1920, 1080, channels: 3);
///     writer.Send(filled);
/// }
///
/// using var reader = camera.OpenReader(new() { Restart = PeerRestart.Wait });    // … and in each of many.
/// using var frame = await reader.ReadAsync();
/// Console.WriteLine($"{frame.Header.Width} × {frame.Header.Height}, {reader.Missed} missed");
/// ]]></code>
/// </example>
public sealed class FrameChannel : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Lifetime? _lifetime;
    private readonly SlotPages _pages;
    private ChannelMemory _memory;
    private bool _isDisposed;

    private FrameChannel(ChannelMemory memory, FrameOptions? options = null)
    {
        (_memory, _lifetime, _pages) = (memory, options?.Lifetime, options?.Pages ?? SlotPages.AsTheyCome);
        ChannelMeter.Add(memory);
    }

    /// <summary>Gets the object that the channel is: for sending it to another process, for its permissions, for unlinking it. Disposed with it and its ends.</summary>
    public SharedMemoryObject Memory => Volatile.Read(ref _memory).Memory;

    /// <summary>Creates a channel. It is complete before another process can see its name.</summary>
    /// <param name="name">As <see cref="SharedMemoryObject.Create"/> takes it.</param>
    /// <param name="options">Slots, readers and meaning of the frames; permissions and lifetime of the object.</param>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EEXIST"/>: the name is taken. <see cref="Errno.ENOSPC"/>, <see cref="Errno.ENOMEM"/>: there is not enough memory for it; and others of <see cref="SharedMemoryObject.Create"/>.</exception>
    /// <exception cref="ArgumentException">An option is out of its range, or the name is not valid.</exception>
    public static FrameChannel Create(string name, FrameOptions? options = null)
    {
        var checkedOptions = FrameOptions.Check(options);
        return new(ChannelMemory.Create(name, checkedOptions.ToHeader(), checkedOptions.ToObjectOptions(), checkedOptions.Pages), checkedOptions);
    }

    /// <summary>Opens a channel.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="schemaId">What its frames must mean; 0: anything.</param>
    /// <exception cref="SharedMemoryException"><see cref="Errno.ENOENT"/>: nothing has the name. <see cref="Errno.EACCES"/>: this user may not write to it. <see cref="Errno.EAGAIN"/>, after a second of trying: another process has stopped while it removes the name.</exception>
    /// <exception cref="InvalidDataException">What has the name is something else, which the message says.</exception>
    /// <exception cref="ArgumentException">The name is not valid.</exception>
    public static FrameChannel Open(string name, ulong schemaId = 0)
    {
        var memory = ChannelMemory.Open(name, ChannelLayout.FramesKind);
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

    /// <summary>Opens a channel, or creates it if there is none.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="created">Whether this call created it.</param>
    /// <param name="options">As in <see cref="Create"/>. Of one that exists, only <see cref="FrameOptions.SchemaId"/> is compared.</param>
    /// <exception cref="SharedMemoryException">As <see cref="Create"/> and <see cref="Open"/>, without <see cref="Errno.EEXIST"/> and <see cref="Errno.ENOENT"/>.</exception>
    /// <exception cref="InvalidDataException">As <see cref="Open"/>.</exception>
    /// <exception cref="ArgumentException">As <see cref="Create"/>; or <see cref="FrameOptions.OnConflict"/> is set, which is for <see cref="Create"/>.</exception>
    public static FrameChannel OpenOrCreate(string name, out bool created, FrameOptions? options = null)
    {
        var checkedOptions = FrameOptions.Check(options);
        if (checkedOptions.OnConflict != NameConflict.Fail)
        {
            throw new ArgumentException("OpenOrCreate opens a channel that exists; to replace one, use Create.", nameof(options));
        }

        return new(ChannelOpening.OpenOrCreate(name, checkedOptions.ToHeader(), checkedOptions.ToObjectOptions(), out created, checkedOptions.Pages), checkedOptions);
    }

    /// <summary>Creates a channel without a name, for passing its <see cref="Memory"/> to another process. It is sealed: no process can change its length. It has one writer in its life.</summary>
    /// <exception cref="SharedMemoryException"><see cref="Errno.ENOMEM"/>: there is not enough memory for it.</exception>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public static FrameChannel CreateAnonymous(FrameOptions? options = null)
    {
        var checkedOptions = FrameOptions.Check(options);
        return new(ChannelMemory.CreateAnonymous(checkedOptions.ToHeader(), checkedOptions.Pages), checkedOptions);
    }

    /// <summary>The channel in an object that was received, or opened. The object belongs to the channel from then on; if this throws, it stays the caller's.</summary>
    /// <param name="memory">From a process that is not trusted, receive it with <c>ReceiveObjectAsync(MemorySeals.Shrink)</c>: an object that shrinks kills processes that use it.</param>
    /// <exception cref="InvalidDataException">The object is something else.</exception>
    public static FrameChannel FromObject(SharedMemoryObject memory) => new(ChannelMemory.From(memory, ChannelLayout.FramesKind));

    /// <summary>Returns what can be seen of the channel now. Needs no end, and changes nothing.</summary>
    /// <exception cref="ObjectDisposedException">The channel was disposed.</exception>
    public ChannelStatus GetStatus()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            return ChannelStatus.Of(_memory);
        }
    }

    /// <summary>
    /// Opens the writer. Where another one was open before, it begins with a new object that takes the name, and that this channel moves to: <see cref="Memory"/> is another one then.
    /// </summary>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EBUSY"/>: it is open, in this process or another living one, which the message names. For a new object: as <see cref="Create"/>.</exception>
    /// <exception cref="InvalidOperationException">An earlier writer has completed the channel; or there was one, and the channel has no name; or it was opened for reading only.</exception>
    /// <exception cref="InvalidDataException">Something else has the name by now.</exception>
    /// <exception cref="ChannelCorruptException">The channel's bytes were overwritten.</exception>
    /// <exception cref="Threading.RosterFullException">Too many processes take part in the channel.</exception>
    public FrameWriter OpenWriter(EndpointOptions? options = null)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            var former = _memory;
            try
            {
                return new(FrameSuccession.OpenWriter(ref _memory, options, _lifetime, _pages));
            }
            finally
            {
                Measure(former);
            }
        }
    }

    /// <summary>
    /// Opens one more reader. A process can open several. Where another publisher has succeeded the one of this object, it is a reader of that one, and this channel moves to the object that has the name by now, as
    /// <see cref="OpenWriter"/> does.
    /// </summary>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EAGAIN"/>: as many readers as the channel has are open, or their processes died and its writer has yet to notice.</exception>
    /// <exception cref="InvalidOperationException">The channel was opened for reading only.</exception>
    /// <exception cref="InvalidDataException">The publisher has ended, and something else has the name by now.</exception>
    /// <exception cref="ChannelCorruptException">The channel's bytes were overwritten.</exception>
    /// <exception cref="Threading.RosterFullException">Too many processes take part in the channel.</exception>
    public FrameReader OpenReader(FrameReaderOptions? options = null)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            var former = _memory;
            try
            {
                return new(FrameSuccession.OpenReader(ref _memory, options));
            }
            finally
            {
                Measure(former);
            }
        }
    }

    /// <summary>Opens one more reader with the options that the ends of all channels have. Unless they are <see cref="FrameReaderOptions"/>, it is given the newest frames.</summary>
    /// <inheritdoc cref="OpenReader(FrameReaderOptions?)"/>
    public FrameReader OpenReader(EndpointOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return OpenReader(FrameReaderOptions.Of(options));
    }

    /// <summary>Closes the channel, but not its ends. Further calls have no effect.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (!_isDisposed)
            {
                _isDisposed = true;
                ChannelMeter.Remove(_memory);
                _memory.Release();
            }
        }
    }

    /// <summary>Measures the object that the channel has moved to, if it has.</summary>
    private void Measure(ChannelMemory former)
    {
        if (_memory != former)
        {
            ChannelMeter.Remove(former);
            ChannelMeter.Add(_memory);
        }
    }

    internal static InvalidOperationException WasCompleted(ChannelMemory channel) => new($"{channel.Subject} was completed by an earlier writer: nothing more can be sent through it.");
}

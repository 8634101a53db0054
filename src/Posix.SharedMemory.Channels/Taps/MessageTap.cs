namespace Posix.SharedMemory.Channels;

/// <summary>Looks at the messages of a channel as they pass, without taking them: for tools. It is for one thread at a time.</summary>
/// <remarks>
/// <para>
/// It only reads, by <c>pread</c>: the ends do not notice it, no endpoint or seat is taken, nothing is mapped, and an object that is cut does no harm. Nothing holds the writer
/// up for it either: what the writer overwrites before it was looked at is missed, and counted.
/// </para>
/// <para>
/// A message that is still waiting for the reader is copied whole. One that the reader has taken already is copied from the newer half of the ring, and marked:
/// <see cref="TappedMessage.IsTaken"/>.
/// </para>
/// <para>Of a fan-in, the messages that wait for the reader are copied: it leaves nothing of those that it has taken.</para>
/// <para>Of a broadcast, each message is copied once, from the oldest that its history has, or the newest; what is overwritten meanwhile is missed.</para>
/// <para>Of a latest value, each newest value is copied once, as a message of type 0; the versions between are missed.</para>
/// <para>Of frames, what each of them is is copied once, from the newest on, and not its bytes: <see cref="TappedMessage.Frame"/>. What lies in a slot only a reader can keep from being filled again.</para>
/// </remarks>
/// <example>
/// <code><![CDATA[
/// using var memory = SharedMemoryObject.Open("quotes", FileMode.Open, FileAccess.Read);
/// var tap = MessageTap.On(memory);
/// while (!tap.HasEnded)
/// {
///     while (tap.TryRead(out var message))
///     {
///         Console.WriteLine(Convert.ToHexString(message.Span));
///     }
///
///     await Task.Delay(10);
/// }
/// ]]></code>
/// </example>
public sealed class MessageTap
{
    private readonly ChannelTap _tap;

    private MessageTap(ChannelTap tap) => _tap = tap;

    /// <summary>Begins to look at a channel: first at the messages that are waiting in it now.</summary>
    /// <param name="memory">The object, open for reading at least. It stays the caller's.</param>
    /// <exception cref="InvalidDataException">It is not a channel whose messages can be looked at; the message says what it is instead.</exception>
    /// <exception cref="SharedMemoryException">The object could not be read.</exception>
    public static MessageTap On(SharedMemoryObject memory)
    {
        ArgumentNullException.ThrowIfNull(memory);
        Span<byte> bytes = stackalloc byte[ChannelLayout.HeaderSize];
        bytes.Clear();
        memory.Read(bytes, 0);
        var header = ChannelHeader.Parse(bytes, memory.Length, ChannelTap.SubjectOf(memory), ChannelHeader.KnownKind(bytes));
        return new(header.Kind switch
        {
            ChannelLayout.FramesKind => new FrameTap(memory, header),
            ChannelLayout.LatestKind => new NewestTap(memory, header),
            ChannelLayout.FanInKind => new ClaimTap(memory, header),
            ChannelLayout.BroadcastKind => new BroadcastTap(memory, header),
            ChannelLayout.ConnectionKind => throw new InvalidDataException($"{ChannelTap.SubjectOf(memory)} is a connection: its messages are for its two processes only."),
            _ => new RingTap(memory, header),
        });
    }

    /// <summary>Gets how many messages were missed so far, according to the reader's counter: approximately, since messages that it was just releasing may have been counted and then read as well.</summary>
    public long Missed => _tap.Missed;

    /// <summary>Gets whether the writer had completed the channel and everything in it was looked at, when <see cref="TryRead"/> last returned false.</summary>
    public bool HasEnded => _tap.HasEnded;

    /// <summary>Copies the next message, if there is one.</summary>
    /// <returns>False: there is none now.</returns>
    /// <exception cref="ChannelCorruptException">The channel holds what no correct peer writes.</exception>
    /// <exception cref="InvalidDataException">The object was cut.</exception>
    /// <exception cref="SharedMemoryException">The object could not be read.</exception>
    public bool TryRead(out TappedMessage message) => _tap.TryRead(out message);
}

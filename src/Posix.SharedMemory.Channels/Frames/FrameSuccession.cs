using Posix.SharedMemory.Threading;

namespace Posix.SharedMemory.Channels;

/// <summary>
/// What follows a publisher that has ended. Which reader holds which slot only that one knew, so the next publisher begins with another object, which takes the name over in one step, and readers go
/// over to it.
/// </summary>
internal static class FrameSuccession
{
    /// <summary>Opens the object that has the name by now.</summary>
    /// <returns><see langword="null"/>: the name still has this object, or none.</returns>
    /// <exception cref="InvalidDataException">What has the name is not such a channel.</exception>
    internal static ChannelMemory? TryOpen(ChannelMemory former)
    {
        var name = former.Memory.Name!;
        if (Inspection.SharedMemoryDirectory.Find(name) is not { } entry || entry.Identity == former.Memory.GetStatus().Identity || ChannelMemory.TryOpen(name, ChannelLayout.FramesKind) is not { } next)
        {
            return null;
        }

        try
        {
            next.RequireSchema(former.Header.SchemaId);
        }
        catch
        {
            next.Release();
            throw;
        }

        return next.Resume();
    }

    /// <summary>Opens the writer; where another one was open before, that of a new object.</summary>
    /// <param name="channel">The channel. Of a new one, it takes its place, and the former one is released.</param>
    /// <param name="options">How the writer is opened.</param>
    /// <param name="lifetime">Of a new object.</param>
    /// <param name="pages">What its slots consist of.</param>
    internal static FrameSending OpenWriter(ref ChannelMemory channel, EndpointOptions? options, Lifetime? lifetime, SlotPages pages)
    {
        while (true)
        {
            var endpoint = Endpoint.Enter(channel, EndpointRole.Writer, options);
            if (!endpoint.IsInherited)
            {
                return FrameSending.Over(endpoint);
            }

            try
            {
                // What waits in the former object sees that this is not its publisher, however long it takes.
                endpoint.Own.MarkSucceeded();
                endpoint.Notify();
                KillWindow.Pass(KillWindow.BeforeSucceeding);
                // Nobody else takes the name over while this process has the former writer's place.
                var next = Succeed(channel, lifetime, pages);
                channel.Release();
                channel = next;
            }
            finally
            {
                // Its readers look again.
                endpoint.Close();
            }
        }
    }

    /// <summary>Opens a reader; where another publisher has succeeded, of its object.</summary>
    /// <param name="channel">The channel. An object that succeeds it takes its place, and the former one is released.</param>
    /// <param name="options">How the reader is opened.</param>
    internal static FrameTaking OpenReader(ref ChannelMemory channel, FrameReaderOptions? options)
    {
        while (true)
        {
            FrameTaking taking;
            try
            {
                taking = FrameTaking.Open(channel, options);
            }
            catch (SharedMemoryException e) when (e.Errno == Errno.EAGAIN)
            {
                // Readers that died keep their places where no publisher puts them in order.
                if (!HasLostWriter(channel) || !TryMove(ref channel))
                {
                    throw;
                }

                continue;
            }

            try
            {
                // A publisher takes the name before it lets the place of the former one go: a reader that has joined, and finds that place empty, finds what has the name since.
                if (taking.Peer is not (PeerState.Left or PeerState.Died) || !TryMove(ref channel))
                {
                    return taking;
                }
            }
            catch
            {
                taking.Dispose();
                throw;
            }

            taking.Dispose();
        }
    }

    private static bool TryMove(ref ChannelMemory channel)
    {
        if (channel.Memory.Name is null || TryOpen(channel) is not { } next)
        {
            return false;
        }

        channel.Release();
        channel = next;
        return true;
    }

    private static bool HasLostWriter(ChannelMemory channel)
    {
        using var roster = Roster.Observe(channel.ControlMapping, ChannelLayout.RosterAt);
        return new EndpointView(channel, roster, ChannelLayout.WriterEndpoint).Look() is PeerState.Left or PeerState.Died;
    }

    private static ChannelMemory Succeed(ChannelMemory former, Lifetime? lifetime, SlotPages pages)
    {
        if (IsCompleted(former))
        {
            throw FrameChannel.WasCompleted(former);
        }

        if (former.Memory.Name is not { } name)
        {
            throw new InvalidOperationException($"{former.Subject} had a writer, and only that one knew which slots are in use. Without a name it cannot be succeeded: create another channel.");
        }

        if (TryOpen(former) is { } other)
        {
            return other;
        }

        var options = new SharedMemoryOptions
        {
            Permissions = former.Memory.Permissions,
            Lifetime = lifetime ?? (former.Memory.IsMember ? Lifetime.UnlinkOnLastDispose : Lifetime.Keep),
            OnConflict = NameConflict.Replace,
        };
        // SYNC frames.follow: pairs with FrameTaking.Follow. The end of the former publisher was confirmed when its mutex was entered.
        var next = ChannelMemory.Create(name, former.Header.Again(), options, pages);
        KillWindow.Pass(KillWindow.AfterSucceeding);
        return next;
    }

    private static unsafe bool IsCompleted(ChannelMemory channel) =>
        // SAFETY: the line lies in the bytes that the channel holds.
        Volatile.Read(ref *(uint*)(channel.First + ChannelLayout.WriterLine + ChannelLayout.StateInLine)) != 0;
}

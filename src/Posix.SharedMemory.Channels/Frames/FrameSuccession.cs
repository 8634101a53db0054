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
    /// <param name="hugePages">Whether its memory is merged into huge pages.</param>
    internal static FrameSending OpenWriter(ref ChannelMemory channel, EndpointOptions? options, Lifetime? lifetime, bool hugePages)
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
                // Nobody else takes the name over while this process has the former writer's place.
                var next = Succeed(channel, lifetime, hugePages);
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

    /// <summary>Merges the memory of the slots into huge pages, as far as the system can.</summary>
    internal static void Collapse(ChannelMemory channel)
    {
        var layout = channel.Header.Frames;
        using var slots = channel.Memory.Map(layout.SlotsOffset, layout.SlotBytes);
        slots.Prefault();
        slots.CollapseToHugePages();
    }

    private static ChannelMemory Succeed(ChannelMemory former, Lifetime? lifetime, bool hugePages)
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
        var next = ChannelMemory.Create(name, former.Header.Again(), options);
        KillWindow.Pass(KillWindow.AfterSucceeding);
        if (hugePages)
        {
            Collapse(next);
        }

        return next;
    }

    private static unsafe bool IsCompleted(ChannelMemory channel) =>
        // SAFETY: the line lies in the bytes that the channel holds.
        Volatile.Read(ref *(uint*)(channel.First + ChannelLayout.WriterLine + ChannelLayout.StateInLine)) != 0;
}

using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Tool;

/// <summary>A command's wait for a message of a channel: it ends with a message, or with what there is to say.</summary>
internal static class MessageWait
{
    /// <summary>Waits for a message.</summary>
    /// <param name="name">The channel.</param>
    /// <param name="waitAsync">The reader's wait.</param>
    /// <param name="timeout">How long at most.</param>
    /// <param name="what">What is done with messages: printed.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>False: none will come any more.</returns>
    /// <exception cref="CommandException">The time is up, or the writer has ended otherwise.</exception>
    internal static bool For(GivenName name, Func<CancellationToken, ValueTask<bool>> waitAsync, TimeSpan? timeout, string what, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        if (timeout is { } limit)
        {
            patience.CancelAfter(limit);
        }

        try
        {
            return waitAsync(patience.Token).AsTask().GetAwaiter().GetResult();
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new CommandException($"{name}: no message came within {timeout!.Value.TotalSeconds} s; shm topic ls shows which ends are open");
        }
        catch (PeerLeftException)
        {
            throw new CommandException($"{name}: the writer left without completing the channel; --reconnect waits for the next one");
        }
        catch (PeerDiedException e)
        {
            var label = e.Peer.Label.Length == 0 ? "" : $" ({EscapedText.Of(e.Peer.Label)})";
            throw new CommandException($"{name}: the writer's process{label} died; everything that it had committed was {what}; --reconnect waits for the next one");
        }
        catch (ChannelException e) when (e.Error != 0)
        {
            throw new CommandException($"{name}: the writer ended the channel with error {e.Error}");
        }
    }
}

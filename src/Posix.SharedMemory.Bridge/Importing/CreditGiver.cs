namespace Posix.SharedMemory.Bridge;

/// <summary>Publishes the credit of one import.</summary>
internal sealed class CreditGiver(IBridgeBackend backend, string subject)
{
    /// <summary>Gives credit, if the engine takes it in time: it is given again in a second, or when the connection is back.</summary>
    /// <param name="note">The credit.</param>
    /// <param name="limit">Ends the wait.</param>
    /// <param name="stop">Ends the import.</param>
    /// <exception cref="OperationCanceledException">The import ends.</exception>
    internal async ValueTask PublishAsync(CreditNote note, CancellationToken limit, CancellationToken stop)
    {
        try
        {
            if (backend.IsConnected)
            {
                await backend.PublishAsync(SubjectName.Credit + subject, default, note.ToBytes(), limit).ConfigureAwait(false);
            }
        }
        catch (IOException)
        {
            // As said above.
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            // As said above.
        }
    }
}

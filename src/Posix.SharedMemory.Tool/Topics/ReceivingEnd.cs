namespace Posix.SharedMemory.Tool;

/// <summary>The reader of a channel of any kind.</summary>
/// <param name="WaitAsync">Waits for a message. False: none will come any more.</param>
/// <param name="TryTake">Prints the next message and then takes it. False: there is none now.</param>
/// <param name="Reader">The reader itself.</param>
internal sealed record ReceivingEnd(Func<CancellationToken, ValueTask<bool>> WaitAsync, Func<MessageAction, bool> TryTake, IDisposable Reader) : IDisposable
{
    public void Dispose() => Reader.Dispose();
}

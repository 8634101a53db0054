namespace Posix.SharedMemory.Tool;

/// <summary>The writer of a channel of any kind.</summary>
/// <param name="MaxLength">How many bytes the longest message has.</param>
/// <param name="WriteAsync">Sends a message of a type, and waits for room where its kind has to.</param>
/// <param name="Complete">Completes the channel.</param>
/// <param name="Writer">The writer itself.</param>
internal sealed record SendingEnd(int MaxLength, Func<ReadOnlyMemory<byte>, ushort, CancellationToken, ValueTask> WriteAsync, Action Complete, IDisposable Writer) : IDisposable
{
    public void Dispose() => Writer.Dispose();
}

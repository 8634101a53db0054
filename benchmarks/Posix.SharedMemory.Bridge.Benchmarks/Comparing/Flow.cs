namespace Posix.SharedMemory.Bridge.Benchmarks.Comparing;

/// <summary>What went through a chain, and what that cost.</summary>
/// <param name="Bytes">How many bytes.</param>
/// <param name="Messages">How many messages.</param>
/// <param name="Seconds">From the first to the last message where they are received.</param>
/// <param name="Sending">Seconds of processor of the process that sends; of a bridge, without the process that writes the channel.</param>
/// <param name="Receiving">Seconds of processor of the process that receives; of a bridge, without the process that reads the channel.</param>
/// <param name="Serving">Seconds of processor of the server.</param>
/// <param name="Allocated">Bytes that both processes allocated for managed objects.</param>
/// <param name="Lost">Messages that were lost, and reported.</param>
internal sealed record Flow(double Bytes, double Messages, double Seconds, double Sending, double Receiving, double Serving, double Allocated, double Lost)
{
    internal double MegabytesPerSecond => Bytes / Seconds / 1e6;

    internal double MessagesPerSecond => Messages / Seconds;
}

namespace Posix.SharedMemory.Channels.Tests.Peers;

/// <summary>A stream of numbered frames of which every byte, the length, the type and the header follow from the number.</summary>
internal static class FrameStreams
{
    internal const int Longest = 1024;

    /// <summary>Sends a numbered frame, as soon as a slot is free.</summary>
    internal static int Send(FrameWriter writer, long number, Action? inFrame = null)
    {
        var frame = writer.Loan(Longest);
        frame.Length = Streams.LengthOf(number, Longest);
        inFrame?.Invoke();
        Streams.Fill(frame.Span, number);
        frame.Type = (ushort)(number % 1000);
        frame.Header.Tag = (ulong)number;
        return writer.Send(frame);
    }

    /// <summary>The number of a frame.</summary>
    /// <exception cref="InvalidDataException">It is torn.</exception>
    internal static long Check(Frame frame)
    {
        var number = Streams.Check(frame.ReadOnlySpan, Longest);
        return frame.Type == number % 1000 && frame.Header.Tag == (ulong)number ? number : throw new InvalidDataException($"Frame {number} is torn: its type is {frame.Type} and its tag {frame.Header.Tag}.");
    }
}

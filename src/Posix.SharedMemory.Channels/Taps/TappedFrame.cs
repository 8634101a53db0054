namespace Posix.SharedMemory.Channels;

/// <summary>What a frame is that a <see cref="MessageTap"/> has seen. Its bytes were not copied: only a reader can keep its slot from being filled again meanwhile.</summary>
/// <param name="Sequence">Its number: 0 for the first frame that the publisher sent, and one more for each.</param>
/// <param name="Timestamp">When it was taken, in nanoseconds of <c>CLOCK_MONOTONIC</c>.</param>
/// <param name="Length">How many bytes it has.</param>
/// <param name="Header">What its publisher says that it is.</param>
/// <example>
/// <code><![CDATA[
/// using var memory = SharedMemoryObject.Open("camera", FileMode.Open, FileAccess.Read);
/// var tap = MessageTap.On(memory);
/// if (tap.TryRead(out var message) && message.Frame is { } frame)
/// {
///     Console.WriteLine($"frame {frame.Sequence}: {frame.Length} bytes, {frame.Header.Width} × {frame.Header.Height}");
/// }
/// ]]></code>
/// </example>
public readonly record struct TappedFrame(long Sequence, long Timestamp, int Length, FrameHeader Header);

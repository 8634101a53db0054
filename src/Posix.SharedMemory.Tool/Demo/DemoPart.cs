using System.Globalization;
using System.Text;

namespace Posix.SharedMemory.Tool;

/// <summary>What each of the demonstration's processes does: it maps the object, and stores or loads on request.</summary>
internal static class DemoPart
{
    internal const int Length = 1 << 20, Counts = 1_000_000;

    // A counter in the first eight bytes, a mark that identifies the object, and a text.
    private const int CounterAt = 0, MarkAt = 16, TextAt = 64, TextLength = 200;

    private static ReadOnlySpan<byte> Mark => "shm demo"u8;

    /// <summary>Marks an object as the demonstration's.</summary>
    internal static void Sign(SharedMemoryObject memory) => memory.Write(Mark, MarkAt);

    internal static void Play(string name, TextReader acts, TextWriter answers)
    {
        using var memory = SharedMemoryObject.Open(name);
        Span<byte> mark = stackalloc byte[Mark.Length];
        if (memory.Length != Length || memory.Read(mark, MarkAt) < mark.Length || !mark.SequenceEqual(Mark))
        {
            throw new CommandException($"{EscapedText.Of(name)}: it was not created by shm demo");
        }

        using var mapping = memory.Map();
        while (acts.ReadLine() is { } act)
        {
            answers.Write(Act(act, mapping) + "\n");
            answers.Flush();
        }
    }

    private static string Act(string act, MemoryMapping mapping)
    {
        ref var counter = ref mapping.GetReference<long>(CounterAt);
        var text = mapping.GetSpan(TextAt, TextLength);
        switch (act)
        {
            case "store":
                text.Clear();
                Encoding.UTF8.TryGetBytes(string.Create(CultureInfo.InvariantCulture, $"Greetings from process {Environment.ProcessId}"), text, out _);
                return "stored";
            case "load":
                return Encoding.UTF8.GetString(text[..text.IndexOf((byte)0)]);
            case "count":
                for (var at = 0; at < Counts; at++)
                {
                    Interlocked.Increment(ref counter);
                }

                return "counted";
            case "counter":
                return Volatile.Read(ref counter).ToString(CultureInfo.InvariantCulture);
            default:
                return "what?";
        }
    }
}

using System.Globalization;
using Posix.SharedMemory.Channels.Tests.Peers;

namespace Posix.SharedMemory.Channels;

/// <summary>One end of a channel that is killed in a window: stream|drain NAME FROM COUNT HOW WINDOW TIMES. As tests/Posix.SharedMemory.Channels.Tests/Interop/channel_partner.c.</summary>
internal static class Program
{
    private static int Main(string[] args)
    {
        if (args is not [var role, var name, var from, var count, var how, var window, var times])
        {
            return 9;
        }

        (KillWindow.Chosen, KillWindow.Times) = ((int)Number(window), (int)Number(times));
        using var channel = MessageChannel.Open(name);
        using var bytes = channel.Memory.Map();
        if (role == "drain")
        {
            using var reader = channel.OpenReader(new() { Restart = PeerRestart.Wait });
            Streams.Read(reader, Number(from), Number(count), how, number => Volatile.Write(ref bytes.GetReference<long>(Streams.Progress), number));
        }
        else
        {
            using var writer = channel.OpenWriter(new() { Restart = PeerRestart.Wait });
            Streams.Write(writer, Number(from), Number(count), how, () => KillWindow.Pass(KillWindow.InPayload), number => Volatile.Write(ref bytes.GetReference<long>(Streams.Progress), number));
            if (how == "complete")
            {
                writer.Complete();
            }
        }

        return 0;
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}

using System.CommandLine;

namespace Posix.SharedMemory.Tool;

/// <summary><c>shm topic</c>: the commands for channels.</summary>
internal sealed class TopicCommand : ShmCommand
{
    internal TopicCommand()
        : base(
            "topic",
            "Channels between processes: list them, look at the messages without taking them, send and receive, record and replay, measure.",
            "shm topic ls",
            "shm topic tap quotes")
    {
        Add(new TopicListCommand());
        Add(new TopicTapCommand());
        Add(new TopicSendCommand());
        Add(new TopicReceiveCommand());
        Add(new TopicRecordCommand());
        Add(new TopicReplayCommand());
        Add(TopicRateCommand.OfMessages());
        Add(TopicRateCommand.OfBytes());
    }

    /// <summary>Without a command it shows its help, as <c>shm</c> does.</summary>
    protected override int Run(ParseResult given, Terminal terminal) => HelpCommand.Print(terminal, [Name]);

    /// <summary>Begins to look at the messages of a channel.</summary>
    /// <exception cref="CommandException">It is not a channel whose messages can be looked at.</exception>
    internal static Channels.MessageTap Tap(GivenName name, SharedMemoryObject memory)
    {
        RequireChannel(name, memory);
        return Channels.MessageTap.On(memory);
    }

    /// <summary>Reads what a channel shows.</summary>
    /// <exception cref="CommandException">It is not a channel.</exception>
    internal static Channels.ChannelStatus RequireChannel(GivenName name, SharedMemoryObject memory) =>
        Channels.ChannelStatus.TryRead(memory) ?? throw new CommandException($"{name}: this is not a channel; shm topic ls shows which objects are");
}

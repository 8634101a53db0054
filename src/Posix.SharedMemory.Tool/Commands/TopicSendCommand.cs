using System.CommandLine;
using System.Text;
using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Tool;

/// <summary><c>shm topic send</c>: messages into a channel, as its writer.</summary>
internal sealed class TopicSendCommand : ShmCommand
{
    private readonly Argument<GivenName> _name = Given.Name("NAME", "The channel");
    private readonly Argument<string[]> _messages = new("MESSAGE") { Description = "What to send, one message each; without any, standard input is read", Arity = ArgumentArity.ZeroOrMore };
    private readonly Option<string> _delimiter = MessageOptions.Delimiter("What ends a message on standard input: newline (the default), nul, or none: all of it is one message");
    private readonly Option<int?> _type = Given.Number("--type", "N", "The type of the messages: 0, the default, to 65279");
    private readonly Option<TimeSpan?> _timeout = Given.Seconds("--timeout", "Give up when there is no room for a message for this long; by default, wait");
    private readonly Option<bool> _create = Given.Flag("--create", "Create the channel if there is none; it stays until shm rm");
    private readonly Option<string> _kind = MessageOptions.Kind();
    private readonly Option<long?> _capacity = Given.Size("--capacity", "SIZE", "With --create: the length of the ring, a power of two, by default 1M; of a latest value, of the longest value, by default 4K");
    private readonly Option<bool> _complete = Given.Flag("--complete", "Complete the channel afterwards: the reader sees its end, and no writer can be opened again. A fan-in cannot be completed");

    internal TopicSendCommand()
        : base(
            "send", "Send messages as a writer of a channel: the arguments, or the lines of standard input. It waits for room while the ring is full; a latest value gets them one after the other.",
            "shm topic send jobs 'build 42'",
            "tail -f app.log | shm topic send log --create --kind fan-in",
            "shm topic send frames --delimiter none < frame.raw")
    {
        Add(_name);
        Add(_messages);
        foreach (var option in (Option[])[_delimiter, _type, _timeout, _create, _kind, _capacity, _complete])
        {
            Add(option);
        }

        Validators.Add(result =>
        {
            if (result.GetValue(_capacity) is not null && !result.GetValue(_create))
            {
                result.AddError("--capacity needs --create");
            }

            if (result.GetValue(_type) is > 65279)
            {
                result.AddError("--type is at most 65279: higher types are reserved");
            }
        });
    }

    protected override int Run(ParseResult given, Terminal terminal)
    {
        var name = given.GetRequiredValue(_name);
        using var end = new GracefulEnd();
        using var topic = Topic.Open(name, given.GetValue(_kind), given.GetValue(_create), given.GetValue(_capacity));
        var mustComplete = given.GetValue(_complete);
        if (mustComplete && !topic.CanComplete)
        {
            throw new CommandException($"{name}: a fan-in cannot be completed: other writers may come; leave out --complete");
        }

        if (given.GetValue(_type) is > 0 && !topic.HasTypes)
        {
            throw new CommandException($"{name}: a latest value has no type; leave out --type");
        }

        using var writer = topic.OpenWriter(new() { Label = "shm topic send" });
        var type = (ushort)(given.GetValue(_type) ?? 0);
        var timeout = given.GetValue(_timeout);
        try
        {
            if (given.GetValue(_messages) is { Length: > 0 } words)
            {
                Array.ForEach(words, word => Send(name, writer, Encoding.UTF8.GetBytes(word), type, timeout, end.Token));
            }
            else
            {
                using var source = new MessageSource(Streams.OpenInput(), MessageOptions.DelimiterOf(given.GetValue(_delimiter)), writer.MaxLength);
                while (source.TryRead(out var message, end.Token))
                {
                    Send(name, writer, message, type, timeout, end.Token);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Ctrl-C: what was sent stays in the channel. It is not completed: not all was sent.
            return ExitCode.Done;
        }

        if (mustComplete)
        {
            writer.Complete();
        }

        return ExitCode.Done;
    }

    private static void Send(GivenName name, SendingEnd writer, ReadOnlyMemory<byte> message, ushort type, TimeSpan? timeout, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        if (timeout is { } limit)
        {
            patience.CancelAfter(limit);
        }

        try
        {
            writer.WriteAsync(message, type, patience.Token).AsTask().GetAwaiter().GetResult();
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new CommandException($"{name}: there was no room for {message.Length} bytes within {timeout!.Value.TotalSeconds} s; shm topic ls shows which ends are open");
        }
        catch (Exception e) when (e is PeerLeftException or PeerDiedException)
        {
            throw new CommandException($"{name}: the ring is full, and the reader {(e is PeerDiedException ? "died" : "has left")}; shm topic recv takes messages out");
        }
        catch (ArgumentException)
        {
            throw new CommandException($"{name}: a message has {message.Length} bytes, and the longest that this channel carries has {writer.MaxLength}");
        }
    }
}

using System.CommandLine;

namespace Posix.SharedMemory.Tool;

/// <summary>The options that commands have in common that print messages, or read or write a channel.</summary>
internal sealed class MessageOptions
{
    private readonly Option<bool> _text = Given.Flag("--text", "Print each message as text, with what cannot be printed escaped");
    private readonly Option<bool> _hex = Given.Flag("--hex", "Print each message in hexadecimal");
    private readonly Option<MessageFields?> _struct = new("--struct")
    {
        HelpName = "FIELDS",
        Description = "Print each message as these fields, aligned as in C: i8 to i64, u8 to u64, f32, f64, bool, xN for N bytes to skip, sN for text of N bytes; u16[3] is three of them",
        CustomParser = result => Given.One(result, MessageFields.Read),
    };

    private readonly Option<bool> _json = Given.Flag("--json", "Print each message as one line of JSON");

    internal void AddTo(Command command)
    {
        Option[] options = [_text, _hex, _struct, _json];
        Array.ForEach(options, command.Add);
        command.Validators.Add(result =>
        {
            // Fields may also be printed as JSON.
            Option[] alone = [_text, _hex, result.GetResult(_struct) is null ? _json : _struct];
            if (alone.Count(option => result.GetResult(option) is { Implicit: false }) > 1)
            {
                result.AddError("choose one of --text, --hex, --json and --struct; only --struct and --json can be combined");
            }
        });
    }

    internal MessageShape Of(ParseResult given) => new(
        given.GetValue(_json) ? "json" : given.GetValue(_text) ? "text" : given.GetValue(_hex) ? "hex" : given.GetValue(_struct) is null ? "none" : "struct", given.GetValue(_struct));

    /// <summary>Which kind of channel to create, or to expect.</summary>
    internal static Option<string> Kind() => Given.Choice("--kind", "KIND", "What the channel is: message, fan-in, latest or broadcast; with --create, message by default", Topic.Kinds);

    internal static Option<string> Delimiter(string description) => Given.Choice("--delimiter", "WORD", description, "newline", "nul", "none");

    /// <summary>The byte that a word stands for; <see langword="null"/>: none.</summary>
    internal static byte? DelimiterOf(string? word) => word switch { "nul" => 0, "none" => null, _ => (byte)'\n' };
}

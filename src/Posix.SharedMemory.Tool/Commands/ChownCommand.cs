using System.CommandLine;

namespace Posix.SharedMemory.Tool;

/// <summary><c>shm chown</c>.</summary>
internal sealed class ChownCommand : ShmCommand
{
    private sealed record Owner(uint? User, uint? Group);

    private readonly Argument<Owner> _owner = new("OWNER")
    {
        Description = "USER, USER:GROUP or :GROUP, as names or numbers",
        CustomParser = result => Given.One(result, ReadOwner)!,
    };

    private readonly Argument<GivenName> _name = Given.Name("NAME", "The object");

    internal ChownCommand()
        : base(
            "chown", "Give an object to another user or group. Only root can give it to another user. Processes that already have it open are unaffected.",
            "shm chown alice frames", "shm chown :video frames")
    {
        Add(_owner);
        Add(_name);
    }

    protected override int Run(ParseResult given, Terminal terminal)
    {
        var (user, group) = given.GetRequiredValue(_owner);
        using var memory = given.GetRequiredValue(_name).Open(FileAccess.Read);
        memory.SetOwner(user, group);
        return ExitCode.Done;
    }

    private static Owner? ReadOwner(string text, out string? objection)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        var (userText, groupText) = colon < 0 ? (text, "") : (text[..colon], text[(colon + 1)..]);
        uint? user = null, group = null;
        objection = userText.Length + groupText.Length == 0 ? $"'{EscapedText.Of(text)}' is not a valid owner; examples: alice, alice:video, :video, 1000:44" : null;
        if (objection is null && userText.Length > 0)
        {
            user = Accounts.Users.Read(userText, out objection);
        }

        if (objection is null && groupText.Length > 0)
        {
            group = Accounts.Groups.Read(groupText, out objection);
        }

        return objection is null ? new(user, group) : null;
    }
}

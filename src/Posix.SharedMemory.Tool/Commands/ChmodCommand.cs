using System.CommandLine;

namespace Posix.SharedMemory.Tool;

/// <summary><c>shm chmod</c>.</summary>
internal sealed class ChmodCommand : ShmCommand
{
    private readonly Argument<Func<UnixFileMode, UnixFileMode>> _mode = new("MODE")
    {
        Description = "The new permissions, such as 0640 or u=rw,g+r,o-rwx",
        CustomParser = result => Given.One(result, ModeText.Read)!,
    };

    private readonly Argument<GivenName> _name = Given.Name("NAME", "The object");

    internal ChmodCommand()
        : base("chmod", "Change who may open an object. Processes that already have it open are unaffected.", "shm chmod 0640 frames", "shm chmod g+rw frames")
    {
        Add(_mode);
        Add(_name);
    }

    protected override int Run(ParseResult given, Terminal terminal)
    {
        // Through its entry: an owner may lack the permission to open it.
        var entry = given.GetRequiredValue(_name).Find();
        entry.SetPermissions(given.GetRequiredValue(_mode)(entry.Permissions));
        return ExitCode.Done;
    }
}

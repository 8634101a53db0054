using System.CommandLine;

namespace Posix.SharedMemory.Tool;

/// <summary><c>shm create</c>: a new object, which no other process sees before it is complete.</summary>
internal sealed class CreateCommand : ShmCommand
{
    private readonly Argument<GivenName> _name = Given.NewName("NAME", "The name of the new object");
    private readonly Argument<long?> _size = Given.Size("SIZE", "Its length, such as 64M; by default, the length of what --from reads", ArgumentArity.ZeroOrOne);
    private readonly Option<string> _from = new("--from") { HelpName = "FILE", Description = "Fill it from this file, or from standard input with -", CustomParser = result => Given.One(result, Given.ReadPath)! };
    private readonly Option<Func<UnixFileMode, UnixFileMode>> _mode = new("--mode")
    {
        HelpName = "MODE",
        Description = "Its permissions, regardless of the umask; by default, 0600",
        CustomParser = result => Given.One(result, ModeText.Read),
    };

    private readonly Option<bool> _sparse = Given.Sparse();

    internal CreateCommand()
        : base(
            "create", "Create an object. It gets its name when it is complete; if anything fails, nothing is left behind.",
            "shm create frames 64M", "shm create model --from model.bin --mode 0644", "zstd -dc big.zst | shm create big --from -")
    {
        Add(_name);
        Add(_size);
        Add(_from);
        Add(_mode);
        Add(_sparse);
    }

    protected override int Run(ParseResult given, Terminal terminal)
    {
        var name = given.GetRequiredValue(_name);
        var size = given.GetValue(_size);
        var from = given.GetValue(_from);
        if (size is null && from is null)
        {
            throw new UsageException($"{name}: give a SIZE, or a source with --from");
        }

        var permissions = (given.GetValue(_mode) ?? (mode => mode))(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var options = new SharedMemoryOptions { Permissions = permissions, Backing = given.GetValue(_sparse) ? Backing.Sparse : Backing.Reserved };
        var text = name.Text;
        if (from is null)
        {
            Create(name, size!.Value, options);
        }
        else
        {
            Fill(name, size, from, options);
        }

        return ExitCode.Done;
    }

    private static void Create(GivenName name, long size, SharedMemoryOptions options)
    {
        try
        {
            SharedMemoryObject.Create(name.Text, size, options).Dispose();
        }
        catch (PlatformNotSupportedException e)
        {
            throw new CommandException(Failure.Describe(e, name));
        }
    }

    private void Fill(GivenName name, long? size, string from, SharedMemoryOptions options)
    {
        // Better now than after an hour of reading. Publishing checks again.
        if (name.IsTaken)
        {
            throw new SharedMemoryException(Errno.EEXIST, "shm_open", name.Text);
        }

        using var source = ByteSource.Open(from);
        try
        {
            using var memory = SharedMemoryObject.CreateUnpublished(0, options);
            using var interruption = new Interruption(memory);
            new Filling(memory, options.Backing, size).From(source);

            // Writing clears set-user and set-group unless root writes.
            memory.Permissions = options.Permissions;
            interruption.Publish(name.Text);
        }
        catch (Exception e) when (e is SharedMemoryException or PlatformNotSupportedException)
        {
            throw new CommandException(Failure.Describe(e, name, Name));
        }
    }
}

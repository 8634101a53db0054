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

    private readonly Option<uint?> _group = Given.Group("--group", "The group that it belongs to, from the start; by default, this process's group");
    private readonly Option<string> _onConflict = Given.Choice(
        "--on-conflict", "ACTION", "If the name is taken: fail (the default); replace-abandoned, if a killed process left the object behind; or replace any object, in one step", [.. s_conflicts.Keys]);
    private readonly Option<bool> _sparse = Given.Sparse();
    private readonly Option<bool> _noMemoryCheck = Given.Flag("--no-memory-check", "Reserve the memory even if an estimate says that too little is free");

    private static readonly Dictionary<string, NameConflict> s_conflicts = new(StringComparer.Ordinal)
    {
        ["fail"] = NameConflict.Fail,
        ["replace-abandoned"] = NameConflict.ReplaceAbandoned,
        ["replace"] = NameConflict.Replace,
    };

    internal CreateCommand()
        : base(
            "create", "Create an object. It gets its name when it is complete; if anything fails, nothing is left behind.",
            "shm create frames 64M", "shm create model --from model.bin --mode 0644", "zstd -dc big.zst | shm create big --from -", "shm create camera 64M --mode 0660 --group video", "shm create model --from model.bin --on-conflict replace")
    {
        Add(_name);
        Add(_size);
        Add(_from);
        Add(_mode);
        Add(_group);
        Add(_onConflict);
        Add(_sparse);
        Add(_noMemoryCheck);
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
        var options = new SharedMemoryOptions
        {
            Permissions = permissions,
            GroupId = given.GetValue(_group),
            OnConflict = s_conflicts[given.GetValue(_onConflict) ?? "fail"],
            Backing = given.GetValue(_sparse) ? Backing.Sparse : Backing.Reserved,
            MemoryCheck = given.GetValue(_noMemoryCheck) ? MemoryCheck.None : MemoryCheck.Estimate,
        };
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

    private void Create(GivenName name, long size, SharedMemoryOptions options)
    {
        try
        {
            SharedMemoryObject.Create(name.Text, size, options).Dispose();
        }
        catch (PlatformNotSupportedException e)
        {
            throw new CommandException(Failure.Describe(e, name, Name));
        }
    }

    private void Fill(GivenName name, long? size, string from, SharedMemoryOptions options)
    {
        // Better now than after an hour of reading. Publishing checks again.
        if (options.OnConflict == NameConflict.Fail && name.IsTaken)
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

using System.CommandLine;

namespace Posix.SharedMemory.Tool;

/// <summary><c>shm resize</c>.</summary>
internal sealed class ResizeCommand : ShmCommand
{
    private readonly Argument<GivenName> _name = Given.Name("NAME", "The object");
    private readonly Argument<long?> _size = Given.Size("SIZE", "Its new length, such as 64M", ArgumentArity.ExactlyOne);
    private readonly Option<bool> _sparse = Given.Sparse();
    private readonly Option<bool> _ifUnused = Given.Flag("--if-unused", "Resize only if no process has the object open or mapped; otherwise print which do");
    private readonly Option<bool> _force = Given.Flag("--force", "Shorten the object even if a process maps the part that is cut off, without asking", "-f");

    internal ResizeCommand()
        : base(
            "resize", "Make an object longer or shorter. New bytes read as zero. A process that touches mapped pages past the new end is killed by SIGBUS.",
            "shm resize frames 128M", "shm resize frames 1T --sparse", "shm resize frames 1M --if-unused")
    {
        Add(_name);
        Add(_size);
        Add(_sparse);
        Add(_ifUnused);
        Add(_force);
        Validators.Add(result =>
        {
            if (result.GetValue(_ifUnused) && result.GetValue(_force))
            {
                result.AddError("--if-unused and --force cannot be used together");
            }
        });
    }

    protected override int Run(ParseResult given, Terminal terminal)
    {
        var name = given.GetRequiredValue(_name);
        var size = given.GetValue(_size)!.Value;
        if (!given.GetValue(_force) && !MayResize(given, name, size))
        {
            return ExitCode.Failed;
        }

        var backing = given.GetValue(_sparse) ? Backing.Sparse : Backing.Reserved;
        using var memory = name.Open(FileAccess.ReadWrite);
        try
        {
            memory.SetLength(size, backing);
        }
        catch (PlatformNotSupportedException e)
        {
            throw new CommandException(Failure.Describe(e, name, Name));
        }

        return ExitCode.Done;
    }

    /// <summary>Looks for processes that the new length would harm, before this process opens the object itself.</summary>
    private bool MayResize(ParseResult given, GivenName name, long size)
    {
        var entry = name.Find();
        if (given.GetValue(_ifUnused))
        {
            try
            {
                InUse.Refuse(entry, HolderSearch.TryFind(entry));
            }
            catch (CommandException e)
            {
                throw new CommandException($"{name}: {e.Message}");
            }

            return true;
        }

        if (InUse.ByMappingsPast(entry, size) is not { } harm)
        {
            return true;
        }

        return Terminal.CanAsk
            ? Terminal.Ask($"{name}: {harm} and would be killed by SIGBUS on touching them. Shorten it?")
            : throw new CommandException($"{name}: {harm} and would be killed by SIGBUS on touching them; use --force to shorten the object anyway");
    }
}

namespace Posix.SharedMemory.Tool;

/// <summary>What more to say about a failure, and what to do next, in the command's words: the library's advice names its methods.</summary>
internal static class Advice
{
    private const string Directory = "/dev/shm";

    private static readonly string[] s_causes = ["(seccomp)", "sealed", "set-group", "memfd_noexec"];

    /// <summary>The text after the error; <see langword="null"/> if the error says everything.</summary>
    /// <param name="failure">The failure.</param>
    /// <param name="command">The command that failed.</param>
    internal static string? For(SharedMemoryException failure, string command) => failure.Errno switch
    {
        Errno.ENOENT when IsMissing() => $"there is no {Directory} on this machine; shm doctor says how to mount it",
        Errno.ENOENT when failure.ObjectName is not null => "no object has this name; shm ls shows all names",
        Errno.EEXIST => command switch
        {
            "mv" => "an object already has this name; without --no-replace it is replaced",
            "create" => "an object already has this name; shm rm removes it, --on-conflict replaces it",
            _ => "an object already has this name; shm rm removes it",
        },
        Errno.ENOSPC or Errno.EDQUOT => Join(Facts(failure), NoRoom(failure.Errno, command)),
        Errno.ENOMEM when command == "create" => Join(Facts(failure), "--no-memory-check tries all the same, --sparse reserves nothing"),
        Errno.ENOMEM or Errno.EFBIG or Errno.EMFILE or Errno.ENFILE => Join(Facts(failure), "shm doctor checks the limits"),
        Errno.EROFS => $"{Directory} is mounted read-only; shm doctor says how to change that",
        Errno.EACCES or Errno.EPERM when Cause(failure) is { } cause => cause,
        Errno.EACCES or Errno.EPERM => Join(Facts(failure), Owner(failure) ?? (command == "create" ? $"this user may not create objects in {Directory}; shm doctor checks its mode" : null)),
        _ => failure.Detail,
    };

    /// <summary>What the system cannot do, and what to do instead. The library's sentences that say "Use …" name its members: they are replaced.</summary>
    /// <param name="failure">The failure.</param>
    /// <param name="command">The command that failed; <see langword="null"/> if that is not known.</param>
    internal static string For(PlatformNotSupportedException failure, string? command) => failure.Message switch
    {
        var message when message.Contains("fallocate", StringComparison.Ordinal) && command is "create" or "resize" => "the file system of the object, or a filter in front of it, cannot reserve memory; use --sparse",
        // A name that replaces no other can be taken in several ways, all of which may be refused; one that may replace another needs none of them.
        var message when message.Contains("renam", StringComparison.Ordinal) && message.Contains("Use RenameMode.Replace", StringComparison.Ordinal) => Join(Plain(message), command switch
        {
            "create" => "--on-conflict replace needs no such call",
            "mv" when message.Contains("Exchange", StringComparison.Ordinal) => "without --exchange the name is replaced",
            "mv" => "without --no-replace an object that has the new name is replaced",
            _ => null,
        })!,
        var message when message.Contains("O_TMPFILE", StringComparison.Ordinal) => $"the file system of {Directory} cannot create files without a name (O_TMPFILE); mount a tmpfs there, as shm doctor says",
        var message => Plain(message),
    };

    /// <summary>The library's sentences without those that name its members.</summary>
    private static string Plain(string message) => string.Join(
        ". ", message.TrimEnd('.').Split(". ").Where(sentence => !sentence.StartsWith("Use ", StringComparison.Ordinal) && !sentence.StartsWith("Open it", StringComparison.Ordinal)))
        .Replace("which Exchange needs", "which --exchange needs", StringComparison.Ordinal);

    private static string NoRoom(Errno errno, string command)
    {
        var sparse = command is "create" or "resize" ? "; --sparse reserves nothing" : "";
        return errno == Errno.EDQUOT ? $"a quota of {Directory} is used up{sparse}" : $"shm df shows what uses the room{sparse}";
    }

    /// <summary>What refused it, where another owner or mode would not help: a filter in front of the kernel, a seal, set-group. In the library's words up to where they name its members.</summary>
    private static string? Cause(SharedMemoryException failure) =>
        failure.Detail is { } detail && s_causes.Any(cause => detail.Contains(cause, StringComparison.Ordinal))
            ? detail.Split("; it can be mapped", 2)[0].Split(": leave set-group out", 2)[0].Split("; CreateAnonymous", 2)[0]
            : null;

    /// <summary>Whose object it is: its owner may do what this user may not.</summary>
    private static string? Owner(SharedMemoryException failure)
    {
        try
        {
            return failure.ObjectName is { } name && SharedMemoryDirectory.Find(System.Text.Encoding.UTF8.GetBytes(name.TrimStart('/'))) is { } entry
                ? $"the object belongs to {Accounts.Users.NameOf(entry.UserId)} and has mode {ModeText.Octal(entry.Permissions)}"
                : null;
        }
        catch (Exception e) when (Failure.IsKnown(e))
        {
            return null;
        }
    }

    /// <summary>The library's facts, which come first and are numbers of bytes, without its advice.</summary>
    private static string? Facts(SharedMemoryException failure) =>
        failure.Detail is [>= '0' and <= '9', ..] detail ? detail.Split("; ", 2)[0].Split(". ", 2)[0].TrimEnd('.') : null;

    private static string? Join(string? facts, string? advice) => facts is null ? advice : advice is null ? facts : $"{facts}; {advice}";

    private static bool IsMissing() => OperatingSystem.IsLinux() && !System.IO.Directory.Exists(Directory);
}

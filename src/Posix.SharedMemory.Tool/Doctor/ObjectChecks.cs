using System.Globalization;

namespace Posix.SharedMemory.Tool;

/// <summary>What happens to objects: what removes them too early, and which are never removed.</summary>
internal static class ObjectChecks
{
    private const string DropIn = "/etc/systemd/logind.conf.d/removeipc.conf";

    // An earlier directory overrides a file of the same name in a later one, and every drop-in overrides the main file.
    private static readonly string[] s_directories = ["/etc/systemd", "/run/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd"];

    internal static Finding? RemovedAtLogout(Machine machine)
    {
        if (!machine.Exists("/run/systemd/system"))
        {
            return Finding.Ok("remove-ipc", "systemd is not running: nothing removes objects when a user logs out.");
        }

        if (!IsRemoving(machine))
        {
            return Finding.Ok("remove-ipc", "Objects remain when their user logs out (RemoveIPC=no).");
        }

        // logind spares root and the accounts that it considers system users.
        var name = UserName(machine);
        return machine.User <= LastSystemUser(machine) || machine.User is 65534
            ? Finding.Ok("remove-ipc", "Objects are removed when their user's last session ends (RemoveIPC=yes), except those of system users such as this one.")
            : name is not null && machine.Exists($"/var/lib/systemd/linger/{name}")
                ? Finding.Ok("remove-ipc", "Objects are removed when their user's last session ends (RemoveIPC=yes); lingering is enabled for this user.")
                : new(
                    "remove-ipc", FindingLevel.Warning, "systemd-logind removes a user's objects when the user's last session ends (RemoveIPC=yes).",
                    "Objects of a service or cron job that runs as this user disappear when the user logs out: its next shm_open fails with ENOENT, or creates another object than the one other processes still use.",
                    $"loginctl enable-linger {name ?? "USER"}; or run the service as a system user; or printf '[Login]\\nRemoveIPC=no\\n' > {DropIn} && systemctl restart systemd-logind");
    }

    internal static Finding NobodyHolds(Machine machine)
    {
        const int Shown = 3;
        if (machine.Stale is not { } stale)
        {
            return CannotList(machine, "stale", "It is unknown whether objects are left that no process uses", "No object has been unused for more than a day.");
        }

        var doubt = machine.MaybeStale == 0 ? ""
            : $"whether a process uses {ByteSize.Count(machine.MaybeStale, stale.Count == 0 ? "object" : "other object")} that {(machine.MaybeStale == 1 ? "was" : "were")} not written to for a day";
        if (stale.Count == 0)
        {
            return doubt.Length == 0 ? Finding.Ok("stale", "No object has been unused for more than a day.") : new(
                "stale", FindingLevel.Note, $"It is unknown {doubt}.",
                "If no process uses them, their memory remains allocated until they are removed or the machine restarts.",
                "Only an object's owner, or a process with CAP_LEASE, can find out, and on an overlay or FUSE nobody can: run shm gc --older 1d as root");
        }

        var bytes = stale.Sum(found => found.AllocatedBytes);
        var names = string.Join(", ", stale.OrderByDescending(found => found.AllocatedBytes).Take(Shown).Select(found => found.Name)) + (stale.Count > Shown ? ", …" : ".");
        return new(
            "stale", FindingLevel.Note,
            string.Create(CultureInfo.InvariantCulture, $"{ByteSize.Count(stale.Count, "object")} of {ByteSize.Short(bytes)} {(stale.Count == 1 ? "is" : "are")} in use by no process, and {(stale.Count == 1 ? "was" : "were")} not written to for a day: {names}{(doubt.Length == 0 ? "" : $" It is unknown {doubt}.")}"),
            "The memory remains allocated until they are removed or the machine restarts.",
            "shm gc --older 1d lists them; shm gc --older 1d --remove removes them");
    }

    internal static Finding EndsOfTheDead(Machine machine)
    {
        const int Shown = 3;
        if (machine.DeadEnds is not { } dead)
        {
            return CannotList(machine, "dead-ends", "It is unknown whether a channel has an end whose process died", "No channel has an end whose process died.");
        }

        var doubt = machine.Unread == 0 ? "" : $"{ByteSize.Count(machine.Unread, "object")}, which may be {(machine.Unread == 1 ? "a channel" : "channels")}, could not be read.";
        if (dead.Count == 0 && doubt.Length > 0)
        {
            return new(
                "dead-ends", FindingLevel.Note, $"No channel that this user may read has an end whose process died; {doubt}",
                "A full ring whose reader died stays full, and of a writer that died no further messages come.", "Run shm topic ls as root, or as the owner of the channels");
        }

        return dead.Count == 0 ? Finding.Ok("dead-ends", "No channel has an end whose process died.") : new(
            "dead-ends", FindingLevel.Note,
            string.Create(CultureInfo.InvariantCulture, $"{ByteSize.Count(dead.Count, "end")} of channels {(dead.Count == 1 ? "belongs to a process" : "belong to processes")} that died: {string.Join(", ", dead.Take(Shown))}{(dead.Count > Shown ? ", …" : ".")}{(doubt.Length == 0 ? "" : " " + doubt)}"),
            "What was committed is still in the channel. Until another process opens the end, a full ring stays full, and no further messages come.",
            "Start the program again: it opens the end and goes on. If nothing will use the channel any more: shm topic ls shows it, shm rm NAME removes it");
    }

    /// <summary>Where objects cannot be listed, nothing is known of them; without their directory there are none.</summary>
    private static Finding CannotList(Machine machine, string check, string unknown, string none) => !machine.Exists("/dev/shm") ? Finding.Ok(check, none) : new(
        check, FindingLevel.Note, $"{unknown}: this user may not list /dev/shm.",
        "shm ls, shm gc and shm topic ls fail.", "Run shm doctor as root; or chmod 1777 /dev/shm");

    private static bool IsRemoving(Machine machine)
    {
        // The first of the files of one name counts; drop-ins are read by name, after the main file.
        var main = s_directories.Select(directory => $"{directory}/logind.conf").FirstOrDefault(machine.Exists);
        var dropIns = s_directories.SelectMany(directory => machine.Files($"{directory}/logind.conf.d", ".conf"))
            .DistinctBy(path => Path.GetFileName(path), StringComparer.Ordinal).OrderBy(path => Path.GetFileName(path), StringComparer.Ordinal);
        var isRemoving = true;
        foreach (var line in dropIns.Prepend(main).OfType<string>().SelectMany(machine.Lines))
        {
            if (line.Split('=', 2, StringSplitOptions.TrimEntries) is ["RemoveIPC", var value])
            {
                isRemoving = value.ToUpperInvariant() is not ("NO" or "FALSE" or "OFF" or "0" or "N" or "F");
            }
        }

        return isRemoving;
    }

    private static uint LastSystemUser(Machine machine) =>
        machine.Lines("/etc/login.defs").Select(line => line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)).FirstOrDefault(words => words is ["SYS_UID_MAX", _]) is [_, var text]
            && uint.TryParse(text, CultureInfo.InvariantCulture, out var last) ? last : 999;

    private static string? UserName(Machine machine) => machine.User?.ToString(CultureInfo.InvariantCulture) is not { } number ? null
        : machine.Lines("/etc/passwd").Select(line => line.Split(':')).FirstOrDefault(fields => fields.Length > 2 && fields[2] == number)?[0] ?? number;
}

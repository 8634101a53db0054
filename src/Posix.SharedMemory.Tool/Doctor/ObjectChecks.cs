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
            : machine.Exists($"/var/lib/systemd/linger/{name}")
                ? Finding.Ok("remove-ipc", "Objects are removed when their user's last session ends (RemoveIPC=yes); lingering is enabled for this user.")
                : new(
                    "remove-ipc", FindingLevel.Warning, "systemd-logind removes a user's objects when the user's last session ends (RemoveIPC=yes).",
                    "Objects of a service or cron job that runs as this user disappear when the user logs out: its next shm_open fails with ENOENT, or creates another object than the one other processes still use.",
                    $"loginctl enable-linger {name}; or run the service as a system user; or printf '[Login]\\nRemoveIPC=no\\n' > {DropIn} && systemctl restart systemd-logind");
    }

    internal static Finding NobodyHolds(Machine machine)
    {
        const int Shown = 3;
        var stale = machine.Stale;
        if (stale.Count == 0)
        {
            return Finding.Ok("stale", "No object has been unused for more than a day.");
        }

        var bytes = stale.Sum(found => found.AllocatedBytes);
        var names = string.Join(", ", stale.OrderByDescending(found => found.AllocatedBytes).Take(Shown).Select(found => found.Name)) + (stale.Count > Shown ? ", …" : ".");
        return new(
            "stale", FindingLevel.Note,
            string.Create(CultureInfo.InvariantCulture, $"{ByteSize.Count(stale.Count, "object")} of {ByteSize.Short(bytes)} {(stale.Count == 1 ? "is" : "are")} in use by no process, and {(stale.Count == 1 ? "was" : "were")} not written to for a day: {names}"),
            "The memory remains allocated until they are removed or the machine restarts.",
            "shm gc --older 1d lists them; shm gc --older 1d --remove removes them");
    }

    internal static Finding EndsOfTheDead(Machine machine)
    {
        const int Shown = 3;
        var dead = machine.DeadEnds;
        return dead.Count == 0 ? Finding.Ok("dead-ends", "No channel has an end whose process died.") : new(
            "dead-ends", FindingLevel.Note,
            string.Create(CultureInfo.InvariantCulture, $"{ByteSize.Count(dead.Count, "end")} of channels {(dead.Count == 1 ? "belongs to a process" : "belong to processes")} that died: {string.Join(", ", dead.Take(Shown))}{(dead.Count > Shown ? ", …" : ".")}"),
            "What was committed is still in the channel. Until another process opens the end, a full ring stays full, and no further messages come.",
            "Start the program again: it opens the end and goes on. If nothing will use the channel any more: shm topic ls shows it, shm rm NAME removes it");
    }

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

    private static string UserName(Machine machine) =>
        machine.Lines("/etc/passwd").Select(line => line.Split(':')).FirstOrDefault(fields => fields.Length > 2 && fields[2] == machine.User.ToString(CultureInfo.InvariantCulture))?[0]
        ?? machine.User.ToString(CultureInfo.InvariantCulture);
}

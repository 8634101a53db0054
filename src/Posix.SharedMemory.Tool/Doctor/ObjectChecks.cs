using System.Globalization;

namespace Posix.SharedMemory.Tool;

/// <summary>What becomes of objects: who removes them too early, and who never does.</summary>
internal static class ObjectChecks
{
    private const string DropIn = "/etc/systemd/logind.conf.d/removeipc.conf";

    // What a later directory says of a file of the same name counts less, and every drop-in more than the file itself.
    private static readonly string[] s_directories = ["/etc/systemd", "/run/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd"];

    internal static Finding? RemovedAtLogout(Machine machine)
    {
        if (!machine.Exists("/run/systemd/system"))
        {
            return Finding.Ok("remove-ipc", "systemd does not run here: nobody removes objects when a user logs out.");
        }

        if (!IsRemoving(machine))
        {
            return Finding.Ok("remove-ipc", "Objects stay when their user logs out (RemoveIPC=no).");
        }

        // logind spares root and what it takes for the accounts of services.
        var name = UserName(machine);
        return machine.User <= LastSystemUser(machine) || machine.User is 65534
            ? Finding.Ok("remove-ipc", "Objects go when their user's last session ends (RemoveIPC=yes), but not those of system users, as this one is.")
            : machine.Exists($"/var/lib/systemd/linger/{name}")
                ? Finding.Ok("remove-ipc", "Objects go when their user's last session ends (RemoveIPC=yes); this user lingers.")
                : new(
                    "remove-ipc", FindingLevel.Warning, "systemd-logind removes a user's objects when his last session ends (RemoveIPC=yes).",
                    "Objects of a service or a cron job that runs as this user vanish when somebody logs out: its next shm_open fails with ENOENT, and two processes no longer share what they think they do.",
                    $"loginctl enable-linger {name}; or run the service as a system user; or printf '[Login]\\nRemoveIPC=no\\n' > {DropIn} && systemctl restart systemd-logind");
    }

    internal static Finding NobodyHolds(Machine machine)
    {
        const int Shown = 3;
        var stale = machine.Stale;
        if (stale.Count == 0)
        {
            return Finding.Ok("stale", "No object is older than a day and held by nobody.");
        }

        var bytes = stale.Sum(found => found.AllocatedBytes);
        var names = string.Join(", ", stale.OrderByDescending(found => found.AllocatedBytes).Take(Shown).Select(found => found.Name)) + (stale.Count > Shown ? ", ..." : "");
        return new(
            "stale", FindingLevel.Note,
            string.Create(CultureInfo.InvariantCulture, $"Nobody holds {names}, and nobody has written there for a day: {ByteSize.Count(stale.Count, "object")}, {ByteSize.Short(bytes)}."),
            "The memory stays taken until somebody removes them or the machine restarts.",
            "shm gc --older 1d shows them, shm gc --older 1d --remove removes them");
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

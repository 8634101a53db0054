namespace Posix.SharedMemory.Testing;

/// <summary>What may stand at /dev/shm instead of a tmpfs, for a peer in a mount namespace of its own.</summary>
/// <remarks>Needs <see cref="Privileged.NamespaceObstacle"/> to be <see langword="null"/>.</remarks>
public static class OddMemory
{
    // A /dev of its own, with what a runtime needs of it.
    private const string OwnDevices =
        "mkdir dev && mount -t tmpfs -o mode=755 dev dev && for d in null:3 zero:5 random:8 urandom:9; do mknod -m 666 dev/${d%:*} c 1 ${d#*:} || exit; done && mount --move dev /dev";

    /// <summary>What an ordinary user may take of a file system with a quota.</summary>
    public const int QuotaBytes = 4 << 20;

    /// <summary>Starts the peer there. Its first line says <c>ready</c>, or why this machine does not have it.</summary>
    /// <param name="kind">Which: <c>tmpfs</c>, <c>overlay</c>, <c>ext4</c>, <c>ramfs</c>, <c>bindfs</c>, <c>missing</c>, <c>link</c>, <c>read-only</c>, <c>0755</c>, and <c>tmpfs</c>, <c>ext4</c> and <c>Btrfs</c> <c>with a quota</c>.</param>
    /// <param name="scratch">A directory on disk, for what the mounts are made of.</param>
    /// <param name="command">What the peer does.</param>
    /// <param name="before">What a shell does in /dev/shm before; nothing, if empty.</param>
    public static Peer Start(string kind, TemporaryDirectory scratch, string command, string before = "") =>
        Run(kind, scratch, $"exec '{Peer.Program}' {command}", before);

    /// <inheritdoc cref="Start"/>
    /// <summary>As <see cref="Start"/>, with any command of a shell.</summary>
    public static Peer Run(string kind, TemporaryDirectory scratch, string command, string before = "") => Peer.Run(
        "unshare", "--mount", "--propagation", "private", "sh", "-c",
        $"cd '{scratch.Path}' && {{ {Mounting(kind)}; }} >mounting 2>&1 || {{ echo \"No {kind} here: $(cat mounting)\"; exit; }}; {(before.Length > 0 ? before + " && " : "")}echo ready && {command}");

    private static string Mounting(string kind) => kind switch
    {
        "tmpfs" => "mount -t tmpfs -o mode=1777 tmpfs /dev/shm",
        "read-only" => "mount -t tmpfs -o mode=1777 tmpfs /dev/shm && echo hello > /dev/shm/o && mount -o remount,ro /dev/shm",
        "0755" => "mount -t tmpfs -o mode=755 tmpfs /dev/shm",
        "ramfs" => "mount -t ramfs ramfs /dev/shm && chmod 1777 /dev/shm",
        "overlay" => "mkdir lower upper work && mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work overlay /dev/shm && chmod 1777 /dev/shm",
        "ext4" => "truncate -s 16M disk && mke2fs -q -F -t ext4 disk && mount -o loop disk /dev/shm && chmod 1777 /dev/shm",
        // Its server ends when nothing is mounted any more, and that is when the peer has ended.
        "bindfs" => "mkdir below && bindfs -o nonempty below /dev/shm && chmod 1777 /dev/shm && { (while kill -0 $$; do sleep 0.2; done; umount -l /dev/shm) </dev/null >/dev/null 2>&1 & }",
        // Kernels have these three where they were built with them; Btrfs counts by subvolume, and not by user.
        "tmpfs with a quota" => $"mount -t tmpfs -o mode=1777,usrquota,usrquota_block_hardlimit={QuotaBytes} tmpfs /dev/shm",
        "ext4 with a quota" => $"truncate -s 64M disk && mke2fs -q -F -t ext4 -O quota -E quotatype=usrquota disk && mount -o loop,usrquota disk /dev/shm && chmod 1777 /dev/shm && setquota -u {Privileged.Stranger} 0 {QuotaBytes >> 10} 0 0 /dev/shm",
        "Btrfs with a quota" => $"truncate -s 200M disk && mkfs.btrfs -q disk && mkdir all && mount -o loop disk all && btrfs quota enable all && btrfs subvolume create all/part && btrfs qgroup limit {QuotaBytes} all/part && mount --bind all/part /dev/shm && chmod 1777 /dev/shm",
        "missing" => OwnDevices,
        "link" => $"mkdir real && mount -t tmpfs -o mode=1777 tmpfs real && {OwnDevices} && ln -s \"$PWD/real\" /dev/shm",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "There is no such kind."),
    };

    /// <summary>Runs a shell command where a peer runs that was started here.</summary>
    public static void Shell(Peer inside, string command)
    {
        using var shell = Peer.Run("nsenter", "-m", "-t", inside.ProcessId.ToString(System.Globalization.CultureInfo.InvariantCulture), "sh", "-c", command);
        var (exitCode, _, errors) = shell.Finish();
        if (exitCode != 0)
        {
            throw new InvalidOperationException($"{command}: {errors}");
        }
    }
}

namespace Posix.SharedMemory.Testing;

/// <summary>What only root may do to test with: namespaces, other users, settings of the kernel.</summary>
public static class Privileged
{
    /// <summary>A user that owns nothing.</summary>
    public const int Stranger = 54_321;

    private static readonly Lazy<string?> s_namespaceObstacle = new(() => Try("unshare", "--mount", "--pid", "--fork", "--mount-proc", "true"));
    private static readonly Lazy<string?> s_strangerObstacle = new(() => Try("setpriv", [.. As(Stranger), "true"]));

    /// <summary>Gets why no namespaces can be made; <see langword="null"/> where they can.</summary>
    public static string? NamespaceObstacle => s_namespaceObstacle.Value;

    /// <summary>Gets why nothing can be run as another user; <see langword="null"/> where it can.</summary>
    public static string? StrangerObstacle => s_strangerObstacle.Value;

    /// <summary>Starts the peer as <see cref="Stranger"/>, from a copy that everybody may read.</summary>
    public static Peer StartAsStranger(ReadableCopy copy, params string[] arguments) => StartAs(Stranger, copy, arguments);

    /// <summary>Starts the peer as any user.</summary>
    public static Peer StartAs(int user, ReadableCopy copy, params string[] arguments) =>
        RunAs(user, copy.Program, arguments);

    /// <summary>Starts any program as any user.</summary>
    public static Peer RunAs(int user, string program, params string[] arguments) => Peer.Run("setpriv", [.. As(user), program, .. arguments]);

    /// <summary>Starts the peer with a /dev/shm of its own.</summary>
    /// <param name="mountOptions">Of its tmpfs, such as <c>size=8m</c>.</param>
    /// <param name="command">What the peer does.</param>
    public static Peer StartWithOwnMemory(string mountOptions, string command) => Peer.Run(
        "unshare", "--mount", "--propagation", "private", "sh", "-c",
        $"mount -t tmpfs -o {mountOptions},mode=1777 tmpfs /dev/shm && exec '{Peer.Program}' {command}");

    /// <summary>Starts the peer with a small disk of its own, half of which is kept for root; it says <c>no disk</c> where none can be mounted.</summary>
    /// <param name="directory">Where the disk is mounted, and what it is made of lies.</param>
    /// <param name="command">What the peer does.</param>
    public static Peer StartWithOwnDisk(TemporaryDirectory directory, string command) => Peer.Run(
        "unshare", "--mount", "--propagation", "private", "sh", "-c",
        $"cd '{directory.Path}' && truncate -s 16M disk && mke2fs -q -F -t ext4 -m 50 disk && mount -o loop disk . || {{ echo no disk; exit; }}; exec '{Peer.Program}' {command}");

    private static string[] As(int user) => [$"--reuid={user}", $"--regid={user}", "--clear-groups"];

    private static string? Try(string program, params string[] arguments)
    {
        try
        {
            using var peer = Peer.Run(program, arguments);
            var (exitCode, _, errors) = peer.Finish();
            return exitCode == 0 ? null : $"This user may not: {program} {string.Join(' ', arguments)}: {errors}";
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            return $"{program} is not installed: {e.Message}";
        }
    }
}

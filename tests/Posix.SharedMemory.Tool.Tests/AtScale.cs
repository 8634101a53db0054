using System.Text.Json;

namespace Posix.SharedMemory.Tool.Tests;

/// <summary>Ten thousand objects, made by C, in a private /dev/shm.</summary>
public sealed class AtScale
{
    private const int Count = 10_000;

    // Every tenth is written to, every hundredth is another user's, the first ten are held.
    private const string Maker = """
        #include <fcntl.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <sys/mman.h>
        #include <sys/stat.h>
        #include <unistd.h>
        int main(int argc, char **argv)
        {
            for (int number = 0; number < atoi(argv[1]); number++) {
                char name[32];
                snprintf(name, sizeof name, "/c-%05d", number);
                int fd = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
                if (fd == -1 || ftruncate(fd, 1 + number) != 0)
                    return 1;
                if (number % 10 == 0 && pwrite(fd, "x", 1, 0) != 1)
                    return 1;
                if (number % 100 == 0 && fchown(fd, 54321, 54321) != 0)
                    return 1;
                if (number >= 10)
                    close(fd);
            }
            puts("made");
            fclose(stdout);
            return getchar() == EOF;
        }
        """;

    [SkippableFact]
    public void Ten_thousand_are_listed_filtered_sorted_collected_and_removed()
    {
        Skip.If(Privileged.NamespaceObstacle is not null, Privileged.NamespaceObstacle);
        using var directory = TemporaryDirectory.OnDisk();
        Skip.If(directory is null, "No directory on a disk.");
        File.WriteAllText(directory.File("make.c"), Maker);
        string[] lines =
        [
            $"mkfifo {directory.Path}/go {directory.Path}/made",
            $"{directory.Path}/make {Count} < {directory.Path}/go > {directory.Path}/made &",
            $"exec 9> {directory.Path}/go; read made < {directory.Path}/made",
            "$SHM ls > ls; $SHM ls --json > json; $SHM ls --names > names; $SHM ls --names --sort length > longest; $SHM ls --names --sort length --reverse > shortest",
            "$SHM ls --names --owner 54321 > owned; $SHM ls --names --larger 9000 > larger; $SHM ls --names --smaller 100 > smaller; $SHM ls --names 'c-0001?' > pattern; $SHM ls --names --older 1d > old; $SHM ls --names --newer 1h > new",
            "$SHM ls --names --orphaned > orphaned; $SHM ls --json --sort holders > holders; $SHM df --json > df; $SHM who c-00003 --json > who; $SHM gc --json > gc",
            "$SHM rm 'c-1*' c-00000 --if-unused --yes > rm 2>&1; echo \\$? >> rm; $SHM rm 'c-*' > refused 2>&1; echo \\$? >> refused",
            "$SHM gc 'c-00*' --remove | tail -n 1 > collected; $SHM rm 'c-*[0-9]' --yes > odd 2>&1; $SHM rm 'c-*' --yes > removed 2>&1; echo \\$? >> removed; ls -A /dev/shm > left",
            "echo >&9; wait",
        ];
        var ran = Shm.Shell(
            $"cd {directory.Path} && cc -o make make.c -lrt && unshare --mount --propagation private sh -c \"mount -t tmpfs -o size=256m,mode=1777 tmpfs /dev/shm\n{string.Join('\n', lines)}\"");
        Assert.Equal((0, "", ""), (ran.ExitCode, ran.Output, ran.Errors));
        string[] Read(string file) => File.ReadAllLines(directory.File(file));
        var all = Enumerable.Range(0, Count).Select(Name).ToArray();
        Assert.Equal(all, Read("names"));
        Assert.Equal(Count + 2, Read("ls").Length);
        Assert.StartsWith($"{Count} objects, ", Read("ls")[^1], StringComparison.Ordinal);
        Assert.Equal(all.Reverse(), Read("longest"));
        Assert.Equal(all, Read("shortest"));
        Assert.Equal(all.Where((_, number) => number % 100 == 0), Read("owned"));
        Assert.Equal(all[9000..], Read("larger"));
        Assert.Equal(all[..99], Read("smaller"));
        Assert.Equal(all[10..20], Read("pattern"));
        Assert.Empty(Read("old"));
        Assert.Equal(all, Read("new"));
        Assert.Equal(all[10..], Read("orphaned"));

        var facts = Json("json");
        Assert.Equal(Count, facts.GetArrayLength());
        Assert.All(facts.EnumerateArray().Select((fact, number) => (fact, number)), row => Assert.Equal(
            (Name(row.number), row.number + 1, row.number % 10 == 0 ? Environment.SystemPageSize : 0, row.number % 100 == 0 ? 54321u : 0u),
            (row.fact.GetProperty("name").GetString(), row.fact.GetProperty("length").GetInt32(), row.fact.GetProperty("allocated").GetInt32(), row.fact.GetProperty("uid").GetUInt32())));
        Assert.Equal(all[..10], Json("holders").EnumerateArray().Take(10).Select(fact => fact.GetProperty("name").GetString()));
        Assert.Equal(Count / 10 * Environment.SystemPageSize, Json("df").GetProperty("named").GetInt64());
        Assert.Equal(Count - 10, Json("gc").GetArrayLength());
        Assert.Equal(["1"], Read("rm")[^1..]);
        Assert.Single(Read("rm"), line => line.Contains("c-00000: in use by process ", StringComparison.Ordinal));
        Assert.Equal("2", Read("refused")[^1]);
        Assert.Matches(@"990 objects in use by no process, .*; 990 removed$", Read("collected").Single());
        Assert.Equal(["0"], Read("removed"));
        Assert.Empty(Read("left"));

        JsonElement Json(string file) => Objects.Json(File.ReadAllText(directory.File(file)));
    }

    private static string Name(int number) => $"c-{number:D5}";
}

using System.Xml.Linq;

namespace Posix.SharedMemory.Tool.Tests;

public sealed class Drawing
{
    private const long Mebibyte = 1 << 20, HugePage = 2 << 20;

    private static readonly int s_page = Environment.SystemPageSize;

    [SkippableFact]
    public void Draws_which_pages_are_in_memory_without_loading_any()
    {
        SkipUnlessCounted();
        using var objects = new Objects();
        var name = objects.Add("a", (100 * s_page) + 5, backing: Backing.Sparse);
        using var memory = SharedMemoryObject.Open(name);
        memory.Write(new byte[3 * s_page], 10 * s_page);
        memory.Write([1], 100 * s_page);
        var allocated = memory.GetStatus().AllocatedBytes;
        Assert.Equal(
            """
            a: 409605 bytes, 101 pages of 4096 bytes
            Each character is 1 page, 4K.

                0x0  ··········███···················································
            0x40000  ····································█

            █ resident: in memory (13K, 4 pages, 3 %)
            · absent: reads as zero, allocated when written (388K, 97 pages, 97 %)
            Unknown: which pages are huge. Linux reports this from version 6.7 on, and only if a process that you may examine maps the object.

            """,
            objects.Normal(Shm.Print("map", name)));
        Assert.Equal(allocated, memory.GetStatus().AllocatedBytes);
    }

    [SkippableFact]
    public void Draws_an_object_that_another_language_created_and_maps()
    {
        SkipUnlessCounted();
        Skip.IfNot(Installed.Has("python3"), "No python3.");
        using var objects = new Objects();
        var name = objects.Prefix + "python";
        using var python = Peer.Run("python3", "-c", $"""
            import mmap, os, sys
            f = os.open('/dev/shm/{name}', os.O_CREAT | os.O_RDWR, 0o644)
            os.ftruncate(f, 64 * {s_page})
            m = mmap.mmap(f, 0)
            m[0] = 1; m[63 * {s_page}] = 1
            print('ready', flush=True)
            sys.stdin.read()
            """);
        Assert.Equal("ready", python.ReadLine());
        var facts = Objects.Json(Shm.Print("map", name, "--json"));
        Assert.Equal((64L * s_page, s_page), (facts.GetProperty("length").GetInt64(), facts.GetProperty("page_size").GetInt32()));
        Assert.Equal(
            (2L * s_page, 0L, 62L * s_page),
            (facts.GetProperty("resident").GetInt64(), facts.GetProperty("swapped").GetInt64(), facts.GetProperty("absent").GetInt64()));
        Assert.Equal(["resident", "absent", "resident"], facts.GetProperty("runs").EnumerateArray().Select(run => run.GetProperty("state").GetString()));
    }

    [SkippableFact]
    public void Finds_the_huge_pages_that_a_process_maps()
    {
        SkipUnlessCounted();
        Skip.If(Environment.OSVersion.Version < new Version(6, 7), "PAGEMAP_SCAN came with Linux 6.7.");
        Skip.IfNot(Directory.Exists("/sys/kernel/mm/transparent_hugepage"), "This kernel has no transparent huge pages.");
        using var objects = new Objects();
        var name = objects.Add("huge", 4 * HugePage);
        using var memory = SharedMemoryObject.Open(name);
        using var mapping = memory.Map();
        mapping.GetSpan().Fill(1);
        using (var part = memory.Map(HugePage, HugePage))
        {
            Assert.True(part.CollapseToHugePages());
        }

        // The page table is filled by touching.
        Assert.Equal(1, mapping.GetReadOnlySpan()[(int)HugePage]);
        var facts = Objects.Json(Shm.Print("map", name, "--json"));
        Assert.Equal(HugePage, facts.GetProperty("huge").GetInt64());
        Assert.Equal(HugePage, Assert.Single(facts.GetProperty("huge_ranges").EnumerateArray()).GetProperty("offset").GetInt64());
        Assert.Contains("H of these huge: a process maps them as huge pages (2M, 512 pages, 25 %)\n", Shm.Print("map", name), StringComparison.Ordinal);
    }

    [SkippableFact]
    public void Says_what_is_unknown_about_another_user_s_object()
    {
        Skip.If(Privileged.StrangerObstacle is not null, Privileged.StrangerObstacle);
        using var copy = new CommandCopy();
        using var objects = new Objects();
        var readable = objects.Add("readable", 10 * s_page, (UnixFileMode)0x1A4, Backing.Sparse);
        var secret = objects.Add("secret");
        using (var memory = SharedMemoryObject.Open(readable))
        {
            memory.Write([1], 2 * s_page);
            memory.Reserve(5 * s_page, s_page);
        }

        var ran = copy.RunAsStranger("map", readable);
        Assert.Equal((0, ""), (ran.ExitCode, ran.Errors));
        Assert.Contains("Unknown: ", ran.Output, StringComparison.Ordinal);
        Assert.Equal($"shm: map: {secret}: Permission denied (EACCES): the object belongs to {Accounts.Users.NameOf(0)} and has mode 0600", Shm.OneLine(copy.RunAsStranger("map", secret), exitCode: 1));
    }

    [Fact]
    public void Fits_large_objects_into_sixteen_lines()
    {
        var picture = Picture(Survey(1L << 40, [Run(0, 1L << 39, PageState.Resident), Run(1L << 39, 1L << 39, PageState.Absent)]), width: 60);
        var lines = picture.Split('\n').Where(line => line.StartsWith("0x", StringComparison.Ordinal) || line.Contains(" 0x", StringComparison.Ordinal)).ToArray();
        Assert.InRange(lines.Length, 8, 16);
        Assert.All(lines, line => Assert.InRange(line.Length, 20, 60));
    }

    [Fact]
    public void Draws_every_state_of_a_page()
    {
        var survey = Survey(
            32 * Mebibyte,
            [
                Run(0, 8 * Mebibyte, PageState.Resident), Run(8 * Mebibyte, 2 * Mebibyte, PageState.Swapped), Run(10 * Mebibyte, s_page, PageState.Resident),
                Run(10 * Mebibyte + s_page, 22 * Mebibyte - s_page, PageState.Absent),
            ],
            huge: [new(2 * HugePage, HugePage)]);
        Assert.Equal(
            """
            a: 33554432 bytes, 8192 pages of 4096 bytes
            Each character is 16 pages, 64K.

                  0x0  ████████████████████████████████
             0x200000  ████████████████████████████████
             0x400000  HHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHH
             0x600000  ████████████████████████████████
             0x800000  ssssssssssssssssssssssssssssssss
             0xa00000  ▒·······························
            """.ReplaceLineEndings("\n"),
            string.Join('\n', Picture(survey, width: 50).Split('\n').Take(9)));
        Assert.Equal(
            """
            █ resident: in memory (8.1M, 2049 pages, 25 %)
            H of these huge: a process maps them as huge pages (2M, 512 pages, 6.3 %)
            s swapped out, at least in part: the next access waits for the disk (2M, 512 pages, 6.3 %)
            ▒ partly allocated
            · absent: reads as zero, allocated when written (22M, 5631 pages, 68.7 %)
            """.ReplaceLineEndings("\n"),
            Picture(survey, width: 50).Split("\n\n")[^1]);
    }

    [Fact]
    public void Does_not_claim_more_than_is_known()
    {
        var survey = Survey(4 * s_page, [Run(0, s_page, PageState.Present), Run(s_page, 3 * s_page, PageState.Absent)]) with { IsVague = true, Huge = null };
        Assert.EndsWith(
            """
            ▓···

            ▓ allocated: in memory or swapped out; the kernel does not reveal to this user which (4K, 1 page, 25 %)
            · absent: reads as zero, allocated when written (12K, 3 pages, 75 %)
            Unknown: which pages are swapped out, reserved or huge.
            """.ReplaceLineEndings("\n"),
            Picture(survey, width: 80),
            StringComparison.Ordinal);
        var reserved = survey with { HidesReserved = true };
        Assert.Contains("\n· absent, or reserved and never written: reads as zero (12K, ", Picture(reserved, width: 80), StringComparison.Ordinal);
        Assert.Equal(((long?)null, (long?)null, "absent_or_reserved"), (PageFacts.Of(reserved).Present, PageFacts.Of(reserved).Absent, PageFacts.Of(reserved).Runs[1].State));
        var facts = PageFacts.Of(survey);
        Assert.Equal(((long?)null, (long?)null, (long)s_page, (long?)null), (facts.Resident, facts.Swapped, facts.Present, facts.Huge));
    }

    [Fact]
    public void Draws_an_empty_object()
    {
        using var objects = new Objects();
        Assert.StartsWith("empty: 0 bytes, 0 pages of", objects.Normal(Shm.Print("map", objects.Add("empty", 0))), StringComparison.Ordinal);
        Assert.Contains("<svg", Shm.Print("map", objects.Prefix + "empty", "--svg", "-"), StringComparison.Ordinal);
    }

    [Fact]
    public void Writes_a_well_formed_picture_with_colours_for_light_and_dark()
    {
        using var objects = new Objects();
        var name = objects.Add("<&\">", 40 * s_page, backing: Backing.Sparse);
        var file = Path.GetTempFileName();
        try
        {
            Assert.Equal("", Shm.Print("map", name, "--svg", file));
            var text = File.ReadAllText(file);
            var svg = XDocument.Parse(text).Root!;
            Assert.Equal("svg", svg.Name.LocalName);
            Assert.Contains(svg.Elements(), element => element.Name.LocalName == "text" && element.Value == name);
            Assert.Contains("prefers-color-scheme:dark", text, StringComparison.Ordinal);
            Assert.Equal(40, svg.Elements().Where(element => element.Name.LocalName == "path").Sum(path => path.Attribute("d")!.Value.Count(step => step == 'M')));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public void Fails_with_one_line()
    {
        using var objects = new Objects();
        var name = objects.Add("a");
        Assert.Equal($"shm: map: {name}-not: No such file or directory (ENOENT): no object has this name; shm ls shows all names", Shm.Fail("map", name + "-not"));
        Assert.Equal("shm: map: --json and --svg cannot be used together (see shm map --help)", Shm.Refuse("map", name, "--json", "--svg", "-"));
        Assert.Equal("shm: map: /nowhere/at/all.svg: No such file or directory (ENOENT)", Shm.Fail("map", name, "--svg", "/nowhere/at/all.svg"));
    }

    private static PageSurvey Survey(long length, PageRun[] runs, ByteRange[]? huge = null) => new("a", "a", length, runs, huge ?? [], IsHugeExact: true, IsVague: false, HidesReserved: false);

    private static PageRun Run(long offset, long length, PageState state) => new(new(offset, length), state);

    private static string Picture(PageSurvey survey, int width) => string.Join('\n', new PagePicture(survey, width).Lines((text, _) => text));

    private static void SkipUnlessCounted() =>
        Skip.If(Environment.OSVersion.Version < new Version(6, 5), "Before Linux 6.5 the kernel does not count pages.");
}

namespace Posix.SharedMemory.Threading.Tests;

/// <summary>psm.py where the kernel refuses what it would rather use.</summary>
public sealed class RefusedPython
{
    private const string Program = """
        import mmap, os, signal, sys
        sys.path.insert(0, sys.argv[1])
        import psm

        memory, call, refused = mmap.mmap(-1, 16384), psm._call, set()
        psm._call = lambda number, *rest: -38 if number in refused else call(number, *rest)


        def kill_inside(offset, seats, is_waited_for):
            ready, entered = os.pipe()
            child = os.fork()
            if child == 0:
                psm.Mutex(psm.Roster(memory, offset, seats), offset + 4096).enter_unrepaired()
                os.write(entered, b"1")
                signal.pause()
            os.read(ready, 1)
            os.kill(child, signal.SIGKILL)
            os.waitid(os.P_PID, child, os.WEXITED | (0 if is_waited_for else os.WNOWAIT))


        refused = {psm._ROBUST, 449}
        kill_inside(0, 1, True)
        first = psm.Roster(memory, 0, 1)
        print("joined", psm.Mutex(first, 4096).enter_unrepaired(), flush=True)
        second = psm.Roster(memory, 8192, 2)
        kill_inside(8192, 2, False)
        print("entered", psm.Mutex(second, 8192 + 4096).enter_unrepaired(5), flush=True)
        count = psm.EventCount(first, 4096 + 64)
        count.prepare()
        print("fences", psm._bounded() is None, flush=True)
        refused = {psm._MEMBARRIER}
        count.prepare()
        print("fences", psm._bounded() is None, flush=True)
        """;

    [SkippableFact]
    [Rule("roster.witness")]
    [Rule("refused.robust")]
    [Rule("refused.membarrier")]
    public void Python_finds_deaths_that_the_kernel_could_not_mark_and_looks_again_soon_without_fences()
    {
        using var peer = Languages.RunPython(Program);
        var (_, output, errors) = peer.Finish();
        Assert.Equal("", errors);
        Assert.Equal(["joined True", "entered True", "fences True", "fences False", ""], output.Split('\n'));
    }
}

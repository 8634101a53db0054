using System.Globalization;
using BenchmarkDotNet.Running;
using Posix.SharedMemory.Benchmarks;

const string Usage = """
    usage: compare                 the candidates by turns in one session, a minute
           bdn [ARGUMENTS]         BenchmarkDotNet, with its own arguments
           repeat CANDIDATE COUNT  one candidate alone, for strace and perf
    """;

var lives = new ObjectLife();
try
{
    switch (args)
    {
        case ["bdn", .. var rest]:
            BenchmarkSwitcher.FromAssembly(typeof(ObjectLife).Assembly).Run(rest);
            return 0;
        case ["compare"]:
            lives.SetUp();
            Comparison.Run(lives);
            return 0;
        case ["repeat", var candidate, var count]:
            lives.SetUp();
            if (Comparison.Repeat(lives, candidate, int.Parse(count, CultureInfo.InvariantCulture)))
            {
                return 0;
            }

            break;
        default:
            break;
    }
}
catch (InvalidOperationException e)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}
finally
{
    lives.CleanUp();
}

Console.Error.WriteLine(Usage);
return 2;

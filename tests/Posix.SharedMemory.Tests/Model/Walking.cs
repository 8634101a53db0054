using System.Globalization;
using Xunit.Abstractions;

namespace Posix.SharedMemory.Tests.Model;

/// <summary>
/// Random operations against the model. SHM_MODEL_SEED sets the seed that a failure prints, SHM_MODEL_STEPS the number of operations.
/// </summary>
public sealed class Walking(ITestOutputHelper output)
{
    private const int DefaultSteps = 1_000_000, StepsBetweenChecks = 1000;

    [Fact]
    [Rule("errors.model")]
    [Rule("names.bytes")]
    public void Any_sequence_of_operations_has_the_results_of_a_simple_model()
    {
        var seed = Setting("SHM_MODEL_SEED") ?? Random.Shared.Next();
        var steps = Setting("SHM_MODEL_STEPS") ?? DefaultSteps;
        using var scope = new TemporaryName("m");
        var prefix = scope.Name + "-";
        using var walk = new ModelWalk(seed, prefix);
        var step = 0;
        try
        {
            for (; step < steps; step++)
            {
                walk.Step();
                if (step % StepsBetweenChecks == 0)
                {
                    walk.CheckAll(prefix);
                    walk.CheckForeignName(prefix, (byte)(step / StepsBetweenChecks));
                }
            }
        }
        catch (Exception e)
        {
            throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"SHM_MODEL_SEED={seed}, step {step}: {e.Message}"), e);
        }

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"SHM_MODEL_SEED={seed}: {steps} steps agreed."));
        output.WriteLine(string.Join(", ", walk.Counts.Select(kind => $"{kind.Value} {kind.Key}")));
    }

    private static int? Setting(string variable) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : null;
}

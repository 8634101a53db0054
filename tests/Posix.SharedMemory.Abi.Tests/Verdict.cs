using System.Globalization;

namespace Posix.SharedMemory.Abi.Tests;

/// <summary>Compares a claim of ours with what the headers say.</summary>
internal static class Verdict
{
    /// <summary>Fails where the two differ; skips, saying why, where these headers are too old to know.</summary>
    internal static void Require(string claim, long ours, Question question)
    {
        CHeaders.SkipWithoutCompiler();
        if (CHeaders.Evaluate(question) is { } theirs)
        {
            Assert.True(ours == theirs, string.Create(
                CultureInfo.InvariantCulture, $"{claim} is {ours} (0x{ours:x}); C says {question.Expression} is {theirs} (0x{theirs:x})."));
            return;
        }

        var known = Counterparts.IsLateArrival(question.Guard!, out var since);
        Skip.If(known, $"NOT JUDGED: {claim}. These headers have no {question.Guard}: it came with {since}.");
        Assert.Fail(
            $"No header defines {question.Guard}, for {claim}: "
            + $"misspelt, or a line is missing in {nameof(CHeaders)} (its header) or {nameof(Counterparts)} (its age).");
    }
}

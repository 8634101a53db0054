using Xunit.Abstractions;

namespace Posix.SharedMemory.Abi.Tests;

/// <summary>Says how much was judged, so that a run that judged nothing does not look like one that passed.</summary>
public class Coverage(ITestOutputHelper output)
{
    [SkippableFact]
    public void Only_constants_newer_than_this_machines_headers_are_not_compared()
    {
        CHeaders.SkipWithoutCompiler();
        var questions = Surface.Questions().Distinct().ToArray();
        var open = questions.Where(question => CHeaders.Evaluate(question) is null).ToArray();
        foreach (var question in open)
        {
            output.WriteLine($"not known here: {question.Expression}");
        }

        output.WriteLine($"{questions.Length - open.Length} of {questions.Length} expressions have a value in these headers.");
        Assert.NotEmpty(questions);
        Assert.All(open, question => Assert.True(
            Counterparts.IsLateArrival(question.Guard!, out _)
                || Surface.ErrorNumbers().Any(error => error.Name == question.Guard && error.Errno.ToNative() == -1),
            $"{question.Guard} is in no header."));
        Assert.True(open.Length * 4 < questions.Length, $"{open.Length} of {questions.Length} are too many to leave open.");
    }
}

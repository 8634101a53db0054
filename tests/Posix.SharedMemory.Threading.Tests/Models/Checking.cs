namespace Posix.SharedMemory.Threading.Tests;

/// <summary>The Promela models of the protocols: searched in full, and each mutant must fail.</summary>
public sealed class Checking
{
    [SkippableTheory]
    [InlineData("mutex.pml", "-DN=2 -DMAXK=1")]
    [InlineData("mutex.pml", "-DN=2 -DMAXK=2")]
    [InlineData("mutex.pml", "-DN=3 -DR=1 -DMAXK=1")]
    [InlineData("eventcount.pml", "")]
    [InlineData("readerwriter.pml", "")]
    [InlineData("seats.pml", "")]
    [Rule("models.hold")]
    public void No_interleaving_breaks_the_protocol(string model, string options)
    {
        Skip.IfNot(ModelSearch.IsPossible, ModelSearch.Missing);
        var (errors, states, report) = ModelSearch.Run(model, options);
        Assert.True(errors == 0, report);
        Assert.InRange(states, 1000, long.MaxValue);
    }

    [SkippableTheory]
    [InlineData("mutex.pml", "-DN=3 -DR=1 -DMAXK=1 -DNOFENCE")]
    [InlineData("mutex.pml", "-DN=3 -DR=1 -DMAXK=1 -DNOLOOK")]
    [InlineData("mutex.pml", "-DN=3 -DR=1 -DMAXK=0 -DNOLOOK -DDROPWAITERS")]
    [InlineData("eventcount.pml", "-DNOFENCE")]
    [InlineData("eventcount.pml", "-DNOLOOKAGAIN")]
    [InlineData("eventcount.pml", "-DNODEATH")]
    [InlineData("readerwriter.pml", "-DNOCHECK")]
    [InlineData("seats.pml", "-DLINKFIRST")]
    [InlineData("seats.pml", "-DFREEFIRST")]
    [InlineData("seats.pml", "-DNOINCARNATION")]
    [InlineData("readerwriter.pml", "-DNOGATE")]
    [InlineData("readerwriter.pml", "-DNOBUMP")]
    [Rule("models.mutants")]
    public void Each_part_that_is_left_out_is_missed(string model, string options)
    {
        Skip.IfNot(ModelSearch.IsPossible, ModelSearch.Missing);
        var (errors, _, report) = ModelSearch.Run(model, options);
        Assert.True(errors > 0, report);
    }
}

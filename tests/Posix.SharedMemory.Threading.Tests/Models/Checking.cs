namespace Posix.SharedMemory.Threading.Tests;

/// <summary>The Promela models of the protocols: searched in full, and each mutant must fail.</summary>
public sealed class Checking
{
    [SkippableTheory]
    [InlineData("mutex.pml", "-DN=2 -DMAXK=1")]
    [InlineData("mutex.pml", "-DN=2 -DMAXK=2")]
    [InlineData("mutex.pml", "-DN=3 -DR=1 -DMAXK=1")]
    [InlineData("eventcount.pml", "-DNN=1 -DNS=2")]
    [InlineData("eventcount.pml", "-DNN=2 -DNS=1")]
    [InlineData("eventcount.pml", "-DNN=1 -DNS=1 -DSERVICE")]
    [InlineData("readerwriter.pml", "-DONEREADER")]
    [InlineData("readerwriter.pml", "-DONEWRITER -DNOLOOK")]
    [InlineData("readerwriter.pml", "-DONEWRITER -DMAXK=2")]
    [InlineData("seats.pml", "")]
    [InlineData("seats.pml", "-DDISTINCT -DMISTAKEN")]
    [InlineData("patience.pml", "-DN=2 -DR=9 -DB=0")]
    [InlineData("patience.pml", "-DN=3 -DR=1 -DTIMEOUTS")]
    [InlineData("patience.pml", "-DN=2 -DR=3 -DTIMEOUTS")]
    [InlineData("returning.pml", "")]
    [InlineData("returning.pml", "-DM=2 -DMAXK=2")]
    [InlineData("barrier.pml", "-DMAXK=0")]
    [InlineData("barrier.pml", "-DN=2 -DMAXK=2")]
    [InlineData("semaphore.pml", "-DNW=2 -DNR=2 -DTIMEOUTS")]
    [InlineData("semaphore.pml", "-DNW=2 -DNR=2 -DTWOSTEP -DMAXK=1")]
    [InlineData("event.pml", "-DTIMEOUTS")]
    [InlineData("event.pml", "-DAUTO -DTIMEOUTS")]
    [InlineData("condition.pml", "")]
    [InlineData("condition.pml", "-DTWOSTEP")]
    [InlineData("once.pml", "-DN=2")]
    [InlineData("once.pml", "-DMAXK=0 -DNOLOOK")]
    [Rule("models.hold")]
    public void No_interleaving_breaks_the_protocol(string model, string options)
    {
        Skip.IfNot(ModelSearch.IsPossible, ModelSearch.Missing);
        var (errors, states, report) = ModelSearch.Run(model, options);
        Assert.True(errors == 0, report);
        Assert.InRange(states, 1000, long.MaxValue);
    }

    /// <summary>The long forms take minutes: LONG_MODELS=1 runs them.</summary>
    [SkippableTheory]
    [InlineData("mutex.pml", "-DN=3 -DR=1 -DMAXK=2")]
    [InlineData("eventcount.pml", "")]
    [InlineData("patience.pml", "-DN=3 -DR=2 -DB=2")]
    [InlineData("patience.pml", "-DN=3 -DR=2 -DTIMEOUTS")]
    [InlineData("readerwriter.pml", "-DONEREADER -DMAXK=2")]
    [InlineData("returning.pml", "-DMAXK=2")]
    [InlineData("barrier.pml", "-DMAXK=1")]
    [InlineData("semaphore.pml", "")]
    [InlineData("condition.pml", "-DALL")]
    [InlineData("once.pml", "")]
    [InlineData("once.pml", "-DMAXK=2")]
    [Rule("models.hold")]
    public void No_interleaving_breaks_the_protocol_in_its_long_form(string model, string options)
    {
        Skip.IfNot(Environment.GetEnvironmentVariable("LONG_MODELS") == "1", "LONG_MODELS=1 searches the long forms.");
        No_interleaving_breaks_the_protocol(model, options);
    }

    [SkippableTheory]
    [InlineData("mutex.pml", "-DN=3 -DR=1 -DMAXK=1 -DNOFENCE")]
    [InlineData("mutex.pml", "-DN=3 -DR=1 -DMAXK=1 -DNOLOOK")]
    [InlineData("mutex.pml", "-DN=3 -DR=1 -DMAXK=0 -DNOLOOK -DDROPWAITERS")]
    [InlineData("eventcount.pml", "-DNN=1 -DNS=1 -DNOFENCE")]
    [InlineData("eventcount.pml", "-DNN=1 -DNS=1 -DNOLOOKAGAIN")]
    [InlineData("eventcount.pml", "-DNN=1 -DNS=1 -DNODEATH")]
    [InlineData("eventcount.pml", "-DNN=1 -DNS=1 -DNOWAKE")]
    [InlineData("eventcount.pml", "-DNN=1 -DNS=1 -DSERVICE -DNOENTERLOOK")]
    [InlineData("eventcount.pml", "-DNN=1 -DNS=1 -DSERVICE -DSLEPTON")]
    [InlineData("readerwriter.pml", "-DONEREADER -DNOCHECK")]
    [InlineData("readerwriter.pml", "-DONEREADER -DNOPASS")]
    [InlineData("readerwriter.pml", "-DONEREADER -DNOTELL")]
    [InlineData("readerwriter.pml", "-DONEREADER -DNOLOOK")]
    [InlineData("readerwriter.pml", "-DONEWRITER -DNOLOOK -DNOLIFE")]
    [InlineData("seats.pml", "-DLINKFIRST")]
    [InlineData("seats.pml", "-DFREEFIRST")]
    [InlineData("seats.pml", "-DNOINCARNATION")]
    [InlineData("seats.pml", "-DNOJOINING")]
    [InlineData("seats.pml", "-DCLEARBEFORE")]
    [InlineData("seats.pml", "-DDISTINCT -DMISTAKEN -DNOSWAP")]
    [InlineData("readerwriter.pml", "-DONEWRITER -DMAXK=0 -DNOLOOK -DNOGATE")]
    [InlineData("readerwriter.pml", "-DONEWRITER -DMAXK=0 -DNOLOOK -DNOBUMP")]
    [InlineData("patience.pml", "-DN=2 -DR=2 -DTIMEOUTS -DNOAGAIN")]
    [InlineData("patience.pml", "-DN=2 -DR=6 -DB=1 -DNOQUEUE")]
    [InlineData("patience.pml", "-DN=3 -DR=1 -DTIMEOUTS -DNOGIVE")]
    [InlineData("patience.pml", "-DN=2 -DR=3 -DTIMEOUTS -DKEEPPATIENT")]
    [InlineData("returning.pml", "-DNORECOMPUTE")]
    [InlineData("returning.pml", "-DNOCONFIRM")]
    [InlineData("returning.pml", "-DNODEATHWAKE")]
    [InlineData("returning.pml", "-DMAXK=0 -DNOSEQUENCE")]
    [InlineData("returning.pml", "-DLATELIFE")]
    [InlineData("barrier.pml", "-DMAXK=2 -DNOMISSED")]
    [InlineData("barrier.pml", "-DNOPENDING")]
    [InlineData("barrier.pml", "-DNOSWEEP")]
    [InlineData("barrier.pml", "-DNOCONFIRM")]
    [InlineData("barrier.pml", "-DNONEWS")]
    [InlineData("semaphore.pml", "-DNOKEEP")]
    [InlineData("semaphore.pml", "-DNOAGAIN")]
    [InlineData("semaphore.pml", "-DNW=3 -DNR=2 -DTIMEOUTS -DNOGIVE")]
    [InlineData("semaphore.pml", "-DNW=2 -DNR=2 -DTWOSTEP -DMAXK=1 -DNOLOOK")]
    [InlineData("event.pml", "-DAUTO -DNOKEEP")]
    [InlineData("event.pml", "-DAUTO -DTIMEOUTS -DNOGIVE")]
    [InlineData("event.pml", "-DAUTO -DWAKENONE")]
    [InlineData("event.pml", "-DNOPULSE")]
    [InlineData("condition.pml", "-DREADLATE")]
    [InlineData("condition.pml", "-DTWOSTEP -DNOLOOK")]
    [InlineData("condition.pml", "-DNOCHANGE")]
    [InlineData("once.pml", "-DN=2 -DDONEFIRST")]
    [InlineData("once.pml", "-DN=2 -DNOFENCE")]
    [InlineData("once.pml", "-DN=2 -DNOLIFE")]
    [InlineData("once.pml", "-DMAXK=0 -DNOLOOK -DWAKEONE")]
    [Rule("models.mutants")]
    public void The_model_fails_without_any_one_of_its_parts(string model, string options)
    {
        Skip.IfNot(ModelSearch.IsPossible, ModelSearch.Missing);
        var (errors, _, report) = ModelSearch.Run(model, options);
        Assert.True(errors > 0, report);
    }
}

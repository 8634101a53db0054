namespace Posix.SharedMemory.Models.Tests;

/// <summary>The model of leases that are counted by thread: searched in full, and each mutant must fail.</summary>
public sealed class LeaseModels
{
    [SkippableTheory]
    [InlineData("leases.pml", "")]
    [InlineData("leases.pml", "-DSELF")]
    [Rule("lease.threads")]
    public void No_interleaving_breaks_the_protocol(string model, string options) => ModelSearch.Holds(model, options);

    [SkippableTheory]
    [InlineData("leases.pml", "-DNOBARRIER")]
    [InlineData("leases.pml", "-DNOPHASE")]
    [InlineData("leases.pml", "-DNOFENCE")]
    [InlineData("leases.pml", "-DNOLOOK")]
    [InlineData("leases.pml", "-DNOUNDO")]
    [InlineData("leases.pml", "-DSELF -DNOSTRIPES")]
    [Rule("lease.threads")]
    public void The_model_fails_without_any_one_of_its_parts(string model, string options) => ModelSearch.Fails(model, options);
}

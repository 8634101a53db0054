namespace Posix.SharedMemory.Testing;

/// <summary>One case of the walk: an operation, the calls that are refused while it runs, and the error.</summary>
internal sealed record FilterCell(WalkedVerb Verb, IReadOnlyList<FilteredCall> Calls, Errno Errno)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Verb.Name}: {string.Join(" and ", Calls.Select(call => call.Name))} refused with {Errno}";
}

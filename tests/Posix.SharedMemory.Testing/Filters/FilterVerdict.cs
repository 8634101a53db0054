namespace Posix.SharedMemory.Testing;

/// <summary>Judges an operation behind a filter: it keeps its promise by a second way, or says which call is refused, by what, and what can be done, and leaves nothing.</summary>
internal static class FilterVerdict
{
    /// <summary>Returns what is wrong; <see langword="null"/> where nothing is.</summary>
    /// <param name="cell">The case.</param>
    /// <param name="outcome">How it ended.</param>
    /// <param name="undisturbed">How it ends without a filter.</param>
    internal static string? Complain(FilterCell cell, FilterOutcome outcome, FilterOutcome undisturbed)
    {
        if (outcome.Left.Length > 0)
        {
            return $"left behind {outcome.Left}";
        }

        if (outcome.Thrown is not { } thrown)
        {
            return FilterAllowances.MayAnswer(cell, outcome.Answer) ? null
                : outcome.Answer != undisturbed.Answer && outcome.Answer != WalkedVerbs.Unknown ? $"answered '{outcome.Answer}', without a filter '{undisturbed.Answer}'"
                : outcome.State != undisturbed.State && !FilterAllowances.MayHaveAnotherResult(cell) ? $"has another result: {outcome.State}; without a filter {undisturbed.State}"
                : null;
        }

        if (FilterAllowances.MayFailWith(cell, thrown))
        {
            return null;
        }

        if (thrown is not (SharedMemoryException or PlatformNotSupportedException))
        {
            return $"threw {thrown.GetType().Name}: {thrown.Message}\n{thrown.StackTrace}";
        }

        if (outcome.State != outcome.Before && !FilterAllowances.MayHaveChanged(cell))
        {
            return $"failed ({thrown.Message}) and changed something: {outcome.State}; before {outcome.Before}";
        }

        return NameOfCall(cell) is { } call && !thrown.Message.Contains(call, StringComparison.Ordinal) ? $"does not name {call}: {thrown.Message}"
            : !NamesRefuser(thrown.Message) ? $"does not say that a filter may refuse it: {thrown.Message}"
            : null;
    }

    /// <summary>The name by which a message is to call what was refused.</summary>
    private static string? NameOfCall(FilterCell cell) => cell.Calls.Count > 1 ? null : cell.Calls[0].Name.Split('(')[0] switch
    {
        // shm_open, and the files under /proc that are opened on the way.
        "open" => "open",
        "newfstatat" or "fstat" => "stat",
        var name => name,
    };

    /// <summary>Returns whether a message says that a filter may be what refuses.</summary>
    internal static bool NamesRefuser(string message) =>
        message.Contains("filter", StringComparison.OrdinalIgnoreCase) || message.Contains("seccomp", StringComparison.Ordinal);
}

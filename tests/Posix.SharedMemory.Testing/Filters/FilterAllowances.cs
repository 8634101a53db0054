namespace Posix.SharedMemory.Testing;

/// <summary>Where an operation behind a filter may do something else than keep its promise or say that a filter refuses a call, and why.</summary>
internal static class FilterAllowances
{
    private static readonly (string Verb, string Reason)[] s_changes =
    [
        ("path Open OpenOrCreate missing", "errors.clean: what was created stays, as with shm_open."),
        ("path Open Create", "As above; and O_TRUNC has emptied it already."),
        ("path Open Truncate", "O_TRUNC has emptied it already."),
        ("path Rename Replace", "The look for hard links follows the rename."),
        ("SetLength Sparse", "The rest of the last page is cleared first, and has memory then."),
        ("path SetLength grow", "As above."),
        ("Write", "Writing is not a single step: the memory is reserved first."),
        ("path Write", "As above."),
        ("path CopyFrom", "As for writing; and the path reads what it has copied."),
    ];

    private static readonly (string Verb, string Reason)[] s_results =
    [
        ("Dispose", "Disposing does not throw; a name that cannot be removed, or about which nothing can be found out, is left."),
        ("path Dispose", "As above."),
        ("NameOwner", "As above."),
        ("SetLength Sparse", "Sparse memory is not promised to be there: by another way, less of it is."),
        ("path SetLength grow Sparse", "As above."),
        ("path SetLength grow unaligned Sparse", "As above."),
    ];

    private static readonly (string Verb, string Answer, string Reason)[] s_answers =
    [
        ("RemoveAbandonedTemporaries", "0", "It removes what it can, and returns what it removed."),
        ("RemoveAbandonedTemporaries", "1", "As above."),
    ];

    private static readonly (string Verb, string Call, Type Thrown, string Reason)[] s_exceptions =
    [
        ("path CopyFrom memory", "pwrite", typeof(IOException), "The path itself writes a file by the base library."),
        ("path CopyFrom memory", "pwrite", typeof(UnauthorizedAccessException), "As above."),
        ("TakeSocket", "fstat", typeof(System.Net.Sockets.SocketException), "The base library makes a socket of the descriptor, and says what it does not find out."),
        ("TakeSocket", "newfstatat", typeof(System.Net.Sockets.SocketException), "As for fstat."),
    ];

    private static readonly (string Verb, string Call, Errno Errno, string Reason)[] s_errors =
    [
        ("Create in place of what was left behind", "fcntl", Errno.EEXIST, "Without the mark or the locks nothing proves that the object was left behind: it is kept."),
    ];

    /// <summary>What cannot be removed stays: the promises about cleaning up end there.</summary>
    internal static bool MayHaveChanged(FilterCell cell) => cell.Calls.Any(call => call.Name == "unlink") || s_changes.Any(change => cell.Verb.Name.StartsWith(change.Verb, StringComparison.Ordinal));

    internal static bool MayHaveAnotherResult(FilterCell cell) => s_results.Any(one => cell.Verb.Name.StartsWith(one.Verb, StringComparison.Ordinal));

    internal static bool MayAnswer(FilterCell cell, string answer) => s_answers.Any(one => cell.Verb.Name == one.Verb && answer == one.Answer);

    internal static bool MayFailWith(FilterCell cell, Exception thrown) =>
        s_exceptions.Any(one => cell.Verb.Name == one.Verb && cell.Calls[0].Name == one.Call && thrown.GetType() == one.Thrown)
        || thrown is SharedMemoryException failure && s_errors.Any(one => cell.Verb.Name == one.Verb && cell.Calls[0].Name.StartsWith(one.Call, StringComparison.Ordinal) && failure.Errno == one.Errno);
}

namespace Posix.SharedMemory.Campaign;

/// <summary>One way in which a system can run short of something, and what that may do to a worker.</summary>
/// <param name="What">In the figures.</param>
/// <param name="Errors">What the worker may be told, as the actor knows it.</param>
internal sealed record Shortage(string What, params string[] Errors)
{
    /// <summary>Gets what starts the worker, given its arguments; by default nothing special does.</summary>
    internal Func<string[], Peer> Start { get; init; } = arguments => Actor.Start(arguments);

    /// <summary>Gets the limit of <c>prlimit</c> that is put on the running worker, again and again.</summary>
    internal Func<Peer, Random, string>? Limit { get; init; }

    /// <summary>Gets how that limit is taken away.</summary>
    internal string? Lift { get; init; }

    /// <summary>Gets the word by which the worker knows where it works; by default, that it is alone there.</summary>
    internal string Where { get; init; } = "alone";

    /// <summary>Gets what is done to the worker once it is ready.</summary>
    internal Action<Peer>? Then { get; init; }

    /// <summary>Gets what surrounds it all.</summary>
    internal Func<IDisposable?>? Around { get; init; }
}

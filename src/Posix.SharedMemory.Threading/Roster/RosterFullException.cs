namespace Posix.SharedMemory.Threading;

/// <summary>All seats of a roster are taken by living processes.</summary>
/// <example>
/// <code>
/// try
/// {
///     using var small = Roster.Join(map, seats: 2);
///     Console.WriteLine(small.Seats);
/// }
/// catch (RosterFullException)
/// {
///     Console.WriteLine("Two processes take part already.");
/// }
/// </code>
/// </example>
public sealed class RosterFullException : Exception
{
    /// <summary>Describes a roster without a free seat.</summary>
    public RosterFullException()
        : this("All seats of the roster are taken by living processes.")
    {
    }

    /// <summary>Describes a roster without a free seat, in words.</summary>
    public RosterFullException(string message)
        : base(message)
    {
    }

    /// <summary>Describes a roster without a free seat, in words, and why.</summary>
    public RosterFullException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }
}

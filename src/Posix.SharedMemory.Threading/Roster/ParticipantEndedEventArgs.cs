namespace Posix.SharedMemory.Threading;

/// <summary>Says who has ended, and how.</summary>
/// <example>
/// <code>
/// roster.Ended += (_, end) =&gt; Console.WriteLine($"Seat {end.Participant.Seat} {(end.Died ? "died" : "left")}.");
/// </code>
/// </example>
public sealed class ParticipantEndedEventArgs : EventArgs
{
    internal ParticipantEndedEventArgs(Participant participant, bool died)
    {
        Participant = participant;
        Died = died;
    }

    /// <summary>Gets the participant that takes part no more.</summary>
    public Participant Participant { get; }

    /// <summary>Gets whether its process ended without leaving; <see langword="false"/>: it left by <see cref="Roster.Dispose"/>.</summary>
    /// <remarks>Where another process took the seat before this one looked, how the former one ended is unknown, and told as a death.</remarks>
    public bool Died { get; }
}

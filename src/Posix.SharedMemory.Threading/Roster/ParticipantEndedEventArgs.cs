namespace Posix.SharedMemory.Threading;

/// <summary>Identifies a participant that has ended, and how it ended.</summary>
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
    /// <remarks>If another process has taken the seat by the time this one looks, how the former one ended is unknown; it is reported as a death.</remarks>
    public bool Died { get; }
}

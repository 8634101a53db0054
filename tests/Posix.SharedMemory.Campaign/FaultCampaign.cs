namespace Posix.SharedMemory.Campaign;

/// <summary>One way of doing harm, at random and for as long as it is given, and a look at what came of it.</summary>
internal abstract class FaultCampaign
{
    /// <summary>Gets what it is called on the command line and in the table.</summary>
    internal abstract string Name { get; }

    /// <summary>Gets how much of the time it gets, in parts.</summary>
    internal abstract double Share { get; }

    /// <summary>Gets why it cannot run here at all; <see langword="null"/> where it can.</summary>
    internal virtual string? Obstacle => null;

    /// <summary>Gets the faults by which <c>--self-test</c> shows that its checks find something.</summary>
    internal abstract IReadOnlyList<PlantedFault> Planted { get; }

    /// <summary>Goes on until the session is over.</summary>
    internal abstract void Run(Session session);
}

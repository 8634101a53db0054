namespace Posix.SharedMemory.Bridge;

/// <summary>Where messages were lost.</summary>
public enum LossPlace
{
    /// <summary>In the ring of the exporting host: it was filled faster than the network took messages.</summary>
    LocalRing,

    /// <summary>Between the hosts.</summary>
    Wire,

    /// <summary>On the importing host: its ring was not read, and more than <see cref="BridgeOptions.WindowBytes"/> were waiting for room in it.</summary>
    RemoteRing,
}

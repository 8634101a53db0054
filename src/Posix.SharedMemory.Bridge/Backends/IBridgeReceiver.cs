namespace Posix.SharedMemory.Bridge;

/// <summary>Gets the messages of one subscription.</summary>
public interface IBridgeReceiver
{
    /// <summary>Takes a message. A backend calls it for one message after the other, in order, where it reads from the network: it must neither block nor throw.</summary>
    /// <param name="message">Valid until the call returns.</param>
    void Receive(in BridgeMessage message);
}

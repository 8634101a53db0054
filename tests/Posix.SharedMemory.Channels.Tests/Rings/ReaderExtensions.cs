namespace Posix.SharedMemory.Channels.Tests.Rings;

internal static class ReaderExtensions
{
    /// <summary>Whether there is a message. That the writer has left was to be expected.</summary>
    internal static bool WaitToReadOrKnown(this MessageReader reader)
    {
        try
        {
            return reader.WaitToRead(TimeSpan.Zero);
        }
        catch (PeerLeftException)
        {
            return false;
        }
    }
}

using System.Net;

namespace Posix.SharedMemory.AspNetCore.Tests;

/// <summary>A body that is written while the response is read already. The base library's contents are sent to their end first.</summary>
internal sealed class PushedContent(Func<Stream, Task> write) : HttpContent
{
    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => write(stream);

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }
}

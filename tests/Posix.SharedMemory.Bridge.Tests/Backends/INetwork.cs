namespace Posix.SharedMemory.Bridge.Tests.Backends;

/// <summary>An engine that a test connects to, and cuts.</summary>
internal interface INetwork : IAsyncDisposable
{
    Task<IBridgeBackend> ConnectAsync();

    Task BreakAsync();

    Task RestoreAsync();
}

using Posix.SharedMemory.AspNetCore.Tests.Peers;

namespace Posix.SharedMemory.AspNetCore.Tests;

/// <summary>The other process of a test: it speaks in lines. Without a command it does nothing; the test runner loads the assembly by itself.</summary>
internal static class Program
{
    private static async Task<int> Main(string[] args) => args switch
    {
        ["serve", var path, var version] => await Acts.ServeAsync(path, version),
        ["get", var path, var version, var address] => await Acts.GetAsync(path, version, address),
        _ => 0,
    };
}

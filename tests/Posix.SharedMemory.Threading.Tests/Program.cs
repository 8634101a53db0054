using Posix.SharedMemory.Threading.Tests.Peers;

namespace Posix.SharedMemory.Threading.Tests;

/// <summary>The other process of a test: it speaks in lines. Without a command it does nothing; the test runner loads the assembly by itself.</summary>
internal static class Program
{
    private static int Main(string[] args)
    {
        if (args is not [var command, .. var arguments])
        {
            return 0;
        }

        return command == "look" ? Looking.Run(arguments) : Acts.Run(command, arguments);
    }
}

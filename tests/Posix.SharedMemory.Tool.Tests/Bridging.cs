namespace Posix.SharedMemory.Tool.Tests;

/// <summary><c>shm bridge</c> starts another program.</summary>
public sealed class Bridging
{
    [Fact]
    public void The_program_gets_the_words_and_its_exit_code_is_returned()
    {
        // Shared memory may be mounted so that nothing in it can be run.
        var directory = Directory.CreateTempSubdirectory("bridge");
        try
        {
            var program = Path.Combine(directory.FullName, "shm-bridge");
            File.WriteAllText(program, "#!/bin/sh\nprintf '%s\\n' \"$@\"\nexit 7\n");
            File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserExecute);
            using var peer = Peer.Run("env", [$"PATH={directory.FullName}:/usr/bin:/bin", Shm.Program, "bridge", "nats://hub:4222", "--export", "camera.*", "--nonsense", "ls"]);
            Assert.Equal((7, "nats://hub:4222\n--export\ncamera.*\n--nonsense\nls\n", ""), peer.Finish());
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    [Fact]
    public void Without_the_program_it_says_how_to_install_it()
    {
        using var peer = Peer.Run("env", ["PATH=/dev/null", Shm.Program, "bridge", "ls"]);
        var (code, output, errors) = peer.Finish();
        Assert.Equal((1, ""), (code, output));
        Assert.Equal("shm: bridge: shm-bridge is not on PATH; install it with: dotnet tool install --global --prerelease Posix.SharedMemory.Bridge.Tool\n", errors);
    }
}

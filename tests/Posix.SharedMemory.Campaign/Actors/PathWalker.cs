namespace Posix.SharedMemory.Campaign;

/// <summary>Does one of the operations of <see cref="FaultPaths"/>, and gets a signal before one of its calls.</summary>
internal static class PathWalker
{
    /// <summary>
    /// <c>path NAME FIRST SECOND LENGTH SIGNAL AT</c>: says <c>arranged</c>, waits for a line, does it, says <c>done</c> and how many calls that took, and waits again.
    /// </summary>
    internal static void Walk(string[] arguments)
    {
        var path = FaultPaths.All.Single(path => path.Name == arguments[0]);
        var platform = new ScriptedPlatform();
        using var substitute = Platform.Substitute(platform);
        using var scene = new FaultScene(TemporaryName.Of(arguments[1]), TemporaryName.Of(arguments[2])) { UnpublishedLength = Actor.Number(arguments[3]) };
        path.Arrange(scene);
        Console.WriteLine("arranged");
        Console.ReadLine();
        platform.ArmSignal(Actor.Number(arguments[4]), Actor.Number(arguments[5]));
        path.Act(scene);
        var made = platform.ArmSignal(0, 0);
        Console.WriteLine($"done {Actor.Text(made)}");
        Console.ReadLine();
    }
}

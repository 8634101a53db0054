using Spectre.Console;
using Spectre.Console.Rendering;

namespace Posix.SharedMemory.Tool;

/// <summary>How much is done, the total if it is known, and the speed, with sizes as the command prints them everywhere.</summary>
internal sealed class SizeColumn(bool isTotalKnown) : ProgressColumn
{
    public override IRenderable Render(RenderOptions options, ProgressTask task, TimeSpan deltaTime)
    {
        var whole = isTotalKnown ? $" of {ByteSize.Short((long)task.MaxValue)}" : "";
        var speed = task.Speed is { } bytes ? $", {ByteSize.Short((long)bytes)}/s" : "";
        return new Text(ByteSize.Short((long)task.Value) + whole + speed);
    }
}

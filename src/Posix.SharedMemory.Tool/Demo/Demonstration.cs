using System.Globalization;

namespace Posix.SharedMemory.Tool;

/// <summary>Two processes share memory, step by step, with the command that shows each step.</summary>
internal sealed class Demonstration(Terminal terminal, CancellationToken ended)
{
    private int _step;

    internal void Run()
    {
        var name = SharedMemoryObject.CreateUniqueName("shm-demo");
        // The last member removes the name: even if this process is killed, its children end with their input, and remove the name.
        using var memory = SharedMemoryObject.Create(name, DemoPart.Length, new() { Lifetime = Lifetime.UnlinkOnLastDispose });
        DemoPart.Sign(memory);
        Tell($"This process, {Environment.ProcessId}, creates an object of one mebibyte: memory with a name.", $"shm create {name} 1M");
        Show($"{ModeText.Letters(memory.Permissions)}  {memory.Length} bytes  {name}");

        using var one = new Actor("one", name);
        using var other = new Actor("other", name);
        one.Do("store");
        Tell($"Process {one.ProcessId} maps it and stores a sentence in it.", $"shm cat {name} --offset 64 | head -c 40");
        var heard = other.Do("load");
        Tell($"Process {other.ProcessId} maps it too, and reads:", $"shm dump {name}");
        Show($"\"{heard}\"");
        Say("Nothing was sent or copied: both processes see the same bytes.");

        Tell("These processes hold it:", $"shm who {name}");
        ShowHolders(name);

        Task.WaitAll(Task.Run(() => one.Do("count")), Task.Run(() => other.Do("count")));
        Tell(string.Create(CultureInfo.InvariantCulture, $"Both processes add 1 to the same eight bytes, {DemoPart.Counts} times each, at the same time, atomically. The sum:"), $"shm watch {name}");
        Show(other.Do("counter"));

        memory.Unlink();
        one.Do("store");
        Tell("The name is removed. No other process can find the memory now; those that have mapped it go on using it:", $"shm rm {name}");
        Show($"process {other.ProcessId} reads \"{other.Do("load")}\"");
        Say("When the last of them ends, the kernel frees the memory. Nothing is left behind.");
        Say("Try next: shm ls, shm top, shm doctor, shm help.");
    }

    private void ShowHolders(string name)
    {
        try
        {
            foreach (var holder in SharedMemoryDirectory.GetHolders(name))
            {
                Show(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{holder.ProcessId}  {EscapedText.Of(holder.Command)}  {ByteSize.Count(holder.Mappings.Count, "mapping")}, {ByteSize.Count(holder.Descriptors.Count, "descriptor")}"));
            }
        }
        catch (PlatformNotSupportedException e)
        {
            Show(e.Message);
        }
    }

    private void Tell(string what, string command)
    {
        ended.ThrowIfCancellationRequested();
        _step++;
        terminal.Out.Write(string.Create(CultureInfo.InvariantCulture, $"\n{_step}. {what}\n"));
        terminal.Out.Write($"   {terminal.Paint("by hand: " + command, Ink.Dim)}\n");
        terminal.Flush();
    }

    private void Show(string text)
    {
        terminal.Out.Write($"   {terminal.Paint(text, Ink.Green)}\n");
        terminal.Flush();
    }

    private void Say(string text)
    {
        terminal.Out.Write($"   {text}\n");
        terminal.Flush();
    }
}

using System.Globalization;

namespace Posix.SharedMemory.TestPeer;

/// <summary>Asks the library about an object per line, and answers each with a line: <c>ok …</c>, or the error's name and message.</summary>
internal sealed class Inspecting
{
    private SharedMemoryEntry? _entry;

    private SharedMemoryEntry Entry => _entry ?? throw new InvalidOperationException("No entry is kept.");

    /// <summary><c>inspect</c>: does what its input says until that ends.</summary>
    internal static void Inspect(string[] arguments)
    {
        var inspecting = new Inspecting();
        while (Console.ReadLine() is { } line)
        {
            Console.WriteLine(inspecting.Answer(line));
        }
    }

    private string Answer(string line)
    {
        try
        {
            return $"ok {Do(line.Split(' '))}".TrimEnd();
        }
        catch (SharedMemoryException e)
        {
            return $"{e.Errno} {e.Message}";
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or NotSupportedException)
        {
            return $"{e.GetType().Name} {e.Message}";
        }
    }

    private string Do(string[] words)
    {
        switch (words)
        {
            case ["keep", var name]:
                _entry = SharedMemoryDirectory.Find(name);
                return _entry is null ? "none" : Text(_entry.Length);
            case ["identity"]:
                return Entry.Identity.ToString();
            case ["unlink"]:
                Entry.Unlink();
                return "";
            case ["chmod", var mode]:
                Entry.SetPermissions((UnixFileMode)Convert.ToInt32(mode, 8));
                return "";
            case ["rename", var name]:
                Entry.Rename(name);
                return "";
            case ["open"]:
                using (var memory = Entry.Open())
                {
                    return Text(memory.Length);
                }

            case ["discard", var offset, var length]:
                using (var memory = Entry.Open(FileAccess.ReadWrite))
                {
                    memory.Discard(long.Parse(offset, CultureInfo.InvariantCulture), long.Parse(length, CultureInfo.InvariantCulture));
                    return "";
                }

            case ["is-held"]:
                return Entry.IsHeld()?.ToString() ?? "unknown";
            case ["holders"]:
                var holders = Entry.GetHolders();
                return $"{string.Join(',', holders.Select(holder => holder.ProcessId))} {(holders.IsComplete ? "complete" : "incomplete")}";
            case ["index"]:
                var index = SharedMemoryDirectory.IndexHolders();
                return $"{index[Entry.Identity].Count} {(index[Entry.Identity].IsComplete ? "complete" : "incomplete")} {(index.IsComplete ? "complete" : "incomplete")}";
            case ["list"]:
                return string.Join(' ', SharedMemoryDirectory.Enumerate().Select(entry => entry.Name).Order(StringComparer.Ordinal));
            case ["unnamed"]:
                return string.Join(' ', SharedMemoryDirectory.EnumerateUnnamed().Where(found => found.IsUnlinked).Select(found => found.DebugName));
            case ["usage"]:
                return Text(SharedMemoryDirectory.GetUsage().TotalBytes);
            case ["ranges", .. var access]:
                using (var memory = Entry.Open(access is ["write"] ? FileAccess.ReadWrite : FileAccess.Read))
                {
                    return string.Join(' ', memory.GetAllocatedRanges().Select(range => $"{Text(range.Offset)}+{Text(range.Length)}"));
                }

            case ["states", .. var access]:
                using (var memory = Entry.Open(access is ["write"] ? FileAccess.ReadWrite : FileAccess.Read))
                {
                    return string.Join(' ', memory.GetPageStates().Select(run => $"{run.State}:{Text(run.Range.Offset)}+{Text(run.Range.Length)}"));
                }

            default:
                throw new NotSupportedException($"Unknown: {string.Join(' ', words)}");
        }
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}

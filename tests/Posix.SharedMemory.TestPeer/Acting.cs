using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory.TestPeer;

/// <summary>Does one operation of the library per line, and answers each with a line: <c>ok …</c>, or the error's name and message.</summary>
internal sealed class Acting : IDisposable
{
    private SharedMemoryObject? _memory;
    private MemoryMapping? _mapping;

    private SharedMemoryObject Memory => _memory ?? throw new InvalidOperationException("Nothing is open.");

    /// <summary><c>act LINE…</c>: does what the lines say and ends; without lines, what its input says until that ends.</summary>
    internal static void Act(string[] arguments)
    {
        using var acting = new Acting();
        foreach (var line in arguments.Length > 0 ? arguments : Lines())
        {
            Console.WriteLine(acting.Answer(line));
        }
    }

    public void Dispose()
    {
        _mapping?.Dispose();
        _memory?.Dispose();
    }

    private static IEnumerable<string> Lines()
    {
        while (Console.ReadLine() is { } line)
        {
            yield return line;
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
            case ["open", var name, .. var access]:
                Keep(SharedMemoryObject.Open(name, FileMode.Open, access is ["read"] ? FileAccess.Read : FileAccess.ReadWrite));
                return Text(Memory.Length);
            case ["open-mode", var name, var mode]:
                Keep(SharedMemoryObject.Open(name, Enum.Parse<FileMode>(mode)));
                return Text(Memory.Length);
            case ["create", var name, var length, .. var options]:
                Keep(SharedMemoryObject.Create(name, Number(length), Options(options)));
                return "";
            case ["open-or-create", var name, var length, .. var options]:
                Keep(SharedMemoryObject.OpenOrCreate(name, Number(length), out var created, Options(options)));
                return created ? "created" : "existing";
            case ["create-unpublished", var length, .. var options]:
                Keep(SharedMemoryObject.CreateUnpublished(Number(length), Options(options)));
                return "";
            case ["create-anonymous", var length, .. var options]:
                Keep(SharedMemoryObject.CreateAnonymous(Number(length), new()
                {
                    Executable = options.Contains("Executable", StringComparer.Ordinal),
                    AllowSealing = !options.Contains("Unsealable", StringComparer.Ordinal),
                    Backing = Options(options).Backing,
                }));
                return $"{Memory.Seals}; {Memory.Permissions}";
            case ["publish", var name, var mode]:
                Memory.Publish(name, Enum.Parse<RenameMode>(mode));
                return "";
            case ["rename", var from, var to, var mode]:
                SharedMemoryObject.Rename(from, to, Enum.Parse<RenameMode>(mode));
                return "";
            case ["rename-own", var to]:
                Memory.Rename(to);
                return Memory.Name!;
            case ["unlink", var name]:
                SharedMemoryObject.Unlink(name);
                return "";
            case ["try-unlink", var name]:
                return Text(SharedMemoryObject.TryUnlink(name) ? 1 : 0);
            case ["holders", var name]:
                var holders = SharedMemoryDirectory.GetHolders(name);
                return $"{string.Join(',', holders.Select(holder => holder.ProcessId))}; {string.Join(',', holders.UnreadableProcessIds)}";
            case ["usage"]:
                var usage = SharedMemoryDirectory.GetUsage();
                return $"{usage.TotalBytes} {usage.UsedBytes} {usage.AvailableBytes}";
            default:
                return DoWithMemory(words);
        }
    }

    private string DoWithMemory(string[] words)
    {
        switch (words)
        {
            case ["set-length", var length, .. var backing]:
                Memory.SetLength(Number(length), backing is ["Sparse"] ? Backing.Sparse : Backing.Reserved);
                return "";
            case ["reserve", var offset, var length]:
                Memory.Reserve(Number(offset), Number(length));
                return "";
            case ["write", var offset, var count, var value]:
                var bytes = new byte[Number(count)];
                bytes.AsSpan().Fill((byte)Number(value));
                Memory.Write(bytes, Number(offset));
                return "";
            case ["copy-to", var path, var count]:
                using (var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite))
                {
                    return Text(Memory.CopyTo(file.SafeFileHandle, 0, Number(count)));
                }

            case ["copy-to-descriptor", var number, var count]:
                using (var file = new SafeFileHandle((nint)Number(number), ownsHandle: false))
                {
                    return Text(Memory.CopyTo(file, 0, Number(count)));
                }

            case ["sum"]:
                var all = new byte[Memory.Length];
                return Text(all.AsSpan(0, Memory.Read(all, 0)).ToArray().Sum(value => (long)value));
            case ["length"]:
                return Text(Memory.Length);
            case ["allocated"]:
                return Text(Memory.GetStatus().AllocatedBytes);
            case ["map"]:
                _mapping = Memory.Map();
                return "";
            case ["store", var offset, var value]:
                _mapping!.GetSpan(Number(offset), 1)[0] = (byte)Number(value);
                return "";
            case ["load", var offset]:
                return Text(_mapping!.GetReadOnlySpan(Number(offset), 1)[0]);
            case ["chmod", var mode]:
                Memory.Permissions = (UnixFileMode)Convert.ToInt32(mode, 8);
                return "";
            case ["seals"]:
                return Memory.Seals.ToString();
            case ["unlinked"]:
                return Text(Memory.IsUnlinked ? 1 : 0);
            case ["close"]:
                Dispose();
                _memory = null;
                _mapping = null;
                return "";
            default:
                throw new ArgumentException($"Not an act: {string.Join(' ', words)}.", nameof(words));
        }
    }

    private void Keep(SharedMemoryObject memory)
    {
        _memory?.Dispose();
        _memory = memory;
    }

    private static SharedMemoryOptions Options(string[] words) => new()
    {
        Backing = words.Contains("Sparse", StringComparer.Ordinal) ? Backing.Sparse : Backing.Reserved,
        Lifetime = words.Contains("Last", StringComparer.Ordinal) ? Lifetime.UnlinkOnLastDispose
            : words.Contains("OnDispose", StringComparer.Ordinal) ? Lifetime.UnlinkOnDispose
            : Lifetime.Keep,
        OnConflict = words.Contains("Replace", StringComparer.Ordinal) ? NameConflict.Replace
            : words.Contains("ReplaceAbandoned", StringComparer.Ordinal) ? NameConflict.ReplaceAbandoned
            : NameConflict.Fail,
        Permissions = (UnixFileMode)Convert.ToInt32(words.FirstOrDefault(word => word.StartsWith('0'), "0600"), 8),
    };

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}

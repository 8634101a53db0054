using System.Globalization;
using System.Text;

namespace Posix.SharedMemory.Tests.Model;

/// <summary>Does random operations on a few names, and the same on a dictionary of byte arrays.</summary>
internal sealed partial class ModelWalk : IDisposable
{
    private const int MostBytes = 13_000, MostHandles = 6, Tail = 40;
    private const UnixFileMode Mask = (UnixFileMode)0x1FF;
    private const UnixFileMode Usable = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly Random _random;
    private readonly string[] _names;
    private readonly Dictionary<int, ModelObject> _namespace = [];
    private readonly List<ModelHandle> _handles = [];
    private readonly Queue<string> _history = new();
    private readonly byte[] _buffer = new byte[MostBytes];
    private string _act = "";

    /// <param name="seed">Decides everything.</param>
    /// <param name="prefix">What all names start with, so that nobody else's are met.</param>
    internal ModelWalk(int seed, string prefix)
    {
        _random = new(seed);

        // One name after another, with all characters that UTF-8 has in one, two, three and four bytes among them, control characters too.
        _names =
        [
            $"{prefix}a", $"{prefix}b", $"/{prefix}c", $"{prefix} \u0001\u001F\u007F\\\"'*?", $"{prefix}\u00E9\u0416\u4E2D\U0001F600",
            prefix + new string('x', 255 - prefix.Length), $"{prefix}.{(char)_random.Next(1, 47)}{(char)_random.Next(48, 0xD7FF)}",
        ];
    }

    /// <summary>Gets how often each kind of operation was done.</summary>
    internal SortedDictionary<string, int> Counts { get; } = new(StringComparer.Ordinal);

    /// <summary>Does one operation both ways.</summary>
    /// <exception cref="InvalidOperationException">They differ.</exception>
    internal void Step()
    {
        var choice = _random.Next(100);
        if (_handles.Count == 0 || choice < 18)
        {
            OpenSomething();
        }
        else if (choice < 30)
        {
            ChangeNames();
        }
        else
        {
            UseHandle(_handles[_random.Next(_handles.Count)], choice);
        }
    }

    public void Dispose()
    {
        while (_handles.Count > 0)
        {
            Close(_handles[^1]);
        }

        foreach (var name in _names)
        {
            SharedMemoryObject.TryUnlink(name);
        }
    }

    /// <summary>Compares every name and object.</summary>
    internal void CheckAll(string prefix)
    {
        Begin("enumerate", "");
        var real = SharedMemoryDirectory.Enumerate().Where(entry => entry.Name.StartsWith(prefix, StringComparison.Ordinal))
            .ToDictionary(entry => entry.Name, entry => (entry.Length, entry.Permissions), StringComparer.Ordinal);
        Same(_namespace.Count, real.Count);
        foreach (var (index, model) in _namespace)
        {
            Same((model.Bytes.Length, model.Permissions), real[_names[index].TrimStart('/')]);
        }

        foreach (var handle in _handles)
        {
            Read(handle, 0, MostBytes);
        }
    }

    /// <summary>Another program makes a name with this byte in it, be it UTF-8 or not: it is listed, opens and is removed.</summary>
    internal void CheckForeignName(string prefix, byte value)
    {
        if (value is 0 or (byte)'/')
        {
            return;
        }

        byte[] name = [.. Encoding.UTF8.GetBytes(prefix), value, (byte)_random.Next(0x80, 0x100), value];
        Begin("foreign name", Convert.ToHexString(name));
        Same(default, Platform.Linux(SystemCalls.Real).Names.Open(ObjectName.FromSystem(name), FileMode.CreateNew, FileAccess.ReadWrite, Usable, out var made));
        made!.Dispose();
        var entry = SharedMemoryDirectory.Enumerate().Single(entry => entry.NameBytes.Span.SequenceEqual(name));
        using (var memory = entry.Open(FileAccess.ReadWrite))
        {
            Same(0, memory.Length);
            memory.SetLength(value);
            Same(false, memory.IsUnlinked);
        }

        entry.Unlink();
        Expect(Errno.ENOENT, entry.Unlink);
    }

    private void OpenSomething()
    {
        if (_handles.Count == MostHandles)
        {
            Close(_handles[_random.Next(_handles.Count)]);
        }

        var index = _random.Next(_names.Length);
        var (name, length) = (_names[index], NextLength());
        var exists = _namespace.TryGetValue(index, out var there);
        var options = new SharedMemoryOptions { Permissions = Usable | (UnixFileMode)_random.Next(0x40), Backing = NextBacking() };
        switch (_random.Next(8))
        {
            case 0:
                Begin("create", name, length);
                Keep(Expect(exists ? Errno.EEXIST : default, () => SharedMemoryObject.Create(name, length, options)), index, () => new(length, options.Permissions));
                break;
            case 1:
                Begin("open or create", name, length);
                var created = false;
                Keep(Expect(default, () => SharedMemoryObject.OpenOrCreate(name, length, out created, options)), index, () => there ?? new(length, options.Permissions));
                Same(!exists, created);
                break;
            case 2:
                Begin("create unpublished", name, length);
                Keep(SharedMemoryObject.CreateUnpublished(length, options), null, () => new(length, options.Permissions));
                break;
            case 3:
                Begin("try open", name);
                Same(exists, SharedMemoryObject.TryOpen(name, FileAccess.ReadWrite, out var opened));
                Keep(opened, index, () => there!);
                break;
            case 4:
                Begin("open CreateNew", name);
                Keep(Expect(exists ? Errno.EEXIST : default, () => SharedMemoryObject.Open(name, FileMode.CreateNew)), index, () => new(0, Usable));
                break;
            case 5:
                var mode = _random.Next(2) == 0 ? FileMode.Create : FileMode.OpenOrCreate;
                Begin($"open {mode}", name);
                Keep(Expect(default, () => SharedMemoryObject.Open(name, mode)), index, () => there ?? new(0, Usable));
                Cut(mode, there);
                break;
            default:
                var existing = _random.Next(4) == 0 ? FileMode.Truncate : FileMode.Open;
                Begin($"open {existing}", name);
                Keep(Expect(exists ? default : Errno.ENOENT, () => SharedMemoryObject.Open(name, existing)), index, () => there!);
                Cut(existing, there);
                break;
        }
    }

    private void ChangeNames()
    {
        var (from, to) = (_random.Next(_names.Length), _random.Next(_names.Length));
        var exists = _namespace.TryGetValue(from, out var moved);
        var target = _namespace.GetValueOrDefault(to);
        switch (_random.Next(5))
        {
            case 0:
                Begin("unlink", _names[from]);
                Expect(exists ? default : Errno.ENOENT, () => SharedMemoryObject.Unlink(_names[from]));
                _namespace.Remove(from);
                break;
            case 1:
                Begin("try unlink", _names[from]);
                Same(exists, SharedMemoryObject.TryUnlink(_names[from]));
                _namespace.Remove(from);
                break;
            default:
                var mode = (RenameMode)_random.Next(3);
                Begin($"rename {mode}", _names[from], 0, _names[to]);
                var error = from == to ? default
                    : !exists ? Errno.ENOENT
                    : mode == RenameMode.NoReplace && target is not null ? Errno.EEXIST
                    : default;
                Expect(error, () => SharedMemoryObject.Rename(_names[from], _names[to], mode));
                if (error.IsSuccess && from != to)
                {
                    _namespace.Remove(from);
                    _namespace[to] = moved!;
                    if (mode == RenameMode.Exchange && target is not null)
                    {
                        _namespace[from] = target;
                    }
                }

                break;
        }
    }

    private void Keep(SharedMemoryObject? real, int? index, Func<ModelObject> model)
    {
        if (real is null)
        {
            return;
        }

        var handle = new ModelHandle(real, model(), index);
        _handles.Add(handle);
        if (index is { } named)
        {
            _namespace[named] = handle.Model;
        }
    }

    private void Close(ModelHandle handle)
    {
        Begin("close", NameOf(handle));
        handle.Mapping?.Dispose();
        handle.Real.Dispose();
        _handles.Remove(handle);
    }

    private static void Cut(FileMode mode, ModelObject? there)
    {
        if (mode is FileMode.Create or FileMode.Truncate)
        {
            there?.SetLength(0);
        }
    }

    private bool Means(ModelHandle handle) => handle.NameIndex is { } index && _namespace.GetValueOrDefault(index) == handle.Model;

    private string NameOf(ModelHandle handle) => handle.NameIndex is { } index ? _names[index] : "(unpublished)";

    private int NextLength() => _random.Next(4) == 0 ? _random.Next(4) * 4096 : _random.Next(MostBytes);

    private Backing NextBacking() => (Backing)_random.Next(2);

    private void Begin(string act, string name, int number = 0, string other = "")
    {
        Counts[act] = Counts.GetValueOrDefault(act) + 1;
        _act = string.Create(CultureInfo.InvariantCulture, $"{act} {name} {number} {other}");
        _history.Enqueue(_act);
        if (_history.Count > Tail)
        {
            _history.Dequeue();
        }
    }

    private static bool Does<TException>(Action act)
        where TException : Exception
    {
        try
        {
            act();
            return true;
        }
        catch (TException)
        {
            return false;
        }
    }

    private T? Expect<T>(Errno error, Func<T> act)
        where T : class
    {
        T? result = null;
        Expect(error, () => { result = act(); });
        return result;
    }

    private void Expect(Errno error, Action act)
    {
        Errno seen = default;
        try
        {
            act();
        }
        catch (SharedMemoryException e)
        {
            seen = e.Errno;
        }

        Same(error, seen);
    }

    private void Same<T>(T expected, T actual)
    {
        if (EqualityComparer<T>.Default.Equals(expected, actual))
        {
            return;
        }

        var story = new StringBuilder().AppendJoin('\n', _history);
        throw new InvalidOperationException($"The model says {expected}, the system {actual}, after:\n{story}");
    }
}

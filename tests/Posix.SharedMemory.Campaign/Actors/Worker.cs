using System.Collections.ObjectModel;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory.Campaign;

/// <summary>
/// Does everything that the documents call safe, at random, on a few names: <c>work PREFIX SEED WHERE ERRNO…</c>. <c>alone</c>: only these errors may come, and what is
/// found is whole. <c>hostile</c>: any that the system gives may, and anything may be found. <c>CALL=ERRNO</c>: alone, behind a filter that refuses a call; any may that names a filter.
/// </summary>
internal sealed class Worker : IDisposable
{
    private const int Names = 6, Most = 1 << 20;

    /// <summary>What no neighbour can bring about by what it does to names and objects: an error of ours.</summary>
    private static readonly Errno[] s_ours = [Errno.EBADF, Errno.EINTR, Errno.ECHILD];

    private readonly string _prefix;
    private readonly Random _random;
    private readonly bool _isAlone;
    private readonly ReadOnlyCollection<string> _allowed;
    private readonly SocketPair _pair = new();
    private readonly (SafeFileHandle Reader, SafeFileHandle Writer) _pipe = Native.Pipe(Native.O_NONBLOCK);
    private readonly SortedDictionary<string, long> _refusals = new(StringComparer.Ordinal);
    private readonly string[] _filter;
    private bool _limitsFileSize;

    private Worker(string prefix, int seed, string where, string[] allowed)
    {
        (_prefix, _random, _isAlone) = (prefix, new(seed), where != "hostile");
        _filter = where.Split('=') is [var call, var errno] ? [call, errno] : [];
        _allowed = allowed.AsReadOnly();
    }

    /// <summary>Works until told, and prints what was refused how often, and what is left.</summary>
    internal static void Work(string[] arguments)
    {
        using var worker = new Worker(arguments[0], Actor.Number(arguments[1]), arguments[2], arguments[3..]);

        // What is made once by the runtime is made before anything runs short.
        worker.WarmUp();
        worker._limitsFileSize = worker._allowed.Contains(nameof(Errno.EFBIG));
        Actor.UntilTold(worker.Step, worker.Filter);
        Console.WriteLine(string.Join(' ', worker._refusals.Select(refusal => $"{refusal.Key}:{Actor.Text(refusal.Value)}")));
        Console.WriteLine(worker.CleanUp());
    }

    public void Dispose()
    {
        _pair.Dispose();
        _pipe.Reader.Dispose();
        _pipe.Writer.Dispose();
    }

    private void WarmUp()
    {
        // What an error needs is loaded by then too: later there may be no descriptor for it.
        LoadAll();
        Task.Run(() => { }).Wait();
        new SocketPair().Dispose();
        Console.Error.Flush();
        try
        {
            SharedMemoryObject.Unlink(new string('x', 300));
        }
        catch (SharedMemoryException e) when (e.ToString().Length > 0)
        {
            _ = e.Errno;
        }

        for (var step = 0; step < 300; step++)
        {
            Step(step);
        }
    }

    private static void LoadAll()
    {
        var loaded = new HashSet<string>(StringComparer.Ordinal);
        var ahead = new Stack<System.Reflection.Assembly>([typeof(Worker).Assembly]);
        while (ahead.TryPop(out var assembly))
        {
            foreach (var name in assembly.GetReferencedAssemblies().Where(name => loaded.Add(name.FullName)))
            {
                ahead.Push(System.Reflection.Assembly.Load(name));
            }
        }
    }

    /// <summary>Runs all of it behind the filter, if there is one.</summary>
    private void Filter(Action all)
    {
        if (_filter.Length == 0)
        {
            all();
        }
        else if (ThreadFilter.Run([FilteredCall.All.Single(call => call.Name == _filter[0])], Enum.Parse<Errno>(_filter[1]), all) is { } thrown)
        {
            throw new InvalidOperationException($"Behind the filter: {thrown.Message}", thrown);
        }
    }

    private void Step(int step)
    {
        try
        {
            Act(step);
        }
        catch (SharedMemoryException e)
        {
            Judge(
                e.Errno.ToString(),
                _isAlone ? _allowed.Contains(e.Errno.ToString()) || (_filter.Length > 0 && FilterVerdict.NamesRefuser(e.Message)) : !s_ours.Contains(e.Errno), e);
        }
        catch (PlatformNotSupportedException e)
        {
            Judge("unsupported", !_isAlone || _allowed.Contains("unsupported") || (_filter.Length > 0 && FilterVerdict.NamesRefuser(e.Message)), e);
        }
        catch (Exception e) when (e is ArgumentOutOfRangeException or InvalidDataException or (InvalidOperationException and not ObjectDisposedException))
        {
            // A neighbour has made it shorter between two looks at it, or empty.
            Judge("changed", !_isAlone, e);
        }
    }

    private void Judge(string what, bool isAllowed, Exception e)
    {
        if (!isAllowed)
        {
            throw new InvalidOperationException($"Not to be expected here ({string.Join(' ', _allowed)}): {e}", e);
        }

        _refusals[what] = _refusals.GetValueOrDefault(what) + 1;
    }

    private void Act(int step)
    {
        // By itself, between two acts: whoever lowers it between the library's look and the kernel's ends the process.
        if (_limitsFileSize && _random.Next(50) == 0)
        {
            Native.SetFileSizeLimit(_random.Next(4) == 0 ? ulong.MaxValue : (ulong)_random.Next(100_000));
        }

        switch (_random.Next(14))
        {
            case 0 or 1:
                Publish(step);
                break;
            case 2 or 3:
                Read();
                break;
            case 4:
                Grow();
                break;
            case 5:
                Map();
                break;
            case 6:
                Anonymous();
                break;
            case 7:
                Ignore([Errno.ENOENT, Errno.EEXIST], () => SharedMemoryObject.Rename(Name(), Name(), (RenameMode)_random.Next(3)));
                break;
            case 8:
                _ = SharedMemoryObject.TryUnlink(Name());
                break;
            case 9:
                Copy();
                break;
            case 10:
                Ask();
                break;
            case 11:
                Pass();
                break;
            case 12:
                Region();
                break;
            default:
                Join();
                break;
        }
    }

    private string Name() => $"{_prefix}n{Actor.Text(_random.Next(Names))}";

    private void Publish(int step)
    {
        var bytes = Payload.Make(_prefix, step, _random.Next(_random.Next(8) == 0 ? Most : 20_000), _random);
        using var memory = SharedMemoryObject.CreateUnpublished(bytes.Length, new() { Backing = _isAlone ? Backing.Reserved : (Backing)_random.Next(2) });
        memory.Write(bytes, 0);
        Ignore([Errno.EEXIST], () => memory.Publish(Name(), (RenameMode)_random.Next(2)));
    }

    private void Read()
    {
        if (!SharedMemoryObject.TryOpen(Name(), FileAccess.Read, out var memory))
        {
            return;
        }

        using (memory)
        {
            var bytes = new byte[Math.Min(memory.Length, Most + Payload.HeadBytes)];
            var count = memory.Read(bytes, 0);
            if (_isAlone && Payload.Check(bytes.AsSpan(0, count), _prefix, out _) is { } complaint)
            {
                throw new InvalidOperationException($"{memory.Name} is torn: {complaint}.");
            }
        }
    }

    private void Grow()
    {
        var length = _random.Next(20_000);
        using var memory = SharedMemoryObject.OpenOrCreate(_prefix + "z", 100, out _);
        memory.SetLength(length, (Backing)_random.Next(2));
        if (length > 10)
        {
            memory.Reserve(0, length);
            memory.Write([1, 2, 3], _random.Next(length - 3));
            memory.Discard(_random.Next(length), 0);
        }

        memory.SetLength(length + _random.Next(30_000), Backing.Reserved);
        var bytes = new byte[30_000];
        var count = memory.Read(bytes, length);
        if (_isAlone && bytes.AsSpan(0, count).ContainsAnyExcept((byte)0))
        {
            throw new InvalidOperationException("What was grown by is not zero.");
        }

        memory.Permissions = Crowd.Permissions | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;
    }

    private void Map()
    {
        using var memory = SharedMemoryObject.OpenOrCreate(_prefix + "z", 5000, out _);
        if (memory.Length == 0)
        {
            return;
        }

        // Little, or more than any limit leaves: what the runtime needs for itself is never the last there is.
        using var mapping = memory.Map(new() { AddressSpace = _random.Next(2) == 0 ? 1L << 24 : 1L << 40 });
        var bytes = new byte[_random.Next(1, 100)];
        if (mapping.Length >= bytes.Length)
        {
            var offset = _random.NextInt64(mapping.Length - bytes.Length + 1);
            _ = mapping.TryRead(offset, bytes);
            _ = mapping.TryWrite(offset, bytes);
            mapping.Refresh();
            _ = mapping.IsStable;
            if (_random.Next(4) == 0)
            {
                mapping.Prefault();
                mapping.LockInMemory();
                mapping.UnlockFromMemory();
            }
        }
    }

    private void Anonymous()
    {
        var length = _random.Next(1, Most);
        using var memory = SharedMemoryObject.CreateAnonymous(length, new() { Executable = _random.Next(8) == 0 });
        memory.Write([1], length - 1);
        memory.AddSeals(MemorySeals.Shrink);
        using var mapping = memory.Map();

        // Of an object of ours, reserved and sealed against shrinking, every byte may be touched.
        mapping.GetSpan()[^1]++;
    }

    private void Copy()
    {
        if (!SharedMemoryObject.TryOpen(Name(), FileAccess.Read, out var memory))
        {
            return;
        }

        using (memory)
        using (var copy = SharedMemoryObject.OpenOrCreate(_prefix + "y", 4096, out _))
        {
            var length = memory.Length;
            _ = memory.CopyTo(copy.SafeFileHandle, 0, Math.Min(length, 4096));
            _ = copy.CopyFrom(memory.SafeFileHandle, 0, Math.Min(Math.Min(length, 4096), copy.Length));
            _ = memory.CopyTo(_pipe.Writer, 0, Math.Min(length, 4096));
            _ = Native.Read(_pipe.Reader, new byte[1 << 16]);
        }
    }

    private void Ask()
    {
        switch (_random.Next(8))
        {
            case 0:
                _ = SharedMemoryDirectory.Enumerate().Count(entry => entry.Length > 0);
                break;
            case 1:
                Ignore([Errno.ENOENT], () => SharedMemoryDirectory.GetHolders(Name()));
                break;
            case 2:
                _ = SharedMemoryDirectory.GetUsage();
                break;
            case 3:
                using (var watch = SharedMemoryDirectory.Watch())
                {
                    _ = watch.Wait(TimeSpan.FromMilliseconds(1));
                }

                break;
            case 4:
                var entry = SharedMemoryDirectory.Find(System.Text.Encoding.UTF8.GetBytes(Name()));
                Ignore([Errno.ENOENT], () => entry?.SetPermissions(Crowd.Permissions));
                break;
            default:
                if (SharedMemoryObject.TryOpen(Name(), FileAccess.ReadWrite, out var memory))
                {
                    using (memory)
                    {
                        _ = memory.GetStatus();
                        _ = memory.IsUnlinked;
                        _ = memory.HasOtherMembers;
                        _ = SharedMemoryDirectory.Find(memory.Utf8Name)?.IsHeld();
                        _ = memory.GetPageStates();
                        _ = memory.GetAllocatedRanges();
                    }
                }

                break;
        }
    }

    private void Pass()
    {
        using var memory = SharedMemoryObject.CreateAnonymous(100);
        _pair.Sender.SendObjectAsync(memory).AsTask().GetAwaiter().GetResult();
        try
        {
            _pair.Receiver.ReceiveObjectAsync().AsTask().GetAwaiter().GetResult().Dispose();
        }
        catch (InvalidDataException e)
        {
            // The descriptor was not available, so it was an object message without one.
            Judge("undelivered", _allowed.Contains("EMFILE"), e);
        }
        catch (SharedMemoryException)
        {
            _pair.Drain();
            throw;
        }
    }

    private void Region()
    {
        using var region = MappedRegion.Create($"/dev/shm/{Name()}r", _random.Next(1, 50_000), _random.Next(2) == 0 ? FileCleanup.OnDispose : FileCleanup.Immediate, new() { AddressSpace = 1 << 20, OnConflict = NameConflict.Replace });
        region.CheckAndRemap();
        region.Resize(region.Length + _random.Next(50_000));
    }

    private void Join()
    {
        using var memory = SharedMemoryObject.OpenOrCreate(_prefix + "l", 100, out _, new() { Lifetime = Lifetime.UnlinkOnLastDispose });
        using var other = SharedMemoryObject.Open(_prefix + "l");
        if (_isAlone && other.IsUnlinked)
        {
            throw new InvalidOperationException("The name is gone while it is used.");
        }
    }

    private static void Ignore(Errno[] errors, Action act)
    {
        try
        {
            act();
        }
        catch (SharedMemoryException e) when (errors.Contains(e.Errno))
        {
            // The name is taken, or free: both happen.
        }
    }

    /// <summary>Removes what it made, and returns how much is left.</summary>
    private string CleanUp()
    {
        foreach (var name in Enumerable.Range(0, Names).Select(number => $"{_prefix}n{Actor.Text(number)}").Concat([_prefix + "y", _prefix + "z"]))
        {
            if (_isAlone)
            {
                SharedMemoryObject.TryUnlink(name);
            }
        }

        if (_filter.Length > 0 || _allowed.Contains("kept"))
        {
            // What could not be removed, or not be known for one's own, was left with its name.
            _ = MappedRegion.RemoveAbandonedTemporaries("/dev/shm");
            foreach (var path in Leftovers.Paths(_prefix))
            {
                File.Delete(path);
            }
        }

        return $"left {(_isAlone ? Leftovers.Paths(_prefix).Count : 0)} {(_isAlone ? Leftovers.TemporariesOf(_prefix).Count : 0)}";
    }
}

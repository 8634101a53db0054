namespace Posix.SharedMemory.Testing;

/// <summary>What an operation under test acts on: two names of its own, an object, and whatever it makes.</summary>
internal sealed class FaultScene : IDisposable
{
    private readonly Stack<IDisposable> _kept = new();
    private readonly Platform _witness = Platform.Linux(SystemCalls.Real);

    /// <summary>Makes up two names.</summary>
    internal FaultScene()
        : this(new("fault"), new("fault"))
    {
    }

    /// <summary>Takes two names that another process made up.</summary>
    internal FaultScene(TemporaryName name, TemporaryName other) => (Name, Other) = (name, other);

    internal TemporaryName Name { get; }

    internal TemporaryName Other { get; }

    /// <summary>Gets how long an unpublished object is: a length by which another process knows it, whatever it is called.</summary>
    internal long UnpublishedLength { get; init; } = 5000;

    /// <summary>Gets or sets the object that the operation acts on.</summary>
    internal SharedMemoryObject Memory { get; set; } = null!;

    /// <summary>Gets or sets the mapping that it acts on, where there is one.</summary>
    internal MemoryMapping? Mapping { get; set; }

    /// <summary>Gets or sets who owns its name, where that is what is disposed.</summary>
    internal IDisposable? Owner { get; set; }

    /// <summary>What names, links and lengths there are, asked without the faulting platform.</summary>
    internal string Names()
    {
        var first = _witness.Names.Find(ObjectName.Parse(Name, "test"));
        var second = _witness.Names.Find(ObjectName.Parse(Other, "test"));
        SharedMemoryStatus? own = Memory is null || Memory.IsDisposed ? null : _witness.Backing.GetStatus(Memory.Target);
        return $"{first?.Identity} {second?.Identity} own {own?.Identity} names {own?.NameCount} length {own?.Length}";
    }

    internal T Keep<T>(T made)
        where T : IDisposable
    {
        _kept.Push(made);
        return made;
    }

    internal void Create(long length, Backing backing = Backing.Reserved, Lifetime lifetime = Lifetime.Keep) =>
        Memory = Keep(SharedMemoryObject.Create(Name, length, new() { Backing = backing, Lifetime = lifetime }));

    internal void CreateUnpublished(Lifetime lifetime = Lifetime.Keep) =>
        Memory = Keep(SharedMemoryObject.CreateUnpublished(UnpublishedLength, new() { Lifetime = lifetime }));

    internal void CreateAnonymous(MemorySeals seals = MemorySeals.None)
    {
        Memory = Keep(SharedMemoryObject.CreateAnonymous(5000));
        Memory.AddSeals(seals);
    }

    /// <summary>As another process would.</summary>
    internal void AddSealsFromElsewhere(MemorySeals seals)
    {
        if (_witness.Seals.Add(Memory.Target, seals) is { IsSuccess: false } error)
        {
            throw new SharedMemoryException(error, "fcntl(F_ADD_SEALS)");
        }
    }

    /// <summary>Puts an object under the other name.</summary>
    internal void Occupy() => SharedMemoryObject.Create(Other, 100).Dispose();

    public void Dispose()
    {
        while (_kept.TryPop(out var made))
        {
            made.Dispose();
        }

        Name.Dispose();
        Other.Dispose();
    }
}

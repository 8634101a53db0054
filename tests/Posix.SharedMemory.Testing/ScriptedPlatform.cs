using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Testing;

/// <summary>Linux as a test's script wants it: with calls that fail, neighbours that act before a call, and without some abilities.</summary>
/// <remarks>
/// Put in place on a thread with <c>using (Platform.Substitute(platform))</c>. A call is named as the kernel's documentation names it; a script
/// that names it without its command, such as <c>fcntl</c>, means the call with any command.
/// </remarks>
internal sealed record ScriptedPlatform : Platform
{
    private readonly CallScript _script;

    /// <summary>Only records the calls.</summary>
    public ScriptedPlatform()
        : this(new CallScript())
    {
    }

    /// <summary>Fails a call at its nth occurrence, counted from 1; at every one, with 0.</summary>
    public ScriptedPlatform(string call, Errno errno, int occurrence = 1)
        : this() => Arm(call, errno, occurrence);

    private ScriptedPlatform(CallScript script)
        : base(Linux(script)) => _script = script;

    /// <summary>Gets the calls made or failed since the script was armed, in order.</summary>
    public IReadOnlyList<string> Calls => _script.Calls;

    /// <summary>Gets those that failed.</summary>
    public IReadOnlyList<string> Failed => _script.Failed;

    /// <summary>Returns how often a call was made or failed.</summary>
    public int CountOf(string call) => Calls.Count(made => CallScript.Matches(made, call));

    /// <summary>Gets whether the script has acted: a test in which it has not proves nothing.</summary>
    public bool Fired => _script.FiredAt >= 0;

    /// <summary>Gets the place in <see cref="Calls"/> of the first call at which the script acted.</summary>
    public int FiredAt => _script.FiredAt;

    /// <summary>Gets the call that always fails with EPERM, as under a filter.</summary>
    public string? Forbidden
    {
        get => _script.Forbidden;
        init => _script.Forbidden = value;
    }

    /// <summary>Gets which call fails while <see cref="Try"/> runs: its name, its error, and which of them, counted from 1.</summary>
    public (string Call, Errno Errno, int Occurrence)? Fault { get; init; }

    /// <summary>Gets whether pages past an object's end cannot be mapped, as on macOS and FreeBSD: address space is reserved, and mapped over.</summary>
    public bool Reserves
    {
        get => Mapping is ReservingMapping;
        init => Mapping = value ? new ReservingMapping(_script) : Mapping;
    }

    /// <summary>Gets how many bytes <c>sendfile</c> and <c>write</c> move at most, as a kernel may.</summary>
    public int MostAtOnce
    {
        get => Wire is DribblingWire dribbling ? dribbling.Most : int.MaxValue;
        init => Wire = new DribblingWire(_script, value);
    }

    /// <summary>Gets how many bytes the machine has left, where it is asked before they are copied in.</summary>
    public long AvailableMemory
    {
        get => (Backing as NearlyFullBacking)?.Available ?? long.MaxValue;
        init => Backing = new NearlyFullBacking(_script, value);
    }

    /// <summary>Gets or sets whether this process pretends to be a forked child, which has another number.</summary>
    public bool IsChild
    {
        get => (Membership as ForkedMembership)?.IsChild ?? false;
        set => ((ForkedMembership)Membership).IsChild = value;
    }

    /// <summary>Linux in a process that can become a forked child.</summary>
    public static ScriptedPlatform Forking()
    {
        var script = new CallScript();
        return new ScriptedPlatform(script) { Membership = new ForkedMembership(script) };
    }

    /// <summary>Fails a call as a list says, one entry for each time it is made; success stands for a call that is really made.</summary>
    public static ScriptedPlatform InTurn(string call, params Errno[] errors)
    {
        var platform = new ScriptedPlatform();
        platform._script.Arm((name, _, occurrence) => CallScript.Matches(name, call) && occurrence(call) <= errors.Length ? errors[occurrence(call) - 1] : default);
        return platform;
    }

    /// <summary>Fails one call of so many, before it is made, with one of several errors: the same ones for the same seed.</summary>
    public static ScriptedPlatform AtRandom(int seed, int oneIn, params Errno[] errors)
    {
        var random = new Random(seed);
        var platform = new ScriptedPlatform();
        platform._script.Arm((_, _, _) => random.Next(oneIn) == 0 ? errors[random.Next(errors.Length)] : default);
        return platform;
    }

    /// <summary>Lets a neighbour act just before a call, counted from 1: a race that always comes out the same way.</summary>
    public static ScriptedPlatform Before(string call, int occurrence, Action neighbour)
    {
        var platform = new ScriptedPlatform();
        platform._script.Before(call, occurrence, () =>
        {
            using (Substitute(Linux(SystemCalls.Real)))
            {
                neighbour();
            }
        });
        return platform;
    }

    /// <summary>Forgets the calls so far and fails one of those to come, or every one with 0; none, with <see langword="null"/>.</summary>
    public void Arm(string? call, Errno errno = default, int occurrence = 1) => _script.Arm(call is null
        ? null
        : (name, _, count) => CallScript.Matches(name, call) && (occurrence == 0 || count(call) == occurrence) ? errno : default);

    /// <summary>Forgets the calls so far, fails one of those to come, and lets a neighbour act before another.</summary>
    /// <param name="at">The place of the call before which the neighbour acts, counted from 0.</param>
    /// <param name="neighbour">Acts, without calls of this platform.</param>
    /// <param name="call">The call that fails.</param>
    /// <param name="errno">Its error.</param>
    /// <param name="occurrence">Which of them, counted from 1.</param>
    public void ActBefore(int at, Action neighbour, string call, Errno errno, int occurrence) => _script.Arm((name, place, count) =>
    {
        if (place == at)
        {
            neighbour();
        }

        return CallScript.Matches(name, call) && count(call) == occurrence ? errno : default;
    });

    /// <summary>Forgets the calls so far and fails several of those to come.</summary>
    /// <param name="faults">Which: the name, the error, and which of them, counted from 1.</param>
    public void ArmAll(params IReadOnlyList<(string Call, Errno Errno, int Occurrence)> faults) =>
        _script.Arm((name, _, count) => faults.FirstOrDefault(fault => CallScript.Matches(name, fault.Call) && count(fault.Call) == fault.Occurrence).Errno);

    /// <summary>Forgets the calls so far.</summary>
    /// <param name="plan">Which of those to come fail, counted from 0, and how.</param>
    public void ArmPlan(IReadOnlyDictionary<int, Errno> plan) => _script.Arm((_, at, _) => plan.GetValueOrDefault(at));

    /// <summary>Forgets the calls so far and sends this process a signal before one of those to come, counted from 1; none, with 0.</summary>
    /// <returns>How many calls there were.</returns>
    public int ArmSignal(int signal, int before)
    {
        var made = Calls.Count;
        _script.Arm((_, at, _) =>
        {
            if (at + 1 == before)
            {
                Native.Kill(Environment.ProcessId, signal);
            }

            return default;
        });
        return made;
    }

    /// <summary>From now on nothing fails, and what has is kept.</summary>
    public void Disarm() => _script.Disarm();

    /// <summary>Runs the act under test; <see cref="Fault"/> is meant for it alone.</summary>
    /// <returns>What it threw.</returns>
    public Exception? Try(Action act)
    {
        Arm(Fault?.Call, Fault?.Errno ?? default, Fault?.Occurrence ?? 1);
        try
        {
            using (Substitute(this))
            {
                act();
            }

            return null;
        }
        catch (Exception e)
        {
            return e;
        }
        finally
        {
            _script.Stop();
        }
    }

    private sealed class ReservingMapping(SystemCalls calls) : LinuxMapping(calls, new LinuxSeals(calls, new LinuxFiles(calls)))
    {
        private protected override bool MapsPastEnd => false;
    }

    private sealed class ForkedMembership(SystemCalls calls) : LinuxMembership(calls, new LinuxFiles(calls))
    {
        internal bool IsChild { get; set; }

        internal override int ProcessId => base.ProcessId + (IsChild ? 1 : 0);
    }

    private sealed class NearlyFullBacking(SystemCalls calls, LinuxFiles files, LinuxSeals seals, long available)
        : LinuxBacking(calls, files, seals, new LinuxMapping(calls, seals), new(calls, files), new(calls))
    {
        internal NearlyFullBacking(SystemCalls calls, long available)
            : this(calls, new(calls), new(calls, new(calls)), available)
        {
        }

        internal long Available => available;

        internal override SharedMemoryException? FindShortage(in OpenObject target, ByteRange range, bool isUrgent, string call) =>
            range.Length > available ? new(Errno.ENOMEM, call, target.Name.Text) : null;
    }

    private sealed class DribblingWire(SystemCalls calls, int most) : LinuxWire(calls, new LinuxSeals(calls, new LinuxFiles(calls)), new LinuxFiles(calls))
    {
        internal int Most => most;

        internal override Errno Send(in OpenObject target, SafeHandle destination, ByteRange range, out long sent) =>
            base.Send(target, destination, range with { Length = Math.Min(range.Length, most) }, out sent);

        internal override Errno WriteTo(SafeHandle destination, ReadOnlySpan<byte> source, out int written) =>
            base.WriteTo(destination, source[..Math.Min(source.Length, most)], out written);
    }
}

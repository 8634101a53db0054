using System.Reflection;
using System.Runtime.ExceptionServices;
using BenchmarkDotNet.Attributes;

namespace Posix.SharedMemory.Benchmarks;

/// <summary>One instance of a benchmark class with its parameter set: set up, measured, cleaned up.</summary>
internal sealed class Session : IDisposable
{
    private readonly object _benchmarks;

    internal Session(Type type, string label, Action<object>? configure = null)
    {
        Label = label;
        _benchmarks = Activator.CreateInstance(type)!;
        configure?.Invoke(_benchmarks);
        var reset = Marked<IterationSetupAttribute>()?.CreateDelegate<Action>(_benchmarks);
        Candidates = [..
            from method in type.GetMethods()
            let benchmark = method.GetCustomAttribute<BenchmarkAttribute>()
            where benchmark is not null
            orderby benchmark.Baseline descending
            select new Candidate(_benchmarks, method, benchmark, reset),
            .. from method in type.GetMethods()
               let alone = method.GetCustomAttribute<AloneAttribute>()
               where alone is not null
               select new Candidate(_benchmarks, method, alone)];
    }

    /// <summary>Gets the type argument or the parameter's value; empty where there is none.</summary>
    internal string Label { get; }

    internal IReadOnlyList<Candidate> Candidates { get; }

    /// <exception cref="PlatformNotSupportedException">The question cannot be asked on this machine, or not now.</exception>
    internal void SetUp() => Call(Marked<GlobalSetupAttribute>());

    public void Dispose() => Call(Marked<GlobalCleanupAttribute>());

    private MethodInfo? Marked<TAttribute>()
        where TAttribute : Attribute =>
        Array.Find(_benchmarks.GetType().GetMethods(), method => method.IsDefined(typeof(TAttribute)));

    private void Call(MethodInfo? method)
    {
        try
        {
            method?.Invoke(_benchmarks, null);
        }
        catch (TargetInvocationException e)
        {
            ExceptionDispatchInfo.Throw(e.InnerException!);
        }
    }
}

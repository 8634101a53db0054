using System.Reflection;
using BenchmarkDotNet.Attributes;

namespace Posix.SharedMemory.Benchmarks;

/// <summary>A benchmark class, read by the same attributes by which BenchmarkDotNet reads it.</summary>
internal sealed class Question(Type type)
{
    /// <summary>Gets the name of its file; several closed types of a generic class are one question.</summary>
    internal string Name => type.Name.Split('`')[0];

    /// <summary>Opens it once for each value of its parameter, one after the other.</summary>
    internal IEnumerable<Session> Sessions()
    {
        var label = string.Join(", ", type.GetGenericArguments().Select(argument => argument.Name));
        var parameter = Array.Find(type.GetProperties(), property => property.IsDefined(typeof(ParamsAttribute)));
        if (parameter is null)
        {
            yield return new(type, label);
            yield break;
        }

        foreach (var value in parameter.GetCustomAttribute<ParamsAttribute>()!.Values)
        {
            yield return new(type, $"{parameter.Name} {Table.Amount((long)value!)}", benchmarks => parameter.SetValue(benchmarks, value));
        }
    }
}

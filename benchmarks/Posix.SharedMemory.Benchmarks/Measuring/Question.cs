using System.Globalization;
using System.Reflection;
using BenchmarkDotNet.Attributes;

namespace Posix.SharedMemory.Benchmarks;

/// <summary>A benchmark class, read by the same attributes by which BenchmarkDotNet reads it.</summary>
internal sealed class Question(Type type)
{
    /// <summary>Every question, in the order of the report.</summary>
    internal static IReadOnlyList<Question> All { get; } =
    [
        new(typeof(ObjectLife)),
        new(typeof(UnpublishedLife)),
        new(typeof(AnonymousLife)),
        new(typeof(MapAndUnmap)),
        new(typeof(Growth)),
        new(typeof(Populating)),
        new(typeof(HugePages)),
        new(typeof(ElementAccess<Bytes1>)),
        new(typeof(ElementAccess<Bytes4>)),
        new(typeof(ElementAccess<Bytes8>)),
        new(typeof(ElementAccess<Bytes64>)),
        new(typeof(Summing)),
        new(typeof(Leasing)),
        new(typeof(LeasingOnTwoThreads)),
        new(typeof(CopyBandwidth)),
        new(typeof(ReadAndWrite)),
        new(typeof(CopyToSocket)),
        new(typeof(CopyToFile)),
        new(typeof(CopyFromFile)),
        new(typeof(Passing)),
        new(typeof(Replacing)),
        new(typeof(Listing)),
    ];

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
            yield return new(type, Label(parameter.Name, (long)value!), benchmarks => parameter.SetValue(benchmarks, value));
        }
    }

    private static string Label(string parameter, long value) =>
        parameter == nameof(Replacing.Names) ? string.Create(CultureInfo.InvariantCulture, $"{value:N0} names") : Amount.OfBytes(value);

    /// <summary>Names each candidate of every question, as the report and its template name them.</summary>
    internal static IReadOnlySet<string> Keys() => Keys(_ => true).ToHashSet(StringComparer.Ordinal);

    /// <summary>Names those that may not allocate.</summary>
    internal static IEnumerable<string> AccessPaths() => Keys(candidate => candidate.MustNotAllocate);

    private static IEnumerable<string> Keys(Predicate<Candidate> isWanted) =>
        from question in All
        from session in question.Sessions()
        from candidate in session.Candidates
        where isWanted(candidate)
        select Results.Key(question.Name, session.Label, candidate.Name);
}

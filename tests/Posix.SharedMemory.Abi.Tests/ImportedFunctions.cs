using System.Reflection;
using System.Runtime.InteropServices;
using Posix.SharedMemory.Interop;

namespace Posix.SharedMemory.Abi.Tests;

/// <summary>Every function that this system's platform may call is in the C library the runtime loads.</summary>
public class ImportedFunctions
{
    public static TheoryData<string, string> OfThisSystem() => Rows(ofThisSystem: true);

    public static TheoryData<string, string> OfOtherSystems() => Rows(ofThisSystem: false);

    [Theory]
    [MemberData(nameof(OfThisSystem))]
    public void Are_exported_by_libc(string name, string symbol)
    {
        var libc = NativeLibrary.Load(LibraryName(), typeof(Libc).Assembly, DllImportSearchPath.SafeDirectories);
        try
        {
            Assert.True(NativeLibrary.TryGetExport(libc, symbol, out _), $"libc has no {symbol}, which {name} calls.");
        }
        finally
        {
            NativeLibrary.Free(libc);
        }
    }

    // They are listed, so that nobody takes them for judged.
    [SkippableTheory]
    [MemberData(nameof(OfOtherSystems))]
    public void Of_other_systems_are_compared_on_those_systems(string name, string symbol) =>
        Skip.If(symbol.Length > 0, $"NOT JUDGED: {name} ({symbol}) is not called on {Counterparts.ThisSystem}.");

    private static TheoryData<string, string> Rows(bool ofThisSystem)
    {
        var rows = new TheoryData<string, string>();
        var imports = Surface.Imports().Distinct().Where(import => Counterparts.IsOfThisSystem(import.Name) == ofThisSystem);
        foreach (var (name, symbol) in imports)
        {
            rows.Add(name, symbol);
        }

        return rows;
    }

    private static string LibraryName() =>
        (string)typeof(Libc).GetField("Library", BindingFlags.Static | BindingFlags.NonPublic)!.GetRawConstantValue()!;
}

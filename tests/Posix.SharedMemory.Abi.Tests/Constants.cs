namespace Posix.SharedMemory.Abi.Tests;

/// <summary>Every number of the Interop classes is the one this machine's headers have.</summary>
public class Constants
{
    public static TheoryData<string, string, long> Rows()
    {
        var rows = new TheoryData<string, string, long>();
        foreach (var type in Surface.ConstantClasses())
        {
            foreach (var (name, value) in Surface.NumbersOf(type))
            {
                rows.Add(Surface.LabelOf(type), name, value);
            }
        }

        return rows;
    }

    [SkippableTheory]
    [MemberData(nameof(Rows))]
    public void Have_the_value_of_the_macro(string type, string name, long value) =>
        Verdict.Require($"{type}.{name}", value, Question.OfMacro(name));

    [SkippableFact]
    public void Of_this_architecture_are_known()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Only Linux's numbers differ between architectures.");
        Assert.True(Interop.Linux.IsKnownArchitecture);
    }

    [Fact]
    public void Come_from_both_the_common_class_and_the_system_s()
    {
        var classes = Surface.ConstantClasses().Select(type => type.Name).ToArray();
        Assert.Contains(nameof(Interop.Unix), classes, StringComparer.Ordinal);
        Assert.True(
            Counterparts.ThisSystem == "none" || classes.Any(name => name.StartsWith(Counterparts.ThisSystem, StringComparison.Ordinal)),
            $"No class of constants is called {Counterparts.ThisSystem}….");
    }
}

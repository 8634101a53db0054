using Posix.SharedMemory.Testing;

namespace Posix.SharedMemory.Abi.Tests;

/// <summary><see cref="Errno"/> has this system's numbers, and shows them under the names this system knows.</summary>
public class ErrorNumbers
{
    public static TheoryData<string, int> Rows()
    {
        var rows = new TheoryData<string, int>();
        foreach (var (name, errno) in Surface.ErrorNumbers())
        {
            rows.Add(name, errno.ToNative());
        }

        return rows;
    }

    [SkippableTheory]
    [Rule("errors.errno")]
    [MemberData(nameof(Rows))]
    public void Equal_those_of_the_headers_and_are_minus_one_if_the_system_has_no_such_error(string name, int number)
    {
        CHeaders.SkipWithoutCompiler();
        Assert.Equal(CHeaders.Evaluate(Question.OfMacro(name)) ?? -1, number);
    }

    [SkippableFact]
    [Rule("errors.errno")]
    public void Without_a_name_keep_their_number_on_Linux()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Numbers without a name are Errno.Unknown here.");
        Assert.Equal((Errno)4095, ErrnoNumbers.FromNative(4095));
        Assert.Equal(4095, ((Errno)4095).ToNative());
        Assert.Contains("(errno 4095)", new SharedMemoryException((Errno)4095, "open").Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Rule("errors.errno")]
    public void Of_macOS_and_FreeBSD_survive_the_conversion_in_both_directions(bool isMacOS)
    {
        foreach (var (_, errno) in Surface.ErrorNumbers())
        {
            var number = ErrnoNumbers.WriteBsd(errno, isMacOS);
            Assert.True(number > 0 || (errno == Errno.ECAPMODE && isMacOS), $"{errno} has the number {number}.");
            Assert.Equal(number < 0 ? Errno.Unknown : errno, number < 0 ? Errno.Unknown : ErrnoNumbers.ReadBsd(number, isMacOS));
        }

        // A number without a name: known as Unknown, and still told as a number.
        var unnamed = ErrnoNumbers.ReadBsd(1234, isMacOS);
        Assert.Equal((Errno.Unknown, 1234), (ErrnoNumbers.PublicOf(unnamed), ErrnoNumbers.WriteBsd(unnamed, isMacOS)));
        Assert.Equal(Errno.EOPNOTSUPP, ErrnoNumbers.ReadBsd(45, isMacOS));
    }
}

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
            rows.Add(name, errno.Number);
        }

        return rows;
    }

    [SkippableTheory]
    [Rule("errors.errno")]
    [MemberData(nameof(Rows))]
    public void Are_the_headers_or_minus_one_where_the_system_has_no_such_error(string name, int number)
    {
        CHeaders.SkipWithoutCompiler();
        Assert.Equal(CHeaders.Evaluate(Question.OfMacro(name)) ?? -1, number);
    }

    [SkippableTheory]
    [Rule("errors.errno")]
    [MemberData(nameof(Rows))]
    public void Are_shown_by_a_name_that_has_the_number(string name, int number)
    {
        CHeaders.SkipWithoutCompiler();
        Skip.If(number == -1, $"This system has no {name}.");
        var shown = ((Errno)number).ToString();
        Assert.Equal(number, CHeaders.Evaluate(Question.OfMacro(shown)));
        var sharesItsNumber = Surface.ErrorNumbers().Count(each => each.Errno.Number == number) > 1;
        Assert.True(shown == name || sharesItsNumber, $"{name} is shown as {shown}.");
    }

    [Fact]
    public void Without_a_name_are_shown_as_numbers()
    {
        Assert.Equal("0", default(Errno).ToString());
        Assert.Equal("errno 4095", ((Errno)4095).ToString());
    }
}

using System.Globalization;

namespace Posix.SharedMemory.Abi.Tests;

/// <summary>Control messages are laid out in a buffer as the macros of this machine's headers lay them out.</summary>
public class ControlMessages
{
    public static TheoryData<string, long, string> Rows()
    {
        var rows = new TheoryData<string, long, string>();
        foreach (var (claim, ours, question) in Claims())
        {
            rows.Add(claim, ours, question.Expression);
        }

        return rows;
    }

    [SkippableTheory]
    [MemberData(nameof(Rows))]
    public void Have_the_lengths_of_the_macros(string claim, long ours, string expression) =>
        Verdict.Require(claim, ours, new(expression, "CMSG_LEN"));

    /// <summary>From no data at all to all that one message carries.</summary>
    internal static IEnumerable<(string Claim, long Ours, Question Question)> Claims()
    {
        if (Layout is not { } layout)
        {
            yield break;
        }

        foreach (var bytes in new[] { 0, 1, 3, 4, 5, 7, 8, 9, 12, 16, 20, 253 * 4 })
        {
            yield return ($"the length of a message of {bytes} bytes", layout.LengthOf(bytes), Ask("CMSG_LEN", bytes));
            yield return ($"the room of a message of {bytes} bytes", layout.SpaceOf(bytes), Ask("CMSG_SPACE", bytes));
        }

        // Of a header at address 0, the data's address is its place.
        yield return ("the place of a message's data", layout.DataOffset, new("(size_t)CMSG_DATA((struct cmsghdr *)0)", "CMSG_DATA"));
    }

    private static ControlLayout? Layout =>
        OperatingSystem.IsLinux() ? ControlLayout.Linux
        : OperatingSystem.IsMacOS() ? ControlLayout.MacOS
        : OperatingSystem.IsFreeBSD() ? ControlLayout.FreeBsd
        : null;

    private static Question Ask(string macro, int bytes) => new(string.Create(CultureInfo.InvariantCulture, $"{macro}({bytes})"), macro);
}

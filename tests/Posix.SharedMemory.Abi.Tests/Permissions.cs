namespace Posix.SharedMemory.Abi.Tests;

/// <summary>The library hands <see cref="UnixFileMode"/> to the kernel as it is: .NET's bits are C's.</summary>
public class Permissions
{
    internal static Dictionary<UnixFileMode, string> Macros { get; } = new()
    {
        [UnixFileMode.UserRead] = "S_IRUSR",
        [UnixFileMode.UserWrite] = "S_IWUSR",
        [UnixFileMode.UserExecute] = "S_IXUSR",
        [UnixFileMode.GroupRead] = "S_IRGRP",
        [UnixFileMode.GroupWrite] = "S_IWGRP",
        [UnixFileMode.GroupExecute] = "S_IXGRP",
        [UnixFileMode.OtherRead] = "S_IROTH",
        [UnixFileMode.OtherWrite] = "S_IWOTH",
        [UnixFileMode.OtherExecute] = "S_IXOTH",
        [UnixFileMode.SetUser] = "S_ISUID",
        [UnixFileMode.SetGroup] = "S_ISGID",
        [UnixFileMode.StickyBit] = "S_ISVTX",
    };

    public static TheoryData<UnixFileMode> Bits() => [.. Enum.GetValues<UnixFileMode>().Where(bit => bit != UnixFileMode.None)];

    [SkippableTheory]
    [MemberData(nameof(Bits))]
    public void Are_the_bits_that_C_uses(UnixFileMode bit) => Verdict.Require($"UnixFileMode.{bit}", (long)bit, Question.OfMacro(Macros[bit]));
}

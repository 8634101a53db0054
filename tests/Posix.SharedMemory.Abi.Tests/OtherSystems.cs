using System.Globalization;
using System.Runtime.InteropServices;
using Posix.SharedMemory.Testing;

namespace Posix.SharedMemory.Abi.Tests;

/// <summary>
/// What the library claims of macOS and FreeBSD is what their headers say. Neither system is here: <c>data/</c> has what was read in their headers, and
/// its first line says how. What is not in the data may not be claimed: it is read in the headers first.
/// </summary>
public class OtherSystems
{
    private static readonly Dictionary<string, Dictionary<string, long>> s_headers = new(StringComparer.Ordinal) { ["MacOS"] = Read("MacOS"), ["FreeBsd"] = Read("FreeBsd") };

    public static TheoryData<string, string, long> Claims()
    {
        var rows = new TheoryData<string, string, long>();
        foreach (var system in s_headers.Keys)
        {
            foreach (var (expression, value) in ClaimsOf(system).Distinct())
            {
                rows.Add(system, expression, value);
            }
        }

        return rows;
    }

    [Theory]
    [MemberData(nameof(Claims))]
    public void Have_the_values_of_their_headers(string system, string expression, long ours)
    {
        Assert.True(s_headers[system].TryGetValue(expression, out var theirs), $"{expression} is not in data/{system}.tsv: read it in the headers of {system}, and add it there.");
        Assert.True(ours == theirs, string.Create(CultureInfo.InvariantCulture, $"{expression} is {ours} (0x{ours:x}); the headers of {system} say {theirs} (0x{theirs:x})."));
    }

    [Theory]
    [Rule("errors.errno")]
    [InlineData("MacOS")]
    [InlineData("FreeBsd")]
    public void Have_the_error_numbers_of_their_headers(string system)
    {
        foreach (var (name, number) in s_headers[system].Where(header => header.Key[0] == 'E'))
        {
            // ENOTSUP has no name of its own here: on Linux it is EOPNOTSUPP.
            var errno = name == "ENOTSUP" ? Errno.EOPNOTSUPP : Enum.Parse<Errno>(name);
            Assert.Equal(errno, ErrnoNumbers.ReadBsd((int)number, isMacOS: system == "MacOS"));
            Assert.True(name == "ENOTSUP" || ErrnoNumbers.WriteBsd(errno, isMacOS: system == "MacOS") == number, $"{name} is {number} in the headers of {system}.");
        }
    }

    [Theory]
    [InlineData("MacOS")]
    [InlineData("FreeBsd")]
    public void Are_compared_in_numbers_and_in_layouts(string system)
    {
        var claims = ClaimsOf(system).Select(claim => claim.Expression).ToArray();
        Assert.Contains("O_CREAT", claims, StringComparer.Ordinal);
        Assert.Contains("struct stat", claims, StringComparer.Ordinal);
        Assert.Contains("stat.st_size", claims, StringComparer.Ordinal);
    }

    private static IEnumerable<(string Expression, long Value)> ClaimsOf(string system)
    {
        foreach (var type in Surface.Types().Where(type => Counterparts.IsOf(system, type)))
        {
            var isStructure = Counterparts.TryGetType(type, out var c);
            foreach (var (name, value) in Surface.NumbersOf(type))
            {
                yield return (!isStructure ? name : name == "Size" ? c.Name : FieldOf(c.Name, name), value);
            }

            if (isStructure && type.IsValueType)
            {
                yield return (c.Name, Surface.SizeOf(type));
                foreach (var field in Surface.FieldsOf(type).Where(field => !field.Name.EndsWith("_nsec", StringComparison.Ordinal)))
                {
                    yield return (FieldOf(c.Name, field.Name), Marshal.OffsetOf(type, field.Name));
                }
            }
        }

        var layout = system == "MacOS" ? ControlLayout.MacOS : ControlLayout.FreeBsd;
        foreach (var bytes in new[] { 0, 4 })
        {
            yield return (string.Create(CultureInfo.InvariantCulture, $"CMSG_LEN({bytes})"), layout.LengthOf(bytes));
        }

        foreach (var bytes in new[] { 4, 5 })
        {
            yield return (string.Create(CultureInfo.InvariantCulture, $"CMSG_SPACE({bytes})"), layout.SpaceOf(bytes));
        }
    }

    // The data names a time as one field: it begins with its seconds.
    private static string FieldOf(string structure, string field) =>
        $"{structure["struct ".Length..]}.{(field.EndsWith("_sec", StringComparison.Ordinal) ? field[..^4] : field)}";

    private static Dictionary<string, long> Read(string system) =>
        File.ReadLines(Path.Combine(AppContext.BaseDirectory, "data", system + ".tsv"))
            .Where(line => line.Length > 0 && line[0] != '#')
            .Select(line => line.Split('\t'))
            .Where(words => long.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out _))
            .ToDictionary(words => words[0], words => long.Parse(words[1], CultureInfo.InvariantCulture), StringComparer.Ordinal);
}

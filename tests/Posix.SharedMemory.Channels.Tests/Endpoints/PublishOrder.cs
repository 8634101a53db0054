using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace Posix.SharedMemory.Channels.Tests.Endpoints;

/// <summary>The machine code of the release build stores what it shows before it shows it. Of x64, whose processors keep stores in order: what is left is the compiler.</summary>
public sealed partial class PublishOrder
{
    private static readonly string s_library = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "../../../../../src/Posix.SharedMemory.Channels"));

    [SkippableFact]
    [Rule("channel.order")]
    public void The_compiler_keeps_the_order_in_which_messages_and_values_are_shown()
    {
        Skip.IfNot(RuntimeInformation.ProcessArchitecture == Architecture.X64, "The listing is one of x64.");
        var release = Path.Combine(s_library, "bin/Release/net10.0");
        var assembly = Path.Combine(release, "Posix.SharedMemory.Channels.dll");
        Skip.IfNot(File.Exists(assembly), "There is no release build beside the sources (dotnet build -c Release src/Posix.SharedMemory.Channels).");
        var built = File.GetLastWriteTimeUtc(assembly);
        var newest = Directory.EnumerateFiles(s_library, "*.cs", SearchOption.AllDirectories).Where(file => !file.Contains("/obj/", StringComparison.Ordinal)).Max(File.GetLastWriteTimeUtc);
        Skip.If(newest > built, "The release build is older than its sources.");
        var listing = List(release);
        foreach (var (method, order, exchanged) in ((string, Regex, string)[])[("MessageWriter:TryWrite(", Message(), "index"), ("ClaimTail:TryPut(", Claimed(), "header"), ("LatestBytesWriter:Publish(", Value(), "newest")])
        {
            var code = Code(listing, method);
            var match = order.Match(code);
            Assert.True(match.Success, $"{method}…): the stores are in another order.\n{code}");
            // What would be seen if the compiler had moved the last store to the front.
            var last = match.Groups[exchanged].Value;
            Assert.False(order.IsMatch(last + code.Remove(match.Groups[exchanged].Index, last.Length)), $"{method}…): the order could not be told from another one.");
        }
    }

    /// <summary>The payload; the header of the record; then the counters and the index; only then the look whether the reader sleeps.</summary>
    [GeneratedRegex(@"(?:ymmword ptr \[r\w+\+r\w+\], ymm\d\n|MEMCPY)(?s:.*?)^mov qword ptr \[r\w+\], r\w+\n(?s:(?!test al, 1).)*?^mov qword ptr \[r\w+\+0x\w+\], (?<tail>r\w+)\n(?s:(?!test al, 1).)*?(?<index>^mov qword ptr \[r\w+\], \k<tail>\n)(?:mov \w+, [gd]?word ptr .*\n|mov r\w+, (?:gword|qword) ptr .*\n)*test al, 1\n", RegexOptions.Multiline | RegexOptions.CultureInvariant, 2000)]
    private static partial Regex Message();

    /// <summary>The type and the payload; the padding past the record, if there is some; the header.</summary>
    [GeneratedRegex(@"(?:ymmword ptr \[r\w+\+r\w+\], ymm\d\n|MEMCPY)(?s:.*?)(?<header>^mov qword ptr \[r\w+(?:\+r\w+)?\], r\w+\n)(?:mov \w+, [gd]?word ptr .*\n|mov r\w+, (?:gword|qword) ptr .*\n)*test al, 1\n", RegexOptions.Multiline | RegexOptions.CultureInvariant, 2000)]
    private static partial Regex Claimed();

    /// <summary>The mark; the value; its version; then the counters and the newest version; only then the look whether a reader sleeps.</summary>
    [GeneratedRegex(@"^dec (?<mark>r\w+)\nmov qword ptr \[r\w+\], \k<mark>\n(?s:.*?)(?:ymmword ptr \[r\w+\+r\w+\], ymm\d\n|MEMCPY)(?s:.*?)^mov qword ptr \[r\w+\], (?<version>r\w+)\n(?s:(?!test al, 1).)*?(?<newest>^mov qword ptr \[r\w+\], \k<version>\n)(?:mov \w+, [gd]?word ptr .*\n|mov r\w+, (?:gword|qword) ptr .*\n)*test al, 1\n", RegexOptions.Multiline | RegexOptions.CultureInvariant, 2000)]
    private static partial Regex Value();

    /// <summary>What the just-in-time compiler makes of the methods that write.</summary>
    private static string List(string release)
    {
        using var file = new TemporaryFile();
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "Posix.SharedMemory.Channels.Tests"), ["release-write", release]) { UseShellExecute = false, RedirectStandardError = true };
        start.Environment["DOTNET_TieredCompilation"] = "0";
        start.Environment["DOTNET_JitDisasm"] = "TryWrite TryPut Publish";
        start.Environment["DOTNET_JitStdOutFile"] = file.Path;
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, errors);
        return File.ReadAllText(file.Path);
    }

    /// <summary>The instructions of a method, one a line, with single spaces.</summary>
    private static string Code(string listing, string method)
    {
        var from = listing.IndexOf("listing for method Posix.SharedMemory.Channels." + method, StringComparison.Ordinal);
        Assert.True(from >= 0, $"{method}…) was not compiled.");
        var to = listing.IndexOf("; Assembly listing", from, StringComparison.Ordinal);
        var lines = listing[from..(to < 0 ? listing.Length : to)].Split('\n').Where(line => line.StartsWith("       ", StringComparison.Ordinal));
        return string.Join('\n', lines.Select(line => Spaces().Replace(line.Trim(), " "))) + "\n";
    }

    [GeneratedRegex(" +", RegexOptions.CultureInvariant, 2000)]
    private static partial Regex Spaces();
}

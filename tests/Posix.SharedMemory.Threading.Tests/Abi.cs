using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;
using Posix.SharedMemory.Threading.Interop;

namespace Posix.SharedMemory.Threading.Tests;

/// <summary>The constants and structs of Interop, compared with this machine's C headers.</summary>
public sealed class Abi
{
    private const string Headers = """
        #define _GNU_SOURCE
        #include <stdio.h>
        #include <stddef.h>
        #include <errno.h>
        #include <pthread.h>
        #include <time.h>
        #include <unistd.h>
        #include <sys/mman.h>
        #include <sys/syscall.h>
        #include <linux/futex.h>
        #include <linux/membarrier.h>
        #ifndef SYS_futex_waitv
        #define SYS_futex_waitv 449
        #endif
        int main(void) {

        """;

    [SkippableFact]
    [Rule("abi.headers")]
    public void Numbers_and_structs_are_those_of_the_headers()
    {
        Skip.IfNot(OperatingSystem.IsLinux());
        var members = typeof(Linux).GetMembers(BindingFlags.NonPublic | BindingFlags.Static)
            .Where(member => member is FieldInfo { IsLiteral: true } or PropertyInfo).ToArray();
        Assert.True(members.Length > 30);
        var expected = members.ToDictionary(member => member.Name, member => Convert.ToInt64(
            member switch { FieldInfo field => Normal(field.GetRawConstantValue()!), PropertyInfo property => Normal(property.GetValue(null)!), _ => 0 },
            System.Globalization.CultureInfo.InvariantCulture));
        foreach (var (structure, name) in (ReadOnlySpan<(Type, string)>)
            [(typeof(LinuxFutexWaitv), "futex_waitv"), (typeof(LinuxRobustListHead), "robust_list_head"), (typeof(LinuxTimespec), "timespec")])
        {
            expected[$"sizeof(struct {name})"] = Marshal.SizeOf(structure);
            foreach (var field in structure.GetFields(BindingFlags.NonPublic | BindingFlags.Instance))
            {
                // A struct inside another one is a field of its own name here.
                var member = field.Name == "list_next" ? "list.next" : field.Name;
                expected[$"offsetof(struct {name}, {member})"] = Marshal.OffsetOf(structure, field.Name);
                expected[$"sizeof(((struct {name} *)0)->{member})"] = Marshal.SizeOf(field.FieldType);
            }
        }

        using var directory = TemporaryDirectory.InMemory();
        var source = Path.Combine(directory.Path, "abi.c");
        File.WriteAllText(source, Headers + string.Concat(expected.Keys.Select(name => $"printf(\"%lld\\n\", (long long){name});\n")) + "}\n");
        Run("cc", $"-o abi {source}", directory.Path);
        var values = Run(Path.Combine(directory.Path, "abi"), "", directory.Path).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(long.Parse);
        Assert.Equal(expected.Select(pair => $"{pair.Key} = {pair.Value}"), expected.Keys.Zip(values, (name, value) => $"{name} = {value}"));
    }

    private static object Normal(object value) => value is nint number ? (long)number : value;

    private static string Run(string program, string arguments, string directory)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { WorkingDirectory = directory, RedirectStandardOutput = true, UseShellExecute = false })!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return output;
    }
}

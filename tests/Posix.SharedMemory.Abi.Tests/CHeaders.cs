using System.Globalization;
using System.Text;

namespace Posix.SharedMemory.Abi.Tests;

/// <summary>What this machine's C headers say. One program asks them everything, once.</summary>
internal static class CHeaders
{
    // glibc before 2.37 cannot have both; on Linux only the first says something of ours.
    private static readonly string s_oneOfTwo = OperatingSystem.IsLinux() ? "linux/fs.h" : "sys/mount.h";

    // Each is included where it exists. linux/fcntl.h and linux/stat.h stay out: they define again what libc's own define.
    private static readonly string[] s_headers =
    [
        "sys/param.h", "sys/types.h", "errno.h", "dirent.h", "fcntl.h", "poll.h", "sched.h", "signal.h", "spawn.h", "stddef.h",
        "stdio.h", "unistd.h", "sys/ioctl.h", "sys/mman.h", "sys/resource.h", "sys/socket.h", "sys/stat.h", "sys/time.h", "sys/uio.h",
        "sys/un.h", "sys/wait.h", "sys/sendfile.h", "sys/syscall.h", "sys/vfs.h", "linux/falloc.h", "linux/magic.h", "linux/memfd.h",
        "linux/mman.h", "sys/inotify.h", s_oneOfTwo, "sys/mount.h", "sys/posix_shm.h", "sys/quota.h", "sys/sysctl.h", "sys/sysinfo.h", "sys/ucred.h", "sys/user.h",
    ];

    private static readonly Lazy<Dictionary<string, long>?> s_answers = new(Ask);

    /// <summary>Whether this machine can be asked.</summary>
    internal static bool CanAnswer => s_answers.Value is not null;

    /// <summary>The value of one of <see cref="Surface.Questions"/>; <see langword="null"/> where the headers do not know it.</summary>
    internal static long? Evaluate(Question question) =>
        s_answers.Value!.TryGetValue(question.Expression, out var value) ? value : null;

    /// <summary>Skips the test, saying why, where no compiler is there.</summary>
    internal static void SkipWithoutCompiler() => Skip.IfNot(CanAnswer, "No C compiler: set CC, or install cc.");

    private static Dictionary<string, long>? Ask()
    {
        if (CCompiler.Run(WriteProgram()) is not { } output)
        {
            return null;
        }

        var answers = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var line in output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var sign = line.LastIndexOf('=');
            answers.Add(line[..sign], long.Parse(line[(sign + 1)..], CultureInfo.InvariantCulture));
        }

        return answers;
    }

    private static string WriteProgram()
    {
        var program = new StringBuilder("#define _GNU_SOURCE\n#define _DARWIN_C_SOURCE\n");
        foreach (var header in s_headers)
        {
            _ = program.Append(CultureInfo.InvariantCulture, $"#if __has_include(<{header}>)\n#include <{header}>\n#endif\n");
        }

        _ = program.Append("int main(void)\n{\n");
        foreach (var question in Surface.Questions().Distinct())
        {
            var line = $"    printf(\"%s=%lld\\n\", \"{question.Expression}\", (long long)({question.Expression}));\n";
            _ = program.Append(question.Guard is { } guard ? $"#ifdef {guard}\n{line}#endif\n" : line);
        }

        return program.Append("    return 0;\n}\n").ToString();
    }
}

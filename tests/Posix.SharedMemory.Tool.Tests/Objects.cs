using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Posix.SharedMemory.Tool.Tests;

/// <summary>Objects of a test, all under one prefix that no other test uses; what is left of them is removed.</summary>
internal sealed class Objects : IDisposable
{
    /// <summary>Gets what their names begin with.</summary>
    internal string Prefix { get; } = SharedMemoryObject.CreateUniqueName("tool") + "-";

    /// <summary>Gets the pattern that matches them all.</summary>
    internal string All => Prefix + "*";

    /// <summary>Makes one.</summary>
    internal string Add(string suffix, long length = 4096, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite, Backing backing = Backing.Reserved)
    {
        SharedMemoryObject.Create(Prefix + suffix, length, new() { Permissions = mode, Backing = backing }).Dispose();
        return Prefix + suffix;
    }

    /// <summary>Makes one as any program may, with any bytes in its name.</summary>
    internal string AddRaw(string escapedSuffix, ReadOnlySpan<byte> suffix)
    {
        Native.Open([.. "/dev/shm/"u8, .. Encoding.ASCII.GetBytes(Prefix), .. suffix], Native.O_CREAT | Native.O_RDWR).Dispose();
        return Prefix + escapedSuffix;
    }

    /// <summary>The names there are now, without the prefix.</summary>
    internal IReadOnlyList<string> Names() =>
        [.. Mine().Select(entry => entry.Name[Prefix.Length..]).Order(StringComparer.Ordinal)];

    internal static byte[] Read(string name)
    {
        using var memory = SharedMemoryObject.Open(name, FileMode.Open, FileAccess.Read);
        var bytes = new byte[memory.Length];
        Assert.Equal(bytes.Length, memory.Read(bytes, 0));
        return bytes;
    }

    /// <summary>What was printed, with the prefix and ages taken out, so that it can be compared.</summary>
    internal string Normal(string output) =>
        Regex.Replace(output.Replace(Prefix, "", StringComparison.Ordinal), @" +(now|\d+[smhd])(?=  )", "  AGE", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1));

    internal static JsonElement Json(string output)
    {
        using var document = JsonDocument.Parse(output);
        return document.RootElement.Clone();
    }

    public void Dispose()
    {
        foreach (var entry in Mine())
        {
            try
            {
                entry.Unlink();
            }
            catch (SharedMemoryException e) when (e.Errno == Errno.ENOENT)
            {
                // Whoever removed it was faster.
                continue;
            }
        }
    }

    private List<SharedMemoryEntry> Mine() => [.. SharedMemoryDirectory.Enumerate().Where(entry => entry.Name.StartsWith(Prefix, StringComparison.Ordinal))];
}

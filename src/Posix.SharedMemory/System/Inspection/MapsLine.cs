using Posix.SharedMemory.Inspection;
using System.Buffers.Text;

namespace Posix.SharedMemory;

/// <summary>A line of /proc/PID/maps: <c>7f0c4a000000-7f0c4a010000 rw-s 00002000 00:19 1234      /dev/shm/frames</c>.</summary>
/// <remarks><see href="https://man7.org/linux/man-pages/man5/proc_pid_maps.5.html">proc_pid_maps(5)</see></remarks>
internal readonly record struct MapsLine(ObjectIdentity Identity, HeldMapping Held)
{
    /// <summary>Takes a line apart.</summary>
    /// <param name="line">The line.</param>
    /// <param name="mapping">What it says.</param>
    /// <param name="path">The file's path; it may hold anything but a line feed.</param>
    /// <returns>Whether it is the line of a mapped file.</returns>
    internal static bool TryParse(ReadOnlySpan<byte> line, out MapsLine mapping, out ReadOnlySpan<byte> path)
    {
        mapping = default;
        path = default;
        if (!TryReadHex(ref line, (byte)'-', out var start)
            || !TryReadHex(ref line, (byte)' ', out var end)
            || line is not [_, var write, _, var sharing, (byte)' ', ..])
        {
            return false;
        }

        line = line[5..];
        if (!TryReadHex(ref line, (byte)' ', out var offset)
            || !TryReadHex(ref line, (byte)':', out var major)
            || !TryReadHex(ref line, (byte)' ', out var minor)
            || !Utf8Parser.TryParse(line, out ulong number, out var digits)
            || number == 0)
        {
            return false;
        }

        path = line[digits..].TrimStart((byte)' ');
        mapping = new(
            new(LinuxFiles.MakeDevice(major, minor), number),
            new(start, (long)(end - start), (long)offset, write == 'w' ? FileAccess.ReadWrite : FileAccess.Read, IsPrivate: sharing == 'p'));
        return true;
    }

    private static bool TryReadHex(ref ReadOnlySpan<byte> text, byte end, out ulong number)
    {
        if (!Utf8Parser.TryParse(text, out number, out var digits, 'x') || digits == text.Length || text[digits] != end)
        {
            return false;
        }

        text = text[(digits + 1)..];
        return true;
    }
}

using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Unicode;
using Posix.SharedMemory.Interop;

namespace Posix.SharedMemory;

/// <summary>The text of a small file that the kernel makes up, in a borrowed buffer: it is read often, and no string is made of its lines.</summary>
internal readonly struct LinuxText : IDisposable
{
    /// <summary>Larger than most such files.</summary>
    private const int UsualBytes = 8 << 10;

    /// <summary>Room for the paths in /proc, and most in /sys.</summary>
    private const int UsualPathBytes = 256;

    private readonly byte[]? _buffer;
    private readonly int _length;

    private LinuxText(byte[] buffer, int length)
    {
        _buffer = buffer;
        _length = length;
    }

    internal ReadOnlySpan<byte> Bytes => _buffer.AsSpan(0, _length);

    /// <summary>Reads a file.</summary>
    /// <returns>Whether it exists and this user may read it. A process that ends meanwhile takes its files away: false too.</returns>
    internal static bool TryRead(string path, out LinuxText text)
    {
        text = default;

        // Not by the base library: it would look at the path, look at the file, lock it, and unlock it besides. No handle either: a walk through /proc reads thousands of such files.
        Span<byte> bytes = stackalloc byte[UsualPathBytes];
        if (!Utf8.TryWrite(bytes, $"{path}\0", out _))
        {
            bytes = Encoding.UTF8.GetBytes(path + '\0');
        }

        var descriptor = (int)SystemCalls.Real.OnBytes(nameof(Libc.open), bytes, 0, static (ref path, _, ref _) => Libc.open(ref path, Unix.O_RDONLY | Linux.O_CLOEXEC, 0));
        if (descriptor == -1)
        {
            return false;
        }

        var isRead = TryRead(descriptor, out text);
        _ = Libc.close(descriptor);
        return isRead;
    }

    /// <summary>The number that a file consists of; <see langword="null"/> where there is no file, or something else in it.</summary>
    internal static long? ReadNumber(string path)
    {
        if (!TryRead(path, out var text))
        {
            return null;
        }

        using (text)
        {
            return NumberIn(text.Bytes);
        }
    }

    /// <summary>The number after a word at the beginning of a line; <see langword="null"/> where there is none.</summary>
    internal long? NumberAfter(ReadOnlySpan<byte> word) => NumberIn(LineAfter(word));

    /// <summary>The number after a word anywhere in a line, with a blank before it; <see langword="null"/> where there is none.</summary>
    internal long? NumberAfterWord(ReadOnlySpan<byte> word)
    {
        foreach (var line in Lines())
        {
            if (Bytes[line].IndexOf(word) is > 0 and var at && Bytes[line][at - 1] == ' ')
            {
                return NumberIn(Bytes[line][(at + word.Length)..]);
            }
        }

        return null;
    }

    /// <summary>What follows a word at the beginning of a line; empty where there is none.</summary>
    internal ReadOnlySpan<byte> LineAfter(ReadOnlySpan<byte> word)
    {
        foreach (var line in Lines())
        {
            if (Bytes[line].StartsWith(word))
            {
                return Bytes[line][word.Length..];
            }
        }

        return default;
    }

    /// <summary>Gets the ranges of the lines. Only line feeds end them: a carriage return may be part of a name.</summary>
    internal MemoryExtensions.SpanSplitEnumerator<byte> Lines() => MemoryExtensions.Split(Bytes, (byte)'\n');

    internal ReadOnlySpan<byte> this[Range line] => Bytes[line];

    public void Dispose() => Return(_buffer);

    /// <summary>The number at the beginning of a text, after blanks.</summary>
    internal static long? NumberIn(ReadOnlySpan<byte> text) => Utf8Parser.TryParse(text.TrimStart((byte)' '), out long number, out _) && number >= 0 ? number : null;

    private static bool TryRead(int descriptor, out LinuxText text)
    {
        text = default;
        var (buffer, length) = (ArrayPool<byte>.Shared.Rent(UsualBytes), 0);
        while (true)
        {
            var read = SystemCalls.Real.OnBytes(nameof(Libc.read), buffer.AsSpan(length), descriptor, static (ref bytes, count, ref descriptor) => Libc.read(descriptor, ref bytes, count));
            if (read <= 0)
            {
                if (read == 0)
                {
                    text = new(buffer, length);
                    return true;
                }

                Return(buffer);
                return false;
            }

            length += (int)read;
            buffer = length < buffer.Length ? buffer : Enlarge(buffer);
        }
    }

    private static byte[] Enlarge(byte[] buffer)
    {
        var larger = ArrayPool<byte>.Shared.Rent(buffer.Length * 2);
        buffer.CopyTo(larger, 0);
        Return(buffer);
        return larger;
    }

    private static void Return(byte[]? buffer)
    {
        if (buffer is not null)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}

using System.Text;

namespace Posix.SharedMemory;

/// <summary>The path of a file, checked and made absolute, in the bytes that C wants: a NUL stands behind the end.</summary>
internal readonly struct FilePath
{
    private static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly byte[] _bytes;

    private FilePath(string text)
    {
        Text = text;
        _bytes = s_strict.GetBytes(text + '\0');
    }

    internal string Text { get; }

    /// <summary>Gets the path's bytes and the NUL.</summary>
    internal ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>Gets the path as messages name it.</summary>
    internal ObjectName Label => ObjectName.FromSystem(_bytes.AsSpan(0, _bytes.Length - 1));

    internal FilePath Directory => new(System.IO.Path.GetDirectoryName(Text)!);

    /// <exception cref="ArgumentException">Empty, a NUL or half a surrogate pair inside, or the root.</exception>
    internal static FilePath Parse(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (path.Contains('\0', StringComparison.Ordinal))
        {
            throw new ArgumentException("A path may not hold a NUL.", nameof(path));
        }

        // What cannot be UTF-8 is refused by the encoding, as an ArgumentException.
        var parsed = new FilePath(System.IO.Path.GetFullPath(path));
        return System.IO.Path.GetFileName(parsed.Text.AsSpan()).IsEmpty
            ? throw new ArgumentException("The path names a directory, not a file.", nameof(path))
            : parsed;
    }

    /// <summary>Another file in the same directory.</summary>
    internal FilePath Sibling(string fileName) => new(System.IO.Path.Combine(System.IO.Path.GetDirectoryName(Text)!, fileName));
}

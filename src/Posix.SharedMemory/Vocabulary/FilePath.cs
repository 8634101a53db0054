using System.Text;

namespace Posix.SharedMemory;

/// <summary>The path of a file, checked and made absolute, in the bytes that C expects: a NUL follows.</summary>
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

    /// <summary>Gets the path for messages.</summary>
    internal ObjectName Label => ObjectName.FromSystem(_bytes.AsSpan(0, _bytes.Length - 1));

    internal FilePath Directory => new(System.IO.Path.GetDirectoryName(Text)!);

    /// <exception cref="ArgumentException">The path is empty, contains a NUL or an unpaired surrogate, or is the root.</exception>
    internal static FilePath Parse(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (path.Contains('\0', StringComparison.Ordinal))
        {
            throw new ArgumentException("A path may not contain a NUL.", nameof(path));
        }

        // The encoding refuses what has no UTF-8 form, with an ArgumentException.
        var parsed = new FilePath(System.IO.Path.GetFullPath(path));
        return System.IO.Path.GetFileName(parsed.Text.AsSpan()).IsEmpty
            ? throw new ArgumentException("The path names a directory, not a file.", nameof(path))
            : parsed;
    }

    /// <summary>Another file in the same directory.</summary>
    internal FilePath Sibling(string fileName) => new(System.IO.Path.Combine(System.IO.Path.GetDirectoryName(Text)!, fileName));
}

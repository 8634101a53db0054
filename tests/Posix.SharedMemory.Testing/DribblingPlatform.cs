using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Testing;

/// <summary>Linux whose <c>sendfile</c> and <c>write</c> move a thousand bytes at a time, as a kernel may.</summary>
internal sealed class DribblingPlatform : LinuxPlatform
{
    private const int Most = 1000;

    internal override Errno Send(in OpenObject target, SafeHandle destination, ByteRange range, out long sent) =>
        base.Send(target, destination, range with { Length = Math.Min(range.Length, Most) }, out sent);

    internal override Errno WriteTo(SafeHandle destination, ReadOnlySpan<byte> source, out int written) =>
        base.WriteTo(destination, source[..Math.Min(source.Length, Most)], out written);
}

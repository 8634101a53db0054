using System.Runtime.InteropServices;
using Posix.SharedMemory.Interop;

namespace Posix.SharedMemory;

/// <summary>How control messages follow one another in a buffer: what the macros CMSG_LEN, CMSG_SPACE and CMSG_DATA compute.</summary>
/// <param name="HeaderBytes">The bytes of <c>struct cmsghdr</c>.</param>
/// <param name="Alignment">What headers and data begin at multiples of.</param>
internal readonly record struct ControlLayout(int HeaderBytes, int Alignment)
{
    internal static ControlLayout Linux => new(16, 8);

    internal static ControlLayout MacOS => new(12, 4);

    internal static ControlLayout FreeBsd => new(12, 8);

    /// <summary>Gets where the data of a message begins: <c>CMSG_DATA</c>.</summary>
    internal int DataOffset => Align(HeaderBytes);

    private bool HasWideLength => HeaderBytes == 16;

    /// <summary>Returns the length that the header of a message contains: <c>CMSG_LEN</c>.</summary>
    internal int LengthOf(int dataBytes) => DataOffset + dataBytes;

    /// <summary>Returns the room that a message takes: <c>CMSG_SPACE</c>.</summary>
    internal int SpaceOf(int dataBytes) => DataOffset + Align(dataBytes);

    /// <summary>Returns where a message ends and the next one begins.</summary>
    internal int Align(int bytes) => (bytes + Alignment - 1) / Alignment * Alignment;

    /// <summary>Writes a header.</summary>
    internal void Write(Span<byte> control, in ControlHeader header)
    {
        if (HasWideLength)
        {
            MemoryMarshal.Write(control, new LinuxControlHeader { cmsg_len = (nuint)header.Length, cmsg_level = header.Level, cmsg_type = header.Type });
        }
        else
        {
            MemoryMarshal.Write(control, new BsdControlHeader { cmsg_len = (uint)header.Length, cmsg_level = header.Level, cmsg_type = header.Type });
        }
    }

    /// <summary>Reads a header.</summary>
    internal ControlHeader Read(ReadOnlySpan<byte> control)
    {
        if (HasWideLength)
        {
            var wide = MemoryMarshal.Read<LinuxControlHeader>(control);
            return new((long)wide.cmsg_len, wide.cmsg_level, wide.cmsg_type);
        }

        var header = MemoryMarshal.Read<BsdControlHeader>(control);
        return new(header.cmsg_len, header.cmsg_level, header.cmsg_type);
    }
}

namespace Posix.SharedMemory;

/// <summary>How control messages follow one another in a buffer: what the macros CMSG_LEN, CMSG_SPACE and CMSG_DATA reckon.</summary>
/// <param name="HeaderBytes">The bytes of <c>struct cmsghdr</c>.</param>
/// <param name="Alignment">What headers and data begin at multiples of.</param>
internal readonly record struct ControlLayout(int HeaderBytes, int Alignment)
{
    internal static ControlLayout Linux => new(16, 8);

    internal static ControlLayout MacOS => new(12, 4);

    internal static ControlLayout FreeBsd => new(12, 8);

    /// <summary>Gets where the data of a message begins: <c>CMSG_DATA</c>.</summary>
    internal int DataOffset => Align(HeaderBytes);

    /// <summary>The length that the header of a message tells: <c>CMSG_LEN</c>.</summary>
    internal int LengthOf(int dataBytes) => DataOffset + dataBytes;

    /// <summary>The room that a message takes: <c>CMSG_SPACE</c>.</summary>
    internal int SpaceOf(int dataBytes) => DataOffset + Align(dataBytes);

    /// <summary>Where a message ends and the next one begins.</summary>
    internal int Align(int bytes) => (bytes + Alignment - 1) / Alignment * Alignment;
}

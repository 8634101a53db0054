using System.Numerics;
using System.Text;

namespace Posix.SharedMemory.Channels;

/// <summary>How a new frame channel is created.</summary>
/// <example>
/// <code><![CDATA[
/// using var tensors = FrameChannel.Create("tensors", new()
/// {
///     Classes = [new(64 << 10, 16), new(8 << 20, 4)],  // 16 slots of 64 KiB, and 4 of 8 MiB.
///     Depth = 1,                                       // A reader that is late gets the newest frame only.
///     HugePages = true,
///     Permissions = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite,
/// });
/// ]]></code>
/// </example>
public sealed record FrameOptions
{
    internal static readonly FrameOptions Default = new();

    /// <summary>Gets how many bytes the longest frame has: 1 byte to 1 GiB. The default is 1 MiB. A slot is rounded up to the alignment.</summary>
    public int SlotLength { get; init; } = 1 << 20;

    /// <summary>
    /// Gets how many slots there are: 1 to 65,536. The default is 8. So that the publisher never waits for readers: one that is being filled, and for each reader the depth and as many
    /// as it holds at a time.
    /// </summary>
    public int SlotCount { get; init; } = 8;

    /// <summary>
    /// Gets slots of up to 8 sizes, instead of <see cref="SlotLength"/> and <see cref="SlotCount"/>: a frame gets a free slot of the smallest class that has one and is long enough.
    /// Empty, the default: one class.
    /// </summary>
    public IReadOnlyList<FrameClass> Classes { get; init; } = [];

    /// <summary>Gets how many frames wait for a reader at most, before <see cref="FrameReaderOptions.Overflow"/> decides: 1 to 1,024. The default is 2.</summary>
    public int Depth { get; init; } = 2;

    /// <summary>Gets how many readers can be open at the same time: 1 to 64. The default is 8.</summary>
    public int MaxReaders { get; init; } = 8;

    /// <summary>Gets where frames begin: at multiples of a power of two from 64 bytes to 2 MiB. The default is 4,096, a page.</summary>
    public int Alignment { get; init; } = 4096;

    /// <summary>
    /// Gets whether the memory of the slots is merged into huge pages when the channel is created, as far as the system can: every process touches big frames faster then. The default is false.
    /// </summary>
    public bool HugePages { get; init; }

    /// <summary>Gets a number that stands for what the frames mean; <see cref="FrameChannel.Open"/> can require it. The default, 0, says nothing.</summary>
    public ulong SchemaId { get; init; }

    /// <summary>Gets what the frames are, for people: at most 48 bytes of UTF-8.</summary>
    public string ContentType { get; init; } = "";

    /// <summary>Gets the number of the host that a bridge imports the channel from. A bridge does not export a channel with one, so that nothing travels in a circle. The default, 0: it was made here.</summary>
    public ulong Origin { get; init; }

    /// <summary>Gets the exact permissions of the object. By default only the owner may read and write.</summary>
    public UnixFileMode Permissions { get; init; } = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Gets when the name is removed. The default, <see cref="Lifetime.UnlinkOnLastDispose"/>, removes it with the last process that has the channel open.</summary>
    public Lifetime Lifetime { get; init; } = Lifetime.UnlinkOnLastDispose;

    /// <summary>Gets what <see cref="FrameChannel.Create"/> does if the name is taken. The default is <see cref="NameConflict.Fail"/>.</summary>
    public NameConflict OnConflict { get; init; }

    internal SlotPages Pages => HugePages ? SlotPages.Merged : SlotPages.AsTheyCome;

    internal static FrameOptions Check(FrameOptions? options)
    {
        if (options is null)
        {
            return Default;
        }

        Require(options, options.SlotLength is >= 1 and <= ChannelLayout.MostSlotLength, options.SlotLength, "A slot has 1 to 1073741824 bytes.");
        Require(options, options.SlotCount is >= 1 and <= ChannelLayout.MostSlots, options.SlotCount, "A frame channel has 1 to 65536 slots.");
        Require(options, options.Depth is >= 1 and <= ChannelLayout.MostDepth, options.Depth, "1 to 1024 frames can wait for a reader.");
        Require(options, options.MaxReaders is >= 1 and < ChannelLayout.MostFramesEndpoints, options.MaxReaders, "A frame channel has 1 to 64 readers.");
        Require(options, options.Alignment is >= ChannelLayout.LeastSlotAlign and <= ChannelLayout.MostSlotAlign && BitOperations.IsPow2(options.Alignment), options.Alignment, "Frames are aligned to a power of two from 64 to 2097152 bytes.");
        if (options.Classes is null || options.Classes.Count > ChannelLayout.MostClasses)
        {
            throw new ArgumentException("Slots have up to 8 sizes.", nameof(options));
        }

        foreach (var slots in options.Classes)
        {
            Require(options, slots.SlotLength is >= 1 and <= ChannelLayout.MostSlotLength, slots.SlotLength, "A slot has 1 to 1073741824 bytes.");
            Require(options, slots.SlotCount is >= 1 and <= ChannelLayout.MostSlots, slots.SlotCount, "A frame channel has 1 to 65536 slots.");
        }

        Require(options, options.Classes.Sum(slots => (long)slots.SlotCount) <= ChannelLayout.MostSlots, options.Classes.Count, "A frame channel has 1 to 65536 slots, in all of its classes.");
        return options.ContentType is null || Encoding.UTF8.GetByteCount(options.ContentType) > ChannelLayout.ContentTypeSize || options.ContentType.Contains('\0', StringComparison.Ordinal)
            ? throw new ArgumentException($"A content type has at most {ChannelLayout.ContentTypeSize} bytes of UTF-8 and no NUL.", nameof(options))
            : options;
    }

    private static void Require(FrameOptions options, bool holds, int value, string message)
    {
        _ = options;
        if (!holds)
        {
            throw new ArgumentOutOfRangeException(nameof(options), value, message);
        }
    }

    internal ChannelHeader ToHeader()
    {
        IReadOnlyList<FrameClass> classes = Classes.Count == 0 ? [new(SlotLength, SlotCount)] : Classes;
        // Two classes that the alignment makes equally long are one.
        var slots = classes.GroupBy(given => ChannelLayout.RoundUp(given.SlotLength, Alignment)).OrderBy(group => group.Key).Select(group => new SlotClass(group.Sum(given => given.SlotCount), group.Key));
        return ChannelHeader.ForFrames([.. slots], Depth, MaxReaders, Alignment, SchemaId, ContentType) with { Origin = Origin };
    }

    internal SharedMemoryOptions ToObjectOptions() => new() { Permissions = Permissions, Lifetime = Lifetime, OnConflict = OnConflict };
}

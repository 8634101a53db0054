using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Posix.SharedMemory.Channels;

/// <summary>
/// What a frame is: 64 bytes beside it that any language can read. They are the user's; nothing here requires them. An image has a width, a height and a pixel format, an array
/// its element type, shape and strides, as NumPy has them.
/// </summary>
/// <remarks>
/// The bytes are: at 0 the type of an element as NumPy's array interface spells it (8 bytes of ASCII, NUL-padded), at 8 the pixel format,
/// at 12 the number of dimensions, at 16 width and height, at 24 four numbers of elements, at 40 four strides in bytes, and at 56 a number of the user's. Python spells them <c>struct.unpack("&lt;8sIIII4I4iQ", …)</c>.
/// <see href="https://numpy.org/doc/stable/reference/arrays.interface.html">The array interface</see>
/// </remarks>
/// <example>
/// <code><![CDATA[
/// using var channel = FrameChannel.CreateAnonymous(new() { SlotLength = 640 * 480 * 3 });
/// using var writer = channel.OpenWriter();
/// if (writer.TryLoan(640 * 480 * 3, out var frame))
/// {
///     frame.Header = FrameHeader.ForImage(640, 480, channels: 3);
///     Console.WriteLine($"{frame.Header.DType} {string.Join('×', frame.Header.Shape.ToArray())}");     // |u1 480×640×3
///     writer.Send(frame);
/// }
/// ]]></code>
/// </example>
[StructLayout(LayoutKind.Explicit, Size = Size)]
public struct FrameHeader : IEquatable<FrameHeader>
{
    /// <summary>How many bytes it has.</summary>
    public const int Size = 64;

    /// <summary>How many dimensions an array can have.</summary>
    public const int MaxDimensions = 4;

    [FieldOffset(0)]
    private ulong _dtype;

    [FieldOffset(8)]
    private uint _format;

    [FieldOffset(12)]
    private uint _dimensions;

    [FieldOffset(16)]
    private uint _width;

    [FieldOffset(20)]
    private uint _height;

    [FieldOffset(24)]
    private FourNumbers _shape;

    [FieldOffset(40)]
    private FourNumbers _strides;

    [FieldOffset(56)]
    private ulong _tag;

    /// <summary>Gets or sets the type of an element as NumPy's array interface spells it, such as <c>|u1</c> or <c>&lt;f4</c>: up to 8 characters of ASCII. What a peer stored is not checked.</summary>
    /// <exception cref="ArgumentException">It is longer, or not ASCII.</exception>
    public string DType
    {
        readonly get
        {
            var value = _dtype;
            return ChannelHeader.ReadText(MemoryMarshal.AsBytes(new ReadOnlySpan<ulong>(in value)));
        }

        set
        {
            ArgumentNullException.ThrowIfNull(value);
            if (value.Length > sizeof(ulong) || !Ascii.IsValid(value))
            {
                throw new ArgumentException("The type of an element has up to 8 characters of ASCII.", nameof(value));
            }

            _dtype = 0;
            Encoding.ASCII.GetBytes(value, MemoryMarshal.AsBytes(new Span<ulong>(ref _dtype)));
        }
    }

    /// <summary>Gets or sets the pixel format, as a FourCC: <see cref="FourCC"/>. 0: none.</summary>
    public uint Format { readonly get => _format; set => _format = value; }

    /// <summary>Gets or sets the width of an image, in pixels.</summary>
    public int Width { readonly get => (int)_width; set => _width = (uint)value; }

    /// <summary>Gets or sets the height of an image, in pixels.</summary>
    public int Height { readonly get => (int)_height; set => _height = (uint)value; }

    /// <summary>Gets or sets a number of the user's.</summary>
    public ulong Tag { readonly get => _tag; set => _tag = value; }

    /// <summary>Gets how many elements there are along each dimension; none: it is not an array.</summary>
    [UnscopedRef]
    public readonly ReadOnlySpan<int> Shape => _shape.Read((int)Math.Min(_dimensions, MaxDimensions));

    /// <summary>Gets how many bytes lie between two neighbours along each dimension.</summary>
    [UnscopedRef]
    public readonly ReadOnlySpan<int> Strides => _strides.Read((int)Math.Min(_dimensions, MaxDimensions));

    /// <summary>Describes an array.</summary>
    /// <param name="elementType">As <see cref="DType"/>. Its digits at the end are the size of an element in bytes.</param>
    /// <param name="shape">How many elements along each of up to four dimensions.</param>
    /// <param name="strides">How many bytes lie between two neighbours along each; empty: the elements follow each other, the last dimension first, as in C.</param>
    /// <exception cref="ArgumentException">The type names no size, or the lengths do not fit each other.</exception>
    /// <exception cref="OverflowException">The array has more than 2 GiB.</exception>
    public static FrameHeader ForArray(string elementType, ReadOnlySpan<int> shape, ReadOnlySpan<int> strides = default)
    {
        var header = new FrameHeader { DType = elementType };
        if (shape.Length is 0 or > MaxDimensions || (!strides.IsEmpty && strides.Length != shape.Length) || shape.ContainsAnyInRange(int.MinValue, -1))
        {
            throw new ArgumentException("An array has 1 to 4 dimensions that are not negative, and a stride for each or none at all.", nameof(shape));
        }

        header._dimensions = (uint)shape.Length;
        shape.CopyTo(header._shape);
        if (!strides.IsEmpty)
        {
            strides.CopyTo(header._strides);
            return header;
        }

        var digits = elementType.AsSpan().TrimStart("<>|=biufcmMOSUV");
        if (!int.TryParse(digits, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var step) || step == 0)
        {
            throw new ArgumentException($"'{elementType}' does not name the size of an element: it is spelled like '<f4' or '|u1'.", nameof(elementType));
        }

        for (var dimension = shape.Length - 1; dimension >= 0; dimension--)
        {
            header._strides[dimension] = step;
            step = checked(step * Math.Max(1, shape[dimension]));
        }

        return header;
    }

    /// <summary>Describes an image of bytes: rows of pixels, whose channels lie next to each other.</summary>
    /// <param name="width">In pixels.</param>
    /// <param name="height">In pixels.</param>
    /// <param name="channels">Bytes per pixel: 1 for grey, 3 for RGB, 4 with transparency.</param>
    /// <param name="stride">How many bytes lie between the beginnings of two rows; 0: the rows follow each other.</param>
    /// <param name="format">As <see cref="Format"/>.</param>
    /// <exception cref="ArgumentException">A number is negative, or the stride is shorter than a row.</exception>
    /// <exception cref="OverflowException">The image has more than 2 GiB.</exception>
    public static FrameHeader ForImage(int width, int height, int channels, int stride = 0, uint format = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(width);
        ArgumentOutOfRangeException.ThrowIfNegative(height);
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        var row = checked(width * channels);
        if (stride != 0 && stride < row)
        {
            throw new ArgumentException($"A row has {row} bytes, and the next one begins {stride} bytes after it.", nameof(stride));
        }

        stride = stride == 0 ? row : stride;
        _ = checked(stride * height);
        var header = ForArray("|u1", [height, width, channels], [stride, channels, 1]);
        (header._width, header._height, header._format) = ((uint)width, (uint)height, format);
        return header;
    }

    /// <summary>The number that stands for four characters, such as <c>NV12</c>: the first is the lowest byte.</summary>
    /// <exception cref="ArgumentException">They are not four characters of ASCII.</exception>
    public static uint FourCC(string code)
    {
        ArgumentNullException.ThrowIfNull(code);
        return code.Length == 4 && Ascii.IsValid(code) ? code[0] | ((uint)code[1] << 8) | ((uint)code[2] << 16) | ((uint)code[3] << 24)
            : throw new ArgumentException("A FourCC has four characters of ASCII.", nameof(code));
    }

    /// <summary>Whether both have the same bytes.</summary>
    public static bool operator ==(FrameHeader left, FrameHeader right) => left.Equals(right);

    /// <summary>Whether they differ in any byte.</summary>
    public static bool operator !=(FrameHeader left, FrameHeader right) => !left.Equals(right);

    /// <summary>Whether both have the same bytes.</summary>
    public readonly bool Equals(FrameHeader other) => MemoryMarshal.AsBytes(new ReadOnlySpan<FrameHeader>(in this)).SequenceEqual(MemoryMarshal.AsBytes(new ReadOnlySpan<FrameHeader>(in other)));

    /// <inheritdoc/>
    public override readonly bool Equals(object? obj) => obj is FrameHeader other && Equals(other);

    /// <inheritdoc/>
    public override readonly int GetHashCode()
    {
        var hash = default(HashCode);
        hash.AddBytes(MemoryMarshal.AsBytes(new ReadOnlySpan<FrameHeader>(in this)));
        return hash.ToHashCode();
    }

    [InlineArray(MaxDimensions)]
    private struct FourNumbers
    {
        private int _first;

        [UnscopedRef]
        internal readonly ReadOnlySpan<int> Read(int count) =>
            // SAFETY: the four numbers follow each other, and the span is cut to no more.
            MemoryMarshal.CreateReadOnlySpan(in _first, MaxDimensions)[..count];
    }
}

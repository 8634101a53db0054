using System.IO.MemoryMappedFiles;

namespace Posix.SharedMemory.Benchmarks;

/// <summary>A value of a certain size, with one way to read and write it wherever it is.</summary>
public interface IElement<TSelf>
    where TSelf : unmanaged, IElement<TSelf>
{
    static abstract long Read(ref readonly TSelf place);

    static abstract void Write(ref TSelf place, long value);

    static abstract long Read(MemoryMappedViewAccessor view, long position);

    static abstract void Write(MemoryMappedViewAccessor view, long position, long value);
}

public struct Bytes1 : IElement<Bytes1>
{
    private byte _value;

    public static long Read(ref readonly Bytes1 place) => place._value;

    public static void Write(ref Bytes1 place, long value) => place._value = (byte)value;

    public static long Read(MemoryMappedViewAccessor view, long position) => view.ReadByte(position);

    public static void Write(MemoryMappedViewAccessor view, long position, long value) => view.Write(position, (byte)value);
}

public struct Bytes4 : IElement<Bytes4>
{
    private int _value;

    public static long Read(ref readonly Bytes4 place) => place._value;

    public static void Write(ref Bytes4 place, long value) => place._value = (int)value;

    public static long Read(MemoryMappedViewAccessor view, long position) => view.ReadInt32(position);

    public static void Write(MemoryMappedViewAccessor view, long position, long value) => view.Write(position, (int)value);
}

public struct Bytes8 : IElement<Bytes8>
{
    private long _value;

    public static long Read(ref readonly Bytes8 place) => place._value;

    public static void Write(ref Bytes8 place, long value) => place._value = value;

    public static long Read(MemoryMappedViewAccessor view, long position) => view.ReadInt64(position);

    public static void Write(MemoryMappedViewAccessor view, long position, long value) => view.Write(position, value);
}

public struct Bytes64 : IElement<Bytes64>
{
    private long _word0;
    private long _word1;
    private long _word2;
    private long _word3;
    private long _word4;
    private long _word5;
    private long _word6;
    private long _word7;

    public static long Read(ref readonly Bytes64 place) =>
        place._word0 + place._word1 + place._word2 + place._word3 + place._word4 + place._word5 + place._word6 + place._word7;

    public static void Write(ref Bytes64 place, long value)
    {
        place._word0 = value;
        place._word1 = value + 1;
        place._word2 = value + 2;
        place._word3 = value + 3;
        place._word4 = value + 4;
        place._word5 = value + 5;
        place._word6 = value + 6;
        place._word7 = value + 7;
    }

    public static long Read(MemoryMappedViewAccessor view, long position)
    {
        view.Read(position, out Bytes64 value);
        return Read(in value);
    }

    public static void Write(MemoryMappedViewAccessor view, long position, long value)
    {
        Bytes64 element = default;
        Write(ref element, value);
        view.Write(position, ref element);
    }
}

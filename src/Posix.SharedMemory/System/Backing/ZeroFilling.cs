namespace Posix.SharedMemory;

/// <summary>Gives a new object its memory by writing zeros, where nothing reserves memory without storing something.</summary>
internal sealed class ZeroFilling(SystemMapping mapping)
{
    private const int PieceBytes = 1 << 18;

    internal void Write(in OpenObject target, long length)
    {
        var zeros = new byte[(int)Math.Min(PieceBytes, length)];
        for (var at = 0L; at < length; at += zeros.Length)
        {
            mapping.Write(target, zeros.AsSpan(0, (int)Math.Min(zeros.Length, length - at)), at);
        }
    }
}

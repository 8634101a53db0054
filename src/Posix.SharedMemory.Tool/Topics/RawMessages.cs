namespace Posix.SharedMemory.Tool;

/// <summary>Prints messages as they are, each with what separates it from the next, in one piece.</summary>
internal sealed class RawMessages(Terminal terminal, byte? delimiter)
{
    private readonly Stream _output = terminal.OutBytes;
    private byte[] _bytes = [];

    internal void Print(ReadOnlySpan<byte> message)
    {
        if (delimiter is not { } end)
        {
            _output.Write(message);
            return;
        }

        if (_bytes.Length <= message.Length)
        {
            _bytes = new byte[Math.Max(256, message.Length * 2)];
        }

        message.CopyTo(_bytes);
        _bytes[message.Length] = end;
        _output.Write(_bytes.AsSpan(0, message.Length + 1));
    }
}

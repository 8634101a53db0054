using System.Buffers.Binary;
using System.Diagnostics;

namespace Posix.SharedMemory.Tool;

/// <summary>Writes a recording. Each message is appended; one that was being written when the process was killed is recognised by the reader.</summary>
internal sealed class RecordingWriter : IDisposable
{
    private const int BufferBytes = 256 << 10;

    private readonly string _path;
    private readonly FileStream _file;
    private readonly int _longest;
    private readonly long _start = Stopwatch.GetTimestamp();
    private readonly byte[] _entry = new byte[RecordingEntry.Size];

    private RecordingWriter(string path, FileStream file, int longest) => (_path, _file, _longest) = (path, file, longest);

    internal long Messages { get; private set; }

    /// <summary>Gets how many bytes the messages have.</summary>
    internal long Bytes { get; private set; }

    internal long Missed { get; private set; }

    /// <summary>Gets how many bytes the file has, with what is still to be written.</summary>
    internal long FileLength { get; private set; } = RecordingHeader.Size;

    internal TimeSpan Elapsed => Stopwatch.GetElapsedTime(_start);

    /// <summary>Creates the file, which must not exist.</summary>
    internal static RecordingWriter Create(string path, RecordingHeader header)
    {
        Span<byte> bytes = stackalloc byte[RecordingHeader.Size];
        header.Write(bytes);
        FileStream file;
        try
        {
            file = new(path, FileMode.CreateNew, FileAccess.Write, FileShare.ReadWrite, BufferBytes);
        }
        catch (IOException) when (Path.Exists(path))
        {
            throw new CommandException($"{EscapedText.Of(path)}: the file exists; give another name, or remove it");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandException(Failure.Describe(e, EscapedText.Of(path)));
        }

        // Less than the buffer: nothing is written yet.
        file.Write(bytes);
        return new(path, file, header.Longest);
    }

    /// <summary>Appends a message.</summary>
    /// <exception cref="CommandException">It is longer than any of the channel that the recording began with: a writer has come with another channel. Or the file cannot be written.</exception>
    /// <param name="frame">Of a frame: the 64 bytes that describe it; otherwise empty.</param>
    internal void Append(ReadOnlySpan<byte> message, ReadOnlySpan<byte> frame, ushort type, long sequence, long missed)
    {
        if (message.Length > _longest)
        {
            throw new CommandException($"the channel that has the name now carries a message of {message.Length} bytes, and the one that the recording began with {_longest} at most; begin another recording");
        }

        Append(new(message.Length, type, frame.IsEmpty ? (ushort)0 : RecordingEntry.Frame, sequence, (long)Elapsed.TotalNanoseconds, (uint)Math.Clamp(missed, 0, uint.MaxValue), 0), frame, message);
        (Messages, Bytes, Missed) = (Messages + 1, Bytes + message.Length, Missed + missed);
    }

    /// <summary>Gives what was appended to the system: from then on a kill of this process loses none of it.</summary>
    /// <exception cref="CommandException">The file cannot be written, for example because there is no room left.</exception>
    internal void Flush()
    {
        try
        {
            _file.Flush();
        }
        catch (Exception e) when (IsOfFile(e))
        {
            throw CannotWrite(e);
        }
    }

    /// <summary>Says that the recording ends here as it was meant to.</summary>
    internal void Complete()
    {
        Append(new(0, 0, RecordingEntry.End, Messages, (long)Elapsed.TotalNanoseconds, 0, 0), default, default);
        Flush();
    }

    public void Dispose()
    {
        try
        {
            _file.Dispose();
        }
        catch (IOException)
        {
            // What failed has been reported when it was appended or flushed.
        }
        catch (ArgumentOutOfRangeException)
        {
            // As above, of a file that would be longer than the system allows.
        }
    }

    private void Append(RecordingEntry entry, ReadOnlySpan<byte> frame, ReadOnlySpan<byte> message)
    {
        entry.Write(_entry);
        var sum = Checksum.Of(Checksum.Of(Checksum.Of(Checksum.Begin(), _entry.AsSpan(0, RecordingEntry.CheckAt)), frame), message);
        BinaryPrimitives.WriteUInt32LittleEndian(_entry.AsSpan(RecordingEntry.CheckAt), sum ^ uint.MaxValue);
        try
        {
            _file.Write(_entry);
            _file.Write(frame);
            _file.Write(message);
            Span<byte> padding = stackalloc byte[7];
            padding.Clear();
            _file.Write(padding[..(int)(entry.Whole - RecordingEntry.Size - entry.Following)]);
        }
        catch (Exception e) when (IsOfFile(e))
        {
            throw CannotWrite(e);
        }

        FileLength += entry.Whole;
    }

    /// <summary>The base library reports a file that is longer than the system allows as an argument out of range.</summary>
    private static bool IsOfFile(Exception e) => e is IOException or UnauthorizedAccessException or ArgumentOutOfRangeException;

    /// <summary>The base library does not name the file: without a name it would be taken for a failure of standard output.</summary>
    private CommandException CannotWrite(Exception e) => new(Failure.Describe(e, EscapedText.Of(_path)));
}

namespace Posix.SharedMemory.Tool;

/// <summary>Messages out of a stream of bytes: what lies between delimiters, or all of it.</summary>
/// <param name="input">The stream.</param>
/// <param name="delimiter">What ends a message; the end of the stream ends the last one. <see langword="null"/>: nothing does, all of it is one message.</param>
/// <param name="most">How long a message may be: what is longer is refused before it is read whole.</param>
internal sealed class MessageSource(Stream input, byte? delimiter, int most) : IDisposable
{
    private byte[] _bytes = new byte[64 << 10];
    private int _first;
    private int _end;
    private bool _isOver;

    /// <summary>Reads the next message.</summary>
    /// <returns>False: there is none any more.</returns>
    /// <exception cref="CommandException">The message is too long, or the input cannot be read.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    internal bool TryRead(out ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
    {
        for (var looked = 0; ;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var found = delimiter is { } end ? _bytes.AsSpan(_first + looked, _end - _first - looked).IndexOf(end) : -1;
            var length = found >= 0 ? looked + found : _end - _first;
            if (length > most)
            {
                throw new CommandException($"standard input: a message has more than {most} bytes, the longest that this channel carries");
            }

            if (found >= 0 || (_isOver && (length > 0 || (delimiter is null && _first == 0))))
            {
                message = _bytes.AsMemory(_first, length);
                // Without a delimiter there is one message, also if it is empty.
                _first += found >= 0 ? length + 1 : Math.Max(length, delimiter is null ? 1 : 0);
                _end = Math.Max(_end, _first);
                return true;
            }

            if (_isOver)
            {
                message = default;
                return false;
            }

            looked = length;
            Fill(cancellationToken);
        }
    }

    public void Dispose() => input.Dispose();

    private void Fill(CancellationToken cancellationToken)
    {
        if (_end == _bytes.Length)
        {
            var rest = _bytes.AsSpan(_first, _end - _first);
            var next = _first > 0 && rest.Length < _bytes.Length / 2 ? _bytes : new byte[_bytes.Length * 2];
            rest.CopyTo(next);
            (_bytes, _first, _end) = (next, 0, rest.Length);
        }

        try
        {
            // Reading a terminal or a pipe cannot be cancelled: the wait for it can, and the process ends then.
            var reading = Task.Run(() => input.Read(_bytes, _end, _bytes.Length - _end), CancellationToken.None);
            reading.Wait(cancellationToken);
            _isOver = reading.Result == 0;
            _end += reading.Result;
        }
        catch (AggregateException e) when (e.InnerException is IOException or UnauthorizedAccessException)
        {
            throw new CommandException(Failure.Describe(e.InnerException, "standard input"));
        }
    }
}

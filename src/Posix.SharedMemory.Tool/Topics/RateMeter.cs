using System.Globalization;
using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Tool;

/// <summary>Measures what passes through a channel: rates by the counters in its header, sizes and gaps by a tap.</summary>
internal sealed class RateMeter
{
    internal const string Title = "MESSAGES/S   BYTES/S  SIZE p50  p90   p99   max   GAP ms mean    dev    max  FILL  WAITS W   WAITS R";

    internal const string TitleOfBytes = "  BYTES/S  MESSAGES/S  SIZE mean   p50   p99   max  FILL";

    /// <summary>What is remembered of one interval: percentiles need no more.</summary>
    private const int MostSizes = 100_000;

    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan s_longestDrain = TimeSpan.FromMilliseconds(100);

    private readonly SharedMemoryObject _memory;
    private readonly MessageTap _tap;
    private readonly List<int> _sizes = [];
    private ChannelStatus _status;
    private long _since;
    private long _lastSeen;

    internal RateMeter(SharedMemoryObject memory)
    {
        _memory = memory;
        _tap = MessageTap.On(memory);
        // What is there already has come at a time that nobody knows. A writer that is faster than the tap is not waited for.
        var start = TimeProvider.System.GetTimestamp();
        while (_tap.TryRead(out _) && TimeProvider.System.GetElapsedTime(start) < s_longestDrain)
        {
        }

        _status = Look();
        _since = TimeProvider.System.GetTimestamp();
    }

    /// <summary>Measures one interval.</summary>
    /// <returns>False: it ended early, by the token or because the channel was completed.</returns>
    internal bool Measure(TimeSpan interval, CancellationToken cancellationToken, out RateFacts facts)
    {
        var (before, start, missed) = (_status, _since, _tap.Missed);
        var gaps = new Gaps();
        _sizes.Clear();
        long seen = 0;
        var isOver = false;
        while (!isOver && TimeProvider.System.GetElapsedTime(start) is var elapsed && elapsed < interval)
        {
            cancellationToken.WaitHandle.WaitOne(interval - elapsed < s_look ? interval - elapsed : s_look);
            isOver = cancellationToken.IsCancellationRequested;
            var now = TimeProvider.System.GetTimestamp();
            while (_tap.TryRead(out var message))
            {
                seen++;
                if (_lastSeen != 0)
                {
                    gaps.Add(TimeProvider.System.GetElapsedTime(_lastSeen, now).TotalSeconds);
                }

                _lastSeen = now;
                if (_sizes.Count < MostSizes)
                {
                    _sizes.Add(message.Frame?.Length ?? message.Span.Length);
                }

                if (seen % 1024 == 0 && (cancellationToken.IsCancellationRequested || TimeProvider.System.GetElapsedTime(start) >= interval))
                {
                    break;
                }
            }

            isOver |= _tap.HasEnded;
        }

        _status = Look();
        _since = TimeProvider.System.GetTimestamp();
        var seconds = TimeProvider.System.GetElapsedTime(start, _since).TotalSeconds;
        var messages = Math.Max(0, _status.Messages - before.Messages);
        isOver |= _status.State != ChannelState.Open && messages == 0;
        facts = new(
            TimeProvider.System.GetUtcNow(), Math.Round(seconds, 3), messages, Round(messages / seconds), Round(Math.Max(0, _status.Bytes - before.Bytes) / seconds), seen, Sizes(),
            _tap.Missed == missed ? gaps.ToFacts() : null, new ChannelLook(_status, null).Fill is { } fill ? Math.Round(fill, 4) : null, _status.WriterWaits - before.WriterWaits,
            _status.ReaderWaits - before.ReaderWaits, ChannelLook.StateWord(_status.State));
        return !isOver;
    }

    /// <summary>A measurement for people, under <see cref="Title"/>.</summary>
    internal static string Line(RateFacts facts)
    {
        var size = facts.Sizes;
        var gap = facts.Gaps;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{facts.MessagesPerSecond,10:0.#}  {ByteSize.Short((long)facts.BytesPerSecond),8}  {Size(size?.P50),8}  {Size(size?.P90),3}  {Size(size?.P99),4}  {Size(size?.Most),4}   {Milliseconds(gap?.Mean),11}  {Milliseconds(gap?.Deviation),5}  {Milliseconds(gap?.Most),5}  {(facts.Fill is { } fill ? 100 * fill : 0),3:0}%  {facts.WriterWaits,7}   {facts.ReaderWaits,7}");
    }

    /// <summary>The bytes of a measurement for people, under <see cref="TitleOfBytes"/>.</summary>
    internal static string LineOfBytes(RateFacts facts)
    {
        var size = facts.Sizes;
        int? mean = facts.Messages == 0 ? null : (int)(facts.BytesPerSecond * facts.Seconds / facts.Messages);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{ByteSize.Short((long)facts.BytesPerSecond),9}  {facts.MessagesPerSecond,10:0.#}  {Size(mean),9}  {Size(size?.P50),4}  {Size(size?.P99),4}  {Size(size?.Most),4}  {(facts.Fill is { } fill ? 100 * fill : 0),3:0}%");
    }

    private ChannelStatus Look() => ChannelStatus.TryRead(_memory) ?? throw new CommandException("the object is not a channel any more");

    private SizeFacts? Sizes()
    {
        if (_sizes.Count == 0)
        {
            return null;
        }

        _sizes.Sort();
        return new(At(0.5), At(0.9), At(0.99), _sizes[^1]);
        int At(double part) => _sizes[(int)Math.Min(_sizes.Count - 1, part * _sizes.Count)];
    }

    private static double Round(double value) => Math.Round(value, 1);

    private static string Size(int? bytes) => bytes is { } known ? ByteSize.Short(known) : "-";

    private static string Milliseconds(double? seconds) => seconds is { } known ? (known * 1000).ToString("0.0", CultureInfo.InvariantCulture) : "-";

    /// <summary>Times between messages, added up.</summary>
    private struct Gaps
    {
        private long _count;
        private double _least, _most, _sum, _squares;

        internal void Add(double seconds)
        {
            (_least, _most) = _count == 0 ? (seconds, seconds) : (Math.Min(_least, seconds), Math.Max(_most, seconds));
            _count++;
            _sum += seconds;
            _squares += seconds * seconds;
        }

        internal readonly GapFacts? ToFacts()
        {
            if (_count == 0)
            {
                return null;
            }

            var mean = _sum / _count;
            return new(Digits(_least), Digits(mean), Digits(_most), Digits(Math.Sqrt(Math.Max(0, (_squares / _count) - (mean * mean)))));
        }

        private static double Digits(double seconds) => Math.Round(seconds, 6);
    }
}

namespace Posix.SharedMemory.Threading;

/// <summary>Writes a word before each swap of it by this thread, so that every swap fails: another process that does nothing else.</summary>
internal sealed unsafe class Rewriter : IDisposable
{
    [ThreadStatic]
    private static Rewriter? t_current;

    private readonly uint* _word;
    private readonly uint _first;
    private readonly uint _second;
    private int _swaps;
    private int _all;
    private int _looks;

    /// <param name="word">The word.</param>
    /// <param name="first">What it becomes.</param>
    /// <param name="second">What it becomes, if it is the first.</param>
    /// <param name="looks">So often this thread asks for the time before it is up.</param>
    internal Rewriter(uint* word, uint first, uint second, int looks)
    {
        _word = word;
        _first = first;
        _second = second;
        *word = first;
        t_current = this;
        Stopwatch.Substitute(() =>
        {
            Most = Math.Max(Most, _swaps);
            _swaps = 0;
            return _looks++ < looks ? Deadline.Second : 1000 * Deadline.Second;
        });
    }

    /// <summary>Gets how many swaps at most there were between two looks at the time.</summary>
    internal int Most { get; private set; }

    /// <summary>Gets how many swaps there were in all.</summary>
    internal int All => _all;

    internal static void BeforeSwap(ref uint location)
    {
        if (t_current is { } rewriter && System.Runtime.CompilerServices.Unsafe.AreSame(ref location, ref *rewriter._word))
        {
            rewriter._swaps++;
            rewriter._all++;
            location = location == rewriter._first ? rewriter._second : rewriter._first;
        }
    }

    public void Dispose()
    {
        t_current = null;
        Stopwatch.Substitute(null);
    }
}

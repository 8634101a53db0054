namespace Posix.SharedMemory.Channels;

/// <summary>A reader of a <see cref="LatestBytes"/>.</summary>
/// <remarks>
/// <para>It is for one thread at a time; a process can open several. The writer does not see it, and never waits for it.</para>
/// <para>
/// All members but <see cref="Writer"/>, <see cref="PeerChanged"/> and <see cref="Completion"/> throw <see cref="InvalidOperationException"/> while another call is under way,
/// <see cref="ObjectDisposedException"/> after <see cref="Dispose"/>, and <see cref="ChannelCorruptException"/> if the writer stored what no correct writer stores.
/// </para>
/// </remarks>
/// <example>
/// <code><![CDATA[
/// using var picture = LatestBytes.Open("picture");
/// using var reader = picture.OpenReader();
/// reader.PeerChanged += (_, change) => Console.WriteLine($"the camera: {change.Peer.State}");
/// var bytes = new byte[reader.MaxLength];
/// for (var seen = 0L; await reader.WaitForChangeAsync(seen) != seen;)
/// {
///     reader.TryRead(bytes, out var length, out seen);
///     Console.WriteLine($"a picture of {length} bytes");
/// }
/// ]]></code>
/// </example>
public sealed class LatestBytesReader : IDisposable
{
    private readonly ValueReader _value;

    internal LatestBytesReader(ValueReader value)
    {
        _value = value;
        value.Owner = this;
    }

    /// <summary>The writer was opened, was closed, or died. Raised on the thread pool, at once. What a handler throws ends the process, as on any thread of the pool.</summary>
    /// <exception cref="NotSupportedException">The object was opened for reading only.</exception>
    public event EventHandler<PeerChangedEventArgs>? PeerChanged
    {
        add
        {
            _value.RequireSeat();
            _value.PeerChanged += value;
        }

        remove => _value.PeerChanged -= value;
    }

    /// <summary>Gets what has become of the writer.</summary>
    public PeerState Writer => _value.Writer;

    /// <summary>
    /// Gets a task that completes when the writer has completed. It fails with <see cref="ChannelException"/> if the writer gave an error, and with
    /// <see cref="ChannelCorruptException"/>. The death of a writer does not complete it: another writer may come.
    /// </summary>
    /// <exception cref="NotSupportedException">The object was opened for reading only, and the writer has not completed yet.</exception>
    public Task Completion => _value.Completion;

    /// <summary>Gets how many bytes the longest value has.</summary>
    public int MaxLength => _value.MaxLength;

    /// <summary>Copies the newest value. It is never torn.</summary>
    /// <param name="destination">Gets the value. <see cref="MaxLength"/> bytes are always enough.</param>
    /// <param name="length">How many bytes the value has.</param>
    /// <param name="version">Its version: even, and larger for each value. 0: nothing was published yet.</param>
    /// <returns>
    /// False: nothing was published yet; or the destination is shorter than <paramref name="length"/>. Or, where copying one takes as long as several publications, none of 1,000 copies was whole:
    /// then the length is 0 and the version is not, and another call may succeed.
    /// </returns>
    public bool TryRead(Span<byte> destination, out int length, out long version) => _value.TryRead(destination, out length, out version);

    /// <summary>Waits until a version other than the one that was seen is the newest. No thread waits.</summary>
    /// <param name="seen">The version of the last value that was read; 0: none.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The newest version; <paramref name="seen"/> itself: the writer has completed, and there will be no other.</returns>
    /// <exception cref="PeerDiedException">The writer's process died, and the version is still the newest. Thrown once for each writer, and not with <see cref="PeerRestart.Wait"/>.</exception>
    /// <exception cref="PeerLeftException">The writer has left without completing, and the version is still the newest. Thrown as above.</exception>
    /// <exception cref="ChannelException">The writer completed with an error, and the version is still the newest.</exception>
    /// <exception cref="NotSupportedException">The object was opened for reading only.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public ValueTask<long> WaitForChangeAsync(long seen, CancellationToken cancellationToken = default) => _value.WaitForChangeAsync(seen, cancellationToken);

    /// <summary>Blocks until a version other than the one that was seen is the newest.</summary>
    /// <param name="seen">The version of the last value that was read; 0: none.</param>
    /// <param name="timeout">Not negative, or <see cref="Timeout.InfiniteTimeSpan"/>.</param>
    /// <returns>The newest version; <paramref name="seen"/> itself: the time is up, or the writer has completed, and then <see cref="Completion"/> has completed.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The timeout is negative.</exception>
    /// <exception cref="PeerDiedException">As <see cref="WaitForChangeAsync"/>.</exception>
    /// <exception cref="PeerLeftException">As <see cref="WaitForChangeAsync"/>.</exception>
    /// <exception cref="ChannelException">As <see cref="WaitForChangeAsync"/>.</exception>
    /// <exception cref="NotSupportedException">The object was opened for reading only.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/futex.2.html">futex(2)</see></remarks>
    public long WaitForChange(long seen, TimeSpan timeout) => _value.WaitForChange(seen, timeout);

    /// <summary>Leaves.</summary>
    public void Dispose() => _value.Dispose();
}

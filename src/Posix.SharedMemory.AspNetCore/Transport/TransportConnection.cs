using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace Posix.SharedMemory.AspNetCore;

/// <summary>A client's connection as the server takes it.</summary>
/// <remarks>The server is notified of the client's end by <see cref="ConnectionClosed"/>, also while it does not read. A client that has only completed what it sends is still there, and gets its response.</remarks>
internal sealed class TransportConnection : ConnectionContext,
    IConnectionIdFeature, IConnectionItemsFeature, IConnectionTransportFeature, IConnectionLifetimeFeature, IConnectionEndPointFeature, IPeerCredentialsFeature, IDuplexPipe
{
    /// <summary>The room for what is read at once. It is taken only when something is there.</summary>
    private const int ReadAtOnce = 16 << 10;

    /// <summary>How long a client may take for what is left when the server has ended the connection. What the server flushes itself has the limits of the server.</summary>
    private static readonly TimeSpan s_longestFinish = TimeSpan.FromSeconds(5);

    private readonly MessageConnection _connection;
    private readonly TransportStream _stream;
    private readonly TransportWriter _output;
#pragma warning disable CA2213 // Never disposed, and without a timer: the client's end may be noticed at any time.
    private readonly CancellationTokenSource _closed = new();
#pragma warning restore CA2213
    private int _isDisposed;

    internal TransportConnection(MessageConnection connection, EndPoint listener)
    {
        _connection = connection;
        _stream = new(connection);
        _output = new(_stream);
        Input = PipeReader.Create(_stream, new StreamPipeReaderOptions(bufferSize: ReadAtOnce, leaveOpen: true, useZeroByteReads: true));
        Transport = this;
        ConnectionId = $"{Guid.CreateVersion7():N}";
        ConnectionClosed = _closed.Token;
        LocalEndPoint = listener;
        Features = new FeatureCollection();
        Features.Set<IConnectionIdFeature>(this);
        Features.Set<IConnectionItemsFeature>(this);
        Features.Set<IConnectionTransportFeature>(this);
        Features.Set<IConnectionLifetimeFeature>(this);
        Features.Set<IConnectionEndPointFeature>(this);
        Features.Set<IPeerCredentialsFeature>(this);
    }

    public override string ConnectionId { get; set; }

    public override IFeatureCollection Features { get; }

    public override IDictionary<object, object?> Items { get => field ??= new ConnectionItems(); set; }

    public override IDuplexPipe Transport { get; set; }

    public override CancellationToken ConnectionClosed { get; set; }

    public override EndPoint? LocalEndPoint { get; set; }

    public override EndPoint? RemoteEndPoint { get; set; }

    public PipeReader Input { get; }

    public PipeWriter Output => _output;

    public PeerCredentials Peer => _connection.Peer;

    /// <summary>Begins to notice the client's end.</summary>
    internal TransportConnection Start()
    {
        _connection.Output.PeerChanged += (_, _) => CloseIfClientEnded();
        CloseIfClientEnded();
        return this;
    }

    public override void Abort(ConnectionAbortedException abortReason)
    {
        _stream.Abort(abortReason);
        NotifyClosed();
    }

    public override void Abort() => Abort(new ConnectionAbortedException("The server has ended the connection."));

    /// <summary>Sends what is left, ends the connection so that the client reads to the end, and closes it. Further calls have no effect.</summary>
    public override async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            await CloseAsync().ConfigureAwait(false);
        }

        await base.DisposeAsync().ConfigureAwait(false);
    }

    private async ValueTask CloseAsync()
    {
        try
        {
            await Input.CompleteAsync().ConfigureAwait(false);
            using var patience = new CancellationTokenSource(s_longestFinish);
            if (!await _output.FinishAsync(patience.Token).ConfigureAwait(false))
            {
                // The client learns that bytes are missing.
                _stream.Abort(new("The client did not get everything that was written."));
            }
        }
        finally
        {
            await _stream.DisposeAsync().ConfigureAwait(false);
            NotifyClosed();
        }
    }

    private void CloseIfClientEnded()
    {
        if (_connection.Output.Reader is PeerState.Died or PeerState.Left)
        {
            NotifyClosed();
        }
    }

    /// <summary>Runs what waits for the end, never on the caller's thread. What throws there is not the server's failure.</summary>
    private void NotifyClosed() => ThreadPool.UnsafeQueueUserWorkItem(
        static closed =>
        {
            try
            {
                closed.Cancel();
            }
            catch (AggregateException)
            {
                // Each of what waits was run, whatever the others threw.
            }
        },
        _closed,
        preferLocal: false);
}

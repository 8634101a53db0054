using Microsoft.Extensions.Logging;

namespace Posix.SharedMemory.Bridge.Nats;

/// <summary>Remembers what the client logs while it connects for the first time: the exception that it throws then does not say why it could not. Safe for several threads.</summary>
internal sealed class ConnectionFailures : ILoggerFactory, ILogger
{
    private volatile bool _isEnded;
    private volatile Exception? _last;

    /// <summary>Gets the last exception that was logged.</summary>
    internal Exception? Last => _last;

    /// <summary>Nothing is remembered from now on.</summary>
    internal void End() => (_isEnded, _last) = (true, null);

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public IDisposable BeginScope<TState>(TState state) => this;

    public bool IsEnabled(LogLevel logLevel) => !_isEnded && logLevel >= LogLevel.Warning;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!_isEnded)
        {
            _last = exception ?? _last;
        }
    }

    public void Dispose()
    {
    }

    /// <summary>Why a connection could not be made: what was thrown, and what is behind it as far as that says more.</summary>
    /// <param name="thrown">What the client threw.</param>
    internal string Describe(Exception thrown)
    {
        List<string> reasons = [];
        for (var (reason, next) = (thrown, thrown.InnerException ?? Last); reason is not null; (reason, next) = (next, next?.InnerException))
        {
            if (!reasons.Exists(known => known.Contains(reason.Message, StringComparison.Ordinal)))
            {
                reasons.Add(reason.Message);
            }
        }

        return string.Join(": ", reasons.Select(reason => reason.TrimEnd('.')));
    }
}

using System.Globalization;

namespace Posix.SharedMemory.Bridge.Nats;

/// <summary>
/// What a consumer delivers, up to the first gap. An acknowledgement is one of everything before it: behind a message that was lost on the way, as by a server that was killed, nothing may be
/// acknowledged, and so nothing is handed on. What is behind the gap is delivered again when the consumer gets another address.
/// </summary>
internal sealed class UnbrokenDeliveries(IBridgeReceiver receiver) : IBridgeReceiver
{
    private ulong _last;
    private bool _isBroken;

    public void Receive(in BridgeMessage message)
    {
        // A consumer counts its deliveries, those that come again too.
        if (NumberOf(message.Acknowledgement) is { } number)
        {
            _isBroken |= _last != 0 && number != _last + 1;
            _last = number;
        }

        if (!_isBroken)
        {
            receiver.Receive(message);
        }
    }

    /// <summary>The number of a delivery, from the address of its acknowledgement: of servers before 2.10, and with the domain and the account in it.</summary>
    private static ulong? NumberOf(string? acknowledgement)
    {
        const int Short = 9, ShortAt = 6, Long = 11, LongAt = 8;
        var text = acknowledgement.AsSpan();
        Span<Range> tokens = stackalloc Range[Long + 2];
        var count = text.StartsWith("$JS.ACK.") ? text.Split(tokens, '.') : 0;
        return count is Short or >= Long && ulong.TryParse(text[tokens[count == Short ? ShortAt : LongAt]], NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
    }
}

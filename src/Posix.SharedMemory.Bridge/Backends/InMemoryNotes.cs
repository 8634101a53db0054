using System.Globalization;

namespace Posix.SharedMemory.Bridge;

/// <summary>The notes that an <see cref="InMemoryBridgeHub"/> keeps, one for each subject. Safe for several threads.</summary>
internal sealed class InMemoryNotes
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, (long Number, byte[] Note)> _notes = new(StringComparer.Ordinal);
    private long _last;

    internal void Write(string subject, ReadOnlyMemory<byte> note)
    {
        lock (_gate)
        {
            _notes[subject] = (++_last, note.ToArray());
        }
    }

    internal void Read(string subject, IBridgeReceiver receiver)
    {
        lock (_gate)
        {
            foreach (var (name, (number, note)) in _notes)
            {
                if (InMemoryBridgeHub.Matches(subject, name))
                {
                    receiver.Receive(new(name, default, new(note), number.ToString(CultureInfo.InvariantCulture)));
                }
            }
        }
    }

    internal void Remove(string subject, string acknowledgement)
    {
        lock (_gate)
        {
            if (_notes.TryGetValue(subject, out var kept) && kept.Number == long.Parse(acknowledgement, CultureInfo.InvariantCulture))
            {
                _notes.Remove(subject);
            }
        }
    }
}

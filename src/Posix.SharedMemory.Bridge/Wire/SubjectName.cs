using System.Text;
using System.Text.Unicode;

namespace Posix.SharedMemory.Bridge;

/// <summary>
/// Names of channels and hosts as subjects. A dot separates tokens; every byte outside [A-Za-z0-9_-], and every dot that would leave a token empty, is %XX.
/// The name of a host is one token, without a dot, and never the token with which importers ask for announcements.
/// </summary>
internal static class SubjectName
{
    internal const string Channels = "shm.v1.channels.", List = "shm.v1.channels.list", AllChannels = "shm.v1.channels.*", Messages = "shm.v1.t.", Credit = "shm.v1.credit.", AllCredit = "shm.v1.credit.>", Notes = "shm.v1.note.", AllNotes = "shm.v1.note.>";

    private const string ListToken = "list", EscapedListToken = "%6Cist";

    /// <summary>The longest name of a channel, in bytes.</summary>
    private const int MostBytes = 255;

    /// <summary>The name of a channel as the end of a subject.</summary>
    internal static string Encode(string name) => Encode(name, keepsDots: true);

    /// <summary>The name of a host as one token.</summary>
    internal static string EncodeHost(string name) => name == ListToken ? EscapedListToken : Encode(name, keepsDots: false);

    /// <summary>The note about a channel, from what its host announces.</summary>
    internal static string NoteOf(Announcement announced) => $"{Notes}{announced.Host}.{announced.Channel}";

    /// <summary>The notes of all hosts about a channel.</summary>
    internal static string NotesOf(Announcement announced) => $"{Notes}*.{announced.Channel}";

    /// <summary>What a host is called as a taker of durable messages.</summary>
    internal static string TakerOf(string host) => "shm-" + EncodeHost(host);

    /// <summary>Reads the end of a subject back. Only what <see cref="Encode(string)"/> writes is accepted: two subjects never mean one channel.</summary>
    internal static bool TryDecode(string subject, out string name) => TryUnescape(subject, out name) && name is not ("." or "..") && !name.AsSpan().ContainsAny('/', '\0') && Encode(name) == subject;

    /// <summary>Reads the token of a host back. Only what <see cref="EncodeHost"/> writes is accepted.</summary>
    internal static bool TryDecodeHost(string token, out string host) => TryUnescape(token, out host) && EncodeHost(host) == token;

    private static bool TryUnescape(string subject, out string name)
    {
        Span<byte> bytes = stackalloc byte[MostBytes];
        var count = 0;
        name = "";
        for (var i = 0; i < subject.Length; i++)
        {
            int value = subject[i];
            if (value == '%')
            {
                if (i + 2 >= subject.Length || !char.IsAsciiHexDigitUpper(subject[i + 1]) || !char.IsAsciiHexDigitUpper(subject[i + 2]))
                {
                    return false;
                }

                value = Convert.ToInt32(subject.Substring(i + 1, 2), 16);
                i += 2;
            }

            if (count == MostBytes || value > byte.MaxValue)
            {
                return false;
            }

            bytes[count++] = (byte)value;
        }

        if (!Utf8.IsValid(bytes[..count]))
        {
            return false;
        }

        name = Encoding.UTF8.GetString(bytes[..count]);
        return name.Length > 0;
    }

    private static string Encode(string name, bool keepsDots)
    {
        var bytes = Encoding.UTF8.GetBytes(name);
        var text = new StringBuilder(bytes.Length + 8);
        for (var i = 0; i < bytes.Length; i++)
        {
            var c = (char)bytes[i];
            var separates = keepsDots && c == '.' && i > 0 && i < bytes.Length - 1 && bytes[i - 1] != '.';
            if (char.IsAsciiLetterOrDigit(c) || c is '_' or '-' || separates)
            {
                text.Append(c);
            }
            else
            {
                text.Append('%').Append(bytes[i].ToString("X2", System.Globalization.CultureInfo.InvariantCulture));
            }
        }

        return text.ToString();
    }
}

using System.Text;

namespace Posix.SharedMemory.Campaign;

/// <summary>Names of every byte, every length around the limits, odd characters and chance, against a model of docs/spec/names.md.</summary>
internal sealed class Naming : FaultCampaign
{
    private const int NamesInRound = 20_000;

    private static readonly string[] s_odd =
    [
        "", "/", "//", ".", "..", "/.", "//..", "...", "a/b", "a/", "/a/", "\0", "a\0b", "é", "e\u0301", "\uFEFF", "\uFFFE", "\uFFFF", "\u200D", "\u202E", "\u0080", "\u07FF", "\u0800",
        "\uD800", "\uDFFF", "\uDC00\uD800", "\uD83D\uDE00", "\uD83D", "\uDBFF\uDFFF", " ", "\n", "\t", "\\", "sem.x", "-", "~", "\u0001", "\u007F", "\u2215", "\uFF0F", "İ", "ı", "ß", "Ǆ", "\u1E9E",
    ];

    internal override string Name => "names";

    internal override double Share => 5;

    internal override IReadOnlyList<PlantedFault> Planted =>
    [
        new("a model with another longest name", session => Compare(session, new string('a', 255), most: 254)),
        new("a model that takes dots", session => Compare(session, "..", takesDots: true)),
        new("a name that is not found", session => GoRoundInBytes(session, Encoding.UTF8.GetBytes(session.Prefix + "x"), isThere: true)),
        new("a name that means another object already", session =>
        {
            SharedMemoryObject.Create(session.Prefix + "x", 1).Dispose();
            GoRound(session, session.Prefix + "x");
        }),
    ];

    internal override void Run(Session session)
    {
        EveryLength(session);
        EveryByte(session);
        EveryOddity(session);
        foreach (var random in session.Rounds())
        {
            for (var name = 0; name < NamesInRound && (!session.IsOver || session.Round == 0); name++)
            {
                Compare(session, Draw(random));
            }

            for (var sample = 0; sample < 20; sample++)
            {
                var name = session.Prefix + Draw(random).TrimStart('/');
                if (Compare(session, name) is not null)
                {
                    GoRound(session, name);
                    session.Count("names made, found and removed");
                }

                GoRoundInBytes(session, [.. Encoding.UTF8.GetBytes(session.Prefix), .. DrawBytes(random)]);
            }
        }
    }

    private static void EveryLength(Session session)
    {
        foreach (var character in new[] { "a", "é", "€", "\uD83D\uDE00" })
        {
            for (var count = 1; count <= 260; count++)
            {
                foreach (var slashes in new[] { "", "/", "///" })
                {
                    Compare(session, slashes + string.Concat(Enumerable.Repeat(character, count)));
                }
            }

            var size = Encoding.UTF8.GetByteCount(character);
            for (var room = 255 - session.Prefix.Length - (2 * size); room <= 255 - session.Prefix.Length + size; room++)
            {
                var name = session.Prefix + string.Concat(Enumerable.Repeat(character, Math.Max(1, room / size))) + new string('b', room % size);
                if (Compare(session, name) is not null)
                {
                    GoRound(session, name);
                }
            }
        }
    }

    private static void EveryByte(Session session)
    {
        var prefix = Encoding.UTF8.GetBytes(session.Prefix);
        for (var value = 1; value < 256; value++)
        {
            if (value != '/')
            {
                foreach (var tail in new byte[][] { [(byte)value], [(byte)value, (byte)'x'], [(byte)'x', (byte)value, (byte)'x', (byte)value], [(byte)value, (byte)value, (byte)value, (byte)value] })
                {
                    GoRoundInBytes(session, [.. prefix, .. tail]);
                }
            }
        }
    }

    private static void EveryOddity(Session session)
    {
        foreach (var first in s_odd)
        {
            foreach (var second in s_odd)
            {
                Compare(session, first + second);
                if (Compare(session, session.Prefix + first + second) is not null)
                {
                    GoRound(session, session.Prefix + first + second);
                }
            }
        }
    }

    /// <summary>What the library says to a name, and what the model does.</summary>
    /// <returns>The bytes, if the name can be one.</returns>
    private static byte[]? Compare(Session session, string name, int most = 255, bool takesDots = false)
    {
        session.Count("names compared");
        var (expected, bytes) = Model(name, most, takesDots);
        string said;
        try
        {
            if (SharedMemoryObject.TryOpen(name, FileAccess.Read, out var memory))
            {
                memory.Dispose();
            }

            said = "taken";
        }
        catch (ArgumentException)
        {
            said = "refused";
        }
        catch (SharedMemoryException e)
        {
            said = e.Errno == Errno.ENAMETOOLONG ? "too long" : "taken";
        }

        if (said != expected)
        {
            session.Violate($"the name {Escaped(name)} is {said}, and by the specification {expected}");
        }

        return bytes;
    }

    /// <summary>docs/spec/names.md once more, in other words.</summary>
    private static (string Said, byte[]? Bytes) Model(string name, int most, bool takesDots)
    {
        var start = 0;
        while (start < name.Length && name[start] == '/')
        {
            start++;
        }

        var bytes = new List<byte>();
        for (var at = start; at < name.Length; at++)
        {
            int point = name[at];
            if (point is 0 or '/')
            {
                return ("refused", null);
            }

            if (point is >= 0xD800 and < 0xE000)
            {
                if (point >= 0xDC00 || at + 1 == name.Length || name[at + 1] is < '\uDC00' or > '\uDFFF')
                {
                    return ("refused", null);
                }

                point = 0x10000 + ((point - 0xD800) << 10) + (name[++at] - 0xDC00);
            }

            bytes.AddRange(
                point < 0x80 ? [(byte)point]
                : point < 0x800 ? [(byte)(0xC0 | (point >> 6)), (byte)(0x80 | (point & 63))]
                : point < 0x10000 ? [(byte)(0xE0 | (point >> 12)), (byte)(0x80 | ((point >> 6) & 63)), (byte)(0x80 | (point & 63))]
                : [(byte)(0xF0 | (point >> 18)), (byte)(0x80 | ((point >> 12) & 63)), (byte)(0x80 | ((point >> 6) & 63)), (byte)(0x80 | (point & 63))]);
        }

        var isDots = bytes is [(byte)'.'] or [(byte)'.', (byte)'.'];
        return bytes.Count == 0 || (isDots && !takesDots) ? ("refused", null) : bytes.Count > most ? ("too long", null) : ("taken", [.. bytes]);
    }

    /// <summary>Makes an object of the name, and has it found under just these bytes, by the list, by the system and by the name.</summary>
    private static void GoRound(Session session, string name)
    {
        var bytes = Model(name, 255, takesDots: false).Bytes!;
        try
        {
            using (var made = SharedMemoryObject.Create(name, 7))
            {
                using var opened = Native.Open([.. "/dev/shm/"u8, .. bytes], Native.O_RDONLY);
                using var same = SharedMemoryObject.FromHandle(opened);
                if (same.GetStatus().Identity != made.GetStatus().Identity || made.Name != name || !made.Utf8Name.TrimStart((byte)'/').SequenceEqual(bytes))
                {
                    session.Violate($"{Escaped(name)} is another object, or called otherwise");
                }
            }

            GoRoundInBytes(session, bytes, isThere: true);
        }
        catch (Exception e) when (e is SharedMemoryException or IOException)
        {
            session.Violate($"{Escaped(name)}: {e.Message}");
        }
    }

    /// <summary>A name of any bytes, made by another program, is found, opened, and removed.</summary>
    private static void GoRoundInBytes(Session session, byte[] name, bool isThere = false)
    {
        if (!isThere)
        {
            Native.Open([.. "/dev/shm/"u8, .. name], Native.O_RDWR | Native.O_CREAT).Dispose();
        }

        var found = SharedMemoryDirectory.Find(name);
        var listed = SharedMemoryDirectory.Enumerate().Count(entry => entry.NameBytes.Span.SequenceEqual(name));
        found?.Open().Dispose();
        found?.Unlink();
        if (found is null || !found.NameBytes.Span.SequenceEqual(name) || listed != 1 || SharedMemoryDirectory.Find(name) is not null)
        {
            session.Violate($"the name {Convert.ToHexString(name)} is not found, listed {listed} times, or not removed");
        }

        session.Count("names of any bytes found, opened and removed");
    }

    private static string Draw(Random random)
    {
        var characters = new char[random.Next(8) == 0 ? random.Next(300) : random.Next(1, 12)];
        for (var at = 0; at < characters.Length; at++)
        {
            characters[at] = random.Next(12) switch
            {
                0 => (char)random.Next(0x10000),
                1 => (char)random.Next(0xD800, 0xE000),
                2 => "/.\0"[random.Next(3)],
                3 => (char)random.Next(0x80, 0x900),
                _ => (char)random.Next(0x20, 0x7F),
            };
            if (random.Next(30) == 0 && at + 1 < characters.Length)
            {
                (characters[at], characters[at + 1]) = ((char)random.Next(0xD800, 0xDC00), (char)random.Next(0xDC00, 0xE000));
                at++;
            }
        }

        return new(characters);
    }

    private static byte[] DrawBytes(Random random)
    {
        var bytes = new byte[random.Next(1, 200)];
        random.NextBytes(bytes);
        return Array.ConvertAll(bytes, value => value is 0 or (byte)'/' ? (byte)'-' : value);
    }

    private static string Escaped(string name) => $"\"{string.Concat(name.Select(character => character is > ' ' and < '\x7F' ? $"{character}" : $"\\u{(int)character:X4}"))}\"";
}

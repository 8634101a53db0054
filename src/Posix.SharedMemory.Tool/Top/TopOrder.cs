namespace Posix.SharedMemory.Tool;

/// <summary>An order of the live view: largest first, names from a to z.</summary>
/// <param name="Key">The key that chooses it.</param>
/// <param name="Word">Its name, for the option and the help.</param>
/// <param name="Column">The column heading that it marks.</param>
/// <param name="Compare">What comes first.</param>
internal sealed record TopOrder(char Key, string Word, string Column, Comparison<TopRow> Compare)
{
    internal static readonly IReadOnlyList<TopOrder> All =
    [
        new('a', "allocated", "ALLOCATED", (one, other) => other.Entry.AllocatedBytes.CompareTo(one.Entry.AllocatedBytes)),
        new('l', "length", "LENGTH", (one, other) => other.Entry.Length.CompareTo(one.Entry.Length)),
        new('h', "holders", "HOLDERS", (one, other) => (other.Holders.Known ?? 0).CompareTo(one.Holders.Known ?? 0)),
        new('t', "age", "MODIFIED", (one, other) => one.Entry.LastWriteTime.CompareTo(other.Entry.LastWriteTime)),
        new('m', "rate", "MSG/S", (one, other) => (other.Rate ?? -1).CompareTo(one.Rate ?? -1)),
        new('n', "name", "NAME", (_, _) => 0),
    ];

    internal static TopOrder Of(string word) => All.First(order => order.Word == word);

    internal void Sort(List<TopRow> rows, bool isReverse)
    {
        rows.Sort((one, other) => Compare(one, other) is var difference and not 0 ? difference : string.CompareOrdinal(one.Name, other.Name));
        if (isReverse)
        {
            rows.Reverse();
        }
    }
}

using System.Globalization;

namespace Posix.SharedMemory.Testing;

/// <summary>Huge pages of 2 MiB, added to the machine's pool until disposed.</summary>
public sealed class HugePagePool : IDisposable
{
    private const string Setting = "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages";

    private readonly int _added;

    private HugePagePool(int added) => _added = added;

    /// <summary>Adds pages.</summary>
    /// <param name="obstacle">Why that cannot be done here.</param>
    public static HugePagePool? TryAdd(int pages, out string? obstacle)
    {
        try
        {
            var before = Count;
            Set(before + pages);
            if (Count == before + pages)
            {
                obstacle = null;
                return new(pages);
            }

            Set(before);
            obstacle = "The machine has no memory left for huge pages.";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            obstacle = $"This user cannot add huge pages: {e.Message}";
        }

        return null;
    }

    /// <summary>Gets how many of the pool's pages nobody has.</summary>
    public static int Free => int.Parse(File.ReadAllText("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages"), CultureInfo.InvariantCulture);

    /// <inheritdoc/>
    public void Dispose() => Set(Count - _added);

    private static int Count => int.Parse(File.ReadAllText(Setting), CultureInfo.InvariantCulture);

    private static void Set(int pages) => File.WriteAllText(Setting, pages.ToString(CultureInfo.InvariantCulture));
}

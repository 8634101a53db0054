namespace Posix.SharedMemory;

/// <summary>The size of an anonymous object's pages (<c>MFD_HUGETLB</c>). The value is the binary logarithm of the size.</summary>
/// <remarks>
/// Huge pages come from a pool that the administrator sets up: <c>/sys/kernel/mm/hugepages</c>. The available sizes depend on the processor.
/// <see href="https://man7.org/linux/man-pages/man2/memfd_create.2.html">memfd_create(2)</see>
/// </remarks>
public enum HugePageSize
{
    /// <summary>Ordinary pages.</summary>
    None = 0,

    /// <summary>Huge pages of the machine's default size (Linux only).</summary>
    Default = 1,

    /// <summary>64 KiB.</summary>
    Size64KiB = 16,

    /// <summary>512 KiB.</summary>
    Size512KiB = 19,

    /// <summary>1 MiB.</summary>
    Size1MiB = 20,

    /// <summary>2 MiB.</summary>
    Size2MiB = 21,

    /// <summary>8 MiB.</summary>
    Size8MiB = 23,

    /// <summary>16 MiB.</summary>
    Size16MiB = 24,

    /// <summary>32 MiB.</summary>
    Size32MiB = 25,

    /// <summary>256 MiB.</summary>
    Size256MiB = 28,

    /// <summary>512 MiB.</summary>
    Size512MiB = 29,

    /// <summary>1 GiB.</summary>
    Size1GiB = 30,

    /// <summary>2 GiB.</summary>
    Size2GiB = 31,

    /// <summary>16 GiB.</summary>
    Size16GiB = 34,
}

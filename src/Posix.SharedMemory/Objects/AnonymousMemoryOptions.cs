using System.Text;

namespace Posix.SharedMemory;

/// <summary>How an anonymous object is created.</summary>
/// <remarks><see href="https://man7.org/linux/man-pages/man2/memfd_create.2.html">memfd_create(2)</see></remarks>
public sealed record AnonymousMemoryOptions
{
    internal static readonly AnonymousMemoryOptions Default = new();

    private static readonly UTF8Encoding s_strictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>
    /// Gets the name that <c>/proc/PID/maps</c> and <c>/proc/PID/fd</c> show, as <c>memfd:NAME</c>: at most 249 bytes of UTF-8. Several objects may
    /// have the same name, and nothing can be opened by it. macOS does not show it.
    /// </summary>
    public string DebugName { get; init; } = "shared-memory";

    /// <summary>Gets whether seals can be added. True by default; it has no effect on systems without seals.</summary>
    public bool AllowSealing { get; init; } = true;

    /// <summary>
    /// Gets whether code in the memory may be executed (<c>MFD_EXEC</c>). By default it may not: the execute permissions are cleared and sealed
    /// (<c>MFD_NOEXEC_SEAL</c>, Linux 6.3; on earlier kernels they are only cleared).
    /// </summary>
    public bool Executable { get; init; }

    /// <summary>Gets the page size: ordinary pages by default. With huge pages, lengths must be multiples of their size.</summary>
    public HugePageSize HugePages { get; init; }

    /// <summary>
    /// Gets when the memory is allocated. The default, <see cref="Backing.Reserved"/>, allocates it immediately, and fails if that is
    /// more than the machine, or this process's control group, has available.
    /// </summary>
    public Backing Backing { get; init; } = Backing.Reserved;

    /// <summary>Gets whether an estimate of the free memory may refuse a reservation, also when this object grows. The default is <see cref="MemoryCheck.Estimate"/>.</summary>
    public MemoryCheck MemoryCheck { get; init; } = MemoryCheck.Estimate;

    /// <summary>Checks the caller's options, or returns the default ones.</summary>
    internal static AnonymousMemoryOptions Check(AnonymousMemoryOptions? options)
    {
        if (options is null)
        {
            return Default;
        }

        Arguments.Check(options.Backing, nameof(options));
        Arguments.Check(options.MemoryCheck, nameof(options));
        Arguments.Check(options.HugePages, nameof(options));
        CheckDebugName(options);
        return options;
    }

    internal AnonymousRequest ToRequest() => new() { DebugName = DebugName, AllowSealing = AllowSealing, Executable = Executable, HugePages = HugePages };

    private static void CheckDebugName(AnonymousMemoryOptions options)
    {
        var name = options.DebugName;
        if (name is null)
        {
            throw new ArgumentException("The debug name is null; it may be empty.", nameof(options));
        }

        if (name.Contains('\0', StringComparison.Ordinal))
        {
            throw new ArgumentException("The debug name contains a NUL.", nameof(options));
        }

        // Half a surrogate pair is an ArgumentException of the encoding's own.
        var bytes = s_strictUtf8.GetByteCount(name);
        if (bytes > AnonymousRequest.MaxDebugNameBytes)
        {
            throw new ArgumentException($"A debug name has {bytes} bytes, where {AnonymousRequest.MaxDebugNameBytes} are allowed.", nameof(options));
        }
    }
}

namespace Posix.SharedMemory;

/// <summary>A system error number, with the name POSIX gives it and the value this system gives it.</summary>
/// <remarks>
/// The same name has different numbers on Linux, macOS and FreeBSD: compare with the names, not with numbers.
/// <see href="https://man7.org/linux/man-pages/man3/errno.3.html">errno(3)</see>
/// </remarks>
/// <param name="Number">The number as this system's headers define it; 0 is success.</param>
public readonly partial record struct Errno(int Number)
{
    /// <summary>Gets whether this is no error at all.</summary>
    public bool IsSuccess => Number == 0;

    /// <summary>The number as this system's headers define it.</summary>
    public static explicit operator int(Errno errno) => errno.Number;

    /// <summary>The error that has this number on this system.</summary>
    public static explicit operator Errno(int number) => new(number);

    /// <summary>The error's POSIX name, such as <c>ENOENT</c>; its number where the name is not known.</summary>
    public override string ToString()
    {
        foreach (var (errno, name) in Names())
        {
            if (errno == this)
            {
                return name;
            }
        }

        return Number == 0 ? "0" : $"errno {Number}";
    }
}

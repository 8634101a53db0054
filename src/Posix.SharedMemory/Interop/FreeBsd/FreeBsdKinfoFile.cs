namespace Posix.SharedMemory.Interop;

/// <summary>
/// <c>struct kinfo_file</c> of 64-bit FreeBSD: where its fields lie. In a list the records follow one another, each cut off
/// behind its path and <c>kf_structsize</c> bytes long.
/// </summary>
internal static class FreeBsdKinfoFile
{
    internal const int kf_structsize = 0, kf_type = 4, kf_path = 368;

    /// <summary>The bytes of a whole record: <c>KINFO_FILE_SIZE</c>, of which the path has <c>PATH_MAX</c>.</summary>
    internal const int Size = 1392;
}

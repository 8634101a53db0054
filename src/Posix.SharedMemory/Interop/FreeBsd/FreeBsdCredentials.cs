namespace Posix.SharedMemory.Interop;

/// <summary><c>struct xucred</c> of 64-bit FreeBSD 13 and later: where its fields lie. The first group is the effective one.</summary>
internal static class FreeBsdCredentials
{
    internal const int cr_version = 0, cr_uid = 4, cr_ngroups = 8, cr_groups = 12, cr_pid = 80;

    /// <summary>The bytes of the record: it has room for 16 groups.</summary>
    internal const int Size = 88;
}

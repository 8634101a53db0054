using Posix.SharedMemory.Inspection;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;

namespace Posix.SharedMemory;

/// <summary>A system without POSIX shared memory: the library loads there, and using it says what to use instead.</summary>
internal sealed class UnsupportedPlatform : Platform
{
    internal override int ProcessId => Environment.ProcessId;

    internal override bool HasUnpublishedObjects => true;

    internal override string PublishCall => "linkat";

    internal override Errno Open(in ObjectName name, FileMode mode, FileAccess access, UnixFileMode permissions, out SafeFileHandle? handle) => throw Unsupported();

    internal override Errno CreateUnpublished(out SafeFileHandle? handle, out ObjectName temporary) => throw Unsupported();

    internal override Errno Publish(in OpenObject target, in ObjectName temporary, in ObjectName name, RenameMode mode) => throw Unsupported();

    internal override SafeFileHandle CreateAnonymous(AnonymousRequest request, out long pageSize) => throw Unsupported();

    internal override Errno Unlink(in ObjectName name) => throw Unsupported();

    internal override Errno Rename(in ObjectName from, in ObjectName to, RenameMode mode) => throw Unsupported();

    internal override Errno SetPermissions(in ObjectName name, ObjectIdentity identity, UnixFileMode permissions) => throw Unsupported();

    internal override SharedMemoryStatus? Find(in ObjectName name) => throw Unsupported();

    internal override IEnumerable<ObjectName> ListNames() => throw Unsupported();

    internal override MemoryLimit? GetMemoryLimit() => throw Unsupported();

    internal override SharedMemoryUsage GetUsage() => throw Unsupported();

    internal override DirectoryWatch WatchDirectory() => throw Unsupported();

    internal override SharedMemoryHolderIndex IndexHolders(ObjectIdentity? only) => throw Unsupported();

    internal override IEnumerable<UnnamedMemory> ListUnnamed() => throw Unsupported();

    internal override Errno OpenDescriptor(int processId, int descriptor, FileAccess access, out SafeFileHandle? handle) => throw Unsupported();

    internal override Errno OpenFile(in FilePath path, out SafeFileHandle? handle) => throw Unsupported();

    internal override Errno CreateFile(in FilePath path, out SafeFileHandle? handle, out FilePath? temporary) => throw Unsupported();

    internal override Errno PlaceFile(in OpenObject target, FilePath? temporary, in FilePath path) => throw Unsupported();

    internal override Errno RemoveFile(in FilePath path) => throw Unsupported();

    internal override Errno FindFile(in FilePath path, out ObjectIdentity identity) => throw Unsupported();

    internal override FileAccess? Examine(in OpenObject target, out long pageSize) => throw Unsupported();

    internal override long GetPageSize(in OpenObject target) => throw Unsupported();

    internal override long GetLength(in OpenObject target) => throw Unsupported();

    internal override SharedMemoryStatus GetStatus(in OpenObject target) => throw Unsupported();

    internal override void SetPermissions(in OpenObject target, UnixFileMode permissions) => throw Unsupported();

    internal override void SetLength(in OpenObject target, long length) => throw Unsupported();

    internal override void SetInitialLength(in OpenObject target, long length, Backing backing) => throw Unsupported();

    internal override void Resize(in OpenObject target, long length, Backing backing, Action<long>? shrink) => throw Unsupported();

    internal override void Reserve(in OpenObject target, ByteRange range) => throw Unsupported();

    internal override void Discard(in OpenObject target, ByteRange range) => throw Unsupported();

    internal override IReadOnlyList<ByteRange> GetAllocatedRanges(in OpenObject target) => throw Unsupported();

    internal override IReadOnlyList<PageRun> GetPageStates(in OpenObject target) => throw Unsupported();

    internal override IReadOnlyList<ByteRange>? FindHugePages(in OpenObject target) => throw Unsupported();

    internal override int Read(in OpenObject target, Span<byte> destination, long offset) => throw Unsupported();

    internal override void Write(in OpenObject target, ReadOnlySpan<byte> source, long offset) => throw Unsupported();

    internal override Errno Receive(in OpenObject target, SafeFileHandle source, ByteRange range, out long received) => throw Unsupported();

    internal override Errno Send(in OpenObject target, SafeHandle destination, ByteRange range, out long sent) => throw Unsupported();

    internal override Errno WriteTo(SafeHandle destination, ReadOnlySpan<byte> source, out int written) => throw Unsupported();

    internal override void CheckFileSizeLimit(in OpenObject target, SafeHandle destination, long length) => throw Unsupported();

    internal override void WaitUntilWritable(SafeHandle destination) => throw Unsupported();

    internal override Errno SendMessage(SafeHandle socket, ReadOnlySpan<byte> data, ReadOnlySpan<int> descriptors, out int sent) => throw Unsupported();

    internal override Errno ReceiveMessage(SafeHandle socket, Span<byte> buffer, Span<int> descriptors, out ReceivedMessage message) => throw Unsupported();

    internal override void Close(int descriptor) => throw Unsupported();

    internal override Errno GetPeerCredentials(SafeHandle socket, out PeerCredentials credentials) => throw Unsupported();

    internal override Errno GetInheritable(SafeHandle handle, out bool inheritable) => throw Unsupported();

    internal override Errno SetInheritable(SafeHandle handle, bool inheritable) => throw Unsupported();

    internal override void OpenPipe(out SafeFileHandle reader, out SafeFileHandle writer) => throw Unsupported();

    internal override Errno ReadFrom(SafeFileHandle source, Span<byte> destination, out int read) => throw Unsupported();

    internal override Errno Poll(Span<PollDescriptor> descriptors, int milliseconds) => throw Unsupported();

    internal override Errno GetSeals(in OpenObject target, out MemorySeals seals) => throw Unsupported();

    internal override Errno AddSeals(in OpenObject target, MemorySeals seals) => throw Unsupported();

    internal override MembershipState QueryMembership(in OpenObject target) => throw Unsupported();

    internal override Errno TakeMembership(in OpenObject target, bool exclusive) => throw Unsupported();

    internal override void DropMembership(in OpenObject target) => throw Unsupported();

    internal override bool? IsHeldByOthers(in OpenObject target) => throw Unsupported();

    internal override SafeMappingHandle Map(in OpenObject target, MappingRequest request) => throw Unsupported();

    internal override void MapMore(in OpenObject target, SafeMappingHandle range, MappingRequest shown, long length) => throw Unsupported();

    internal override bool TryCopyFrom(nint address, Span<byte> destination) => throw Unsupported();

    internal override bool TryCopyTo(nint address, ReadOnlySpan<byte> source) => throw Unsupported();

    internal override Errno Flush(nint address, nuint length) => throw Unsupported();

    internal override Errno Advise(nint address, nuint length, MemoryAdvice advice) => throw Unsupported();

    internal override Errno Populate(nint address, nuint length, bool writable) => throw Unsupported();

    internal override Errno Collapse(nint address, nuint length) => throw Unsupported();

    internal override Errno Pin(nint address, nuint length, bool pinned) => throw Unsupported();

    internal override Errno Protect(nint address, nuint length, FileAccess access) => throw Unsupported();

    private static PlatformNotSupportedException Unsupported() => new(
        OperatingSystem.IsWindows()
            ? "POSIX shared memory does not exist on Windows. Use System.IO.MemoryMappedFiles: MemoryMappedFile.CreateOrOpen(name, capacity)."
            : "POSIX shared memory is known here on Linux (x64, arm64, riscv64, loongarch64), macOS and FreeBSD. Elsewhere use System.IO.MemoryMappedFiles with a file.");
}

using Posix.SharedMemory.Inspection;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;

namespace Posix.SharedMemory;

/// <summary>What an operating system can do with shared memory. Interrupted calls and error numbers end here.</summary>
/// <remarks>
/// A verb throws <see cref="SharedMemoryException"/>, except where its callers expect some errors in the ordinary
/// course: those return the <see cref="Errno"/>.
/// </remarks>
internal abstract class Platform
{
    private static readonly Platform s_native = Choose();

    [ThreadStatic]
    private static Platform? t_substitute;

    /// <summary>Gets the system this process runs on; in a test, what the test put in its place on this thread.</summary>
    internal static Platform Current => t_substitute ?? s_native;

    /// <summary>Gets this process's number; unlike the runtime's it is right in a forked child too.</summary>
    internal abstract int ProcessId { get; }

    /// <summary>Gets whether an object can be made without a name and get one later.</summary>
    internal abstract bool HasUnpublishedObjects { get; }

    /// <summary>Gets the call by which <see cref="Publish"/> gives a name, for messages.</summary>
    internal abstract string PublishCall { get; }

    // ---- Names -----------------------------------------------------------------------------------------------------

    /// <summary>Opens or creates a named object: <c>shm_open</c>. What is not a shared memory object is <see cref="Errno.EINVAL"/> or <see cref="Errno.ELOOP"/>.</summary>
    internal abstract Errno Open(in ObjectName name, FileMode mode, FileAccess access, UnixFileMode permissions, out SafeFileHandle? handle);

    /// <summary>Makes an object that no opener can find, for its owner only.</summary>
    /// <param name="temporary">The name it has until then, where the system must give it one.</param>
    internal abstract Errno CreateUnpublished(out SafeFileHandle? handle, out ObjectName temporary);

    /// <summary>Gives an unpublished object its name: <see cref="RenameMode.NoReplace"/> or <see cref="RenameMode.Replace"/>.</summary>
    internal abstract Errno Publish(in OpenObject target, in ObjectName temporary, in ObjectName name, RenameMode mode);

    /// <summary>Makes an object that never has a name: <c>memfd_create</c>.</summary>
    /// <param name="pageSize">Of the pages it is made of.</param>
    internal abstract SafeFileHandle CreateAnonymous(AnonymousRequest request, out long pageSize);

    /// <summary>Removes a name: <c>shm_unlink</c>.</summary>
    internal abstract Errno Unlink(in ObjectName name);

    /// <summary>Moves a name: FreeBSD's <c>shm_rename</c>, or what behaves like it.</summary>
    internal abstract Errno Rename(in ObjectName from, in ObjectName to, RenameMode mode);

    /// <summary>Sets the permissions of the object that a name means, if it is still the one that was seen, without opening it where the system lets that be done.</summary>
    internal abstract Errno SetPermissions(in ObjectName name, ObjectIdentity identity, UnixFileMode permissions);

    /// <summary>Finds what a name means now; <see langword="null"/> where it means no shared memory object.</summary>
    internal abstract SharedMemoryStatus? Find(in ObjectName name);

    /// <summary>Lists the names there are, unsorted. Some may be gone by the time they are looked at.</summary>
    internal abstract IEnumerable<ObjectName> ListNames();

    internal abstract SharedMemoryUsage GetUsage();

    /// <summary>Tells how much memory the container may take, where it is limited and the system has such limits.</summary>
    internal virtual MemoryLimit? GetMemoryLimit() => null;

    /// <summary>Begins to tell what happens to names.</summary>
    internal abstract DirectoryWatch WatchDirectory();

    /// <summary>Finds who holds the named objects, in one walk through the processes; or who holds just one object, named or not.</summary>
    internal abstract SharedMemoryHolderIndex IndexHolders(ObjectIdentity? only);

    /// <summary>Finds memory that has no name in the directory, by those who hold it.</summary>
    internal abstract IEnumerable<UnnamedMemory> ListUnnamed();

    /// <summary>Opens anew what a descriptor of another process stands for. What is not a regular file is <see cref="Errno.EINVAL"/>.</summary>
    internal abstract Errno OpenDescriptor(int processId, int descriptor, FileAccess access, out SafeFileHandle? handle);

    // ---- Files ------------------------------------------------------------------------------------------------------

    /// <summary>Opens a regular file for reading and writing. Anything else is <see cref="Errno.EINVAL"/>.</summary>
    internal abstract Errno OpenFile(in FilePath path, out SafeFileHandle? handle);

    /// <summary>Makes a new file, for its owner only, that the path does not lead to yet.</summary>
    /// <param name="temporary">The path it has until then, where the system or the file system must give it one.</param>
    internal abstract Errno CreateFile(in FilePath path, out SafeFileHandle? handle, out FilePath? temporary);

    /// <summary>Gives a new file its path, in one step. A file that had the path loses it and keeps its users.</summary>
    internal abstract Errno PlaceFile(in OpenObject target, FilePath? temporary, in FilePath path);

    internal abstract Errno RemoveFile(in FilePath path);

    /// <summary>Finds what a path leads to now, without following a link at its end.</summary>
    internal abstract Errno FindFile(in FilePath path, out ObjectIdentity identity);

    // ---- Objects ---------------------------------------------------------------------------------------------------

    /// <summary>Tells what a descriptor from elsewhere was opened for; <see langword="null"/> where memory cannot be mapped through it.</summary>
    /// <param name="pageSize">Of the pages that the memory is made of.</param>
    internal abstract FileAccess? Examine(in OpenObject target, out long pageSize);

    /// <summary>Tells the size of the pages that a file is made of.</summary>
    internal abstract long GetPageSize(in OpenObject target);

    internal abstract long GetLength(in OpenObject target);

    internal abstract SharedMemoryStatus GetStatus(in OpenObject target);

    /// <summary>Tells the two numbers of the status that are asked for most.</summary>
    internal virtual ObjectExtent GetExtent(in OpenObject target)
    {
        var status = GetStatus(target);
        return new(status.Length, status.AllocatedBytes);
    }

    internal abstract void SetPermissions(in OpenObject target, UnixFileMode permissions);

    /// <summary>Sets the length and no more: <c>ftruncate</c>.</summary>
    internal abstract void SetLength(in OpenObject target, long length);

    /// <summary>Gives a new object, which nobody else can have open yet, its length.</summary>
    internal abstract void SetInitialLength(in OpenObject target, long length, Backing backing);

    /// <summary>
    /// Makes an object longer, in turn with others who do. What is new reads as zero, also where a mapping had stored behind the end.
    /// An object that another process made as long meanwhile stays as it is.
    /// </summary>
    /// <param name="shrink">Makes it shorter, in the same turn, where it is longer than that; <see langword="null"/>: it stays so.</param>
    internal abstract void Resize(in OpenObject target, long length, Backing backing, Action<long>? shrink);

    /// <summary>Reserves the memory of a part.</summary>
    internal abstract void Reserve(in OpenObject target, ByteRange range);

    /// <summary>Looks whether the machine has the memory of a part, and takes none.</summary>
    /// <param name="isUrgent">Whether to look even if there was enough a moment ago.</param>
    /// <returns>What is too short, as the exception to throw; <see langword="null"/> where nothing is.</returns>
    internal virtual SharedMemoryException? FindShortage(in OpenObject target, ByteRange range, bool isUrgent) => null;

    /// <summary>Whether all of a part is known to have memory.</summary>
    internal virtual bool HasMemory(in OpenObject target, ObjectExtent extent, ByteRange range) => extent.AllocatedBytes >= extent.Length;

    /// <summary>Gives a part's pages back; it then reads as zero.</summary>
    internal abstract void Discard(in OpenObject target, ByteRange range);

    internal abstract IReadOnlyList<ByteRange> GetAllocatedRanges(in OpenObject target);

    /// <summary>Tells where the memory of each page is, without bringing any in.</summary>
    internal abstract IReadOnlyList<PageRun> GetPageStates(in OpenObject target);

    /// <summary>Tells which parts processes map in huge pages; <see langword="null"/> where the system does not tell.</summary>
    internal abstract IReadOnlyList<ByteRange>? FindHugePages(in OpenObject target);

    /// <summary>Reads up to the end of the object: <c>pread</c>.</summary>
    internal abstract int Read(in OpenObject target, Span<byte> destination, long offset);

    /// <summary>Writes all of the bytes, which the caller has checked to lie inside the object: <c>pwrite</c>.</summary>
    internal abstract void Write(in OpenObject target, ReadOnlySpan<byte> source, long offset);

    /// <summary>Refuses a copy to a file that would become longer by it than the process may make files: the kernel would end the process.</summary>
    /// <param name="target">What is copied, for messages.</param>
    /// <param name="destination">Where to, at its present position.</param>
    /// <param name="length">How much.</param>
    internal abstract void CheckFileSizeLimit(in OpenObject target, SafeHandle destination, long length);

    /// <summary>Copies to another descriptor inside the kernel, as far as it goes without waiting.</summary>
    /// <returns>Success with the number copied; <see cref="Errno.EAGAIN"/>: the destination is full; <see cref="Errno.EINVAL"/> and others: not by this way.</returns>
    internal abstract Errno Send(in OpenObject target, SafeHandle destination, ByteRange range, out long sent);

    /// <summary>Copies from another descriptor's present position inside the kernel, at most as many bytes as the range has, which the caller has checked to lie inside the object.</summary>
    /// <returns>Success with the number copied, which 0 says nothing about whether there is more; <see cref="Errno.EINVAL"/> and others: not by this way.</returns>
    internal abstract Errno Receive(in OpenObject target, SafeFileHandle source, ByteRange range, out long received);

    /// <summary>Writes to another descriptor, as far as it goes without waiting: <c>write</c>.</summary>
    internal abstract Errno WriteTo(SafeHandle destination, ReadOnlySpan<byte> source, out int written);

    /// <summary>Waits until a descriptor takes bytes: <c>poll</c>.</summary>
    internal abstract void WaitUntilWritable(SafeHandle destination);

    // ---- Passing ---------------------------------------------------------------------------------------------------

    /// <summary>Sends bytes, and descriptors with the first of them, as far as it goes without waiting: <c>sendmsg</c>.</summary>
    /// <returns>Success with the number of bytes sent; <see cref="Errno.EAGAIN"/>: there is no room now.</returns>
    internal abstract Errno SendMessage(SafeHandle socket, ReadOnlySpan<byte> data, ReadOnlySpan<int> descriptors, out int sent);

    /// <summary>Receives bytes, and the descriptors that came with them, without waiting: <c>recvmsg</c>. The descriptors are close-on-exec.</summary>
    /// <returns>Success; <see cref="Errno.EAGAIN"/>: nothing has come.</returns>
    internal abstract Errno ReceiveMessage(SafeHandle socket, Span<byte> buffer, Span<int> descriptors, out ReceivedMessage message);

    /// <summary>Closes a descriptor that no handle has yet.</summary>
    internal abstract void Close(int descriptor);

    /// <summary>Tells who is at the other end. <see cref="Errno.ENOTCONN"/>: nobody that the kernel has noted.</summary>
    internal abstract Errno GetPeerCredentials(SafeHandle socket, out PeerCredentials credentials);

    /// <summary>Tells whether programs that this process starts get a descriptor.</summary>
    internal abstract Errno GetInheritable(SafeHandle handle, out bool inheritable);

    /// <summary>Decides whether programs that this process starts get a descriptor: <c>fcntl(F_SETFD)</c>.</summary>
    internal abstract Errno SetInheritable(SafeHandle handle, bool inheritable);

    /// <summary>Makes a pipe, both ends close-on-exec.</summary>
    internal abstract void OpenPipe(out SafeFileHandle reader, out SafeFileHandle writer);

    /// <summary>Reads what there is from a pipe: <c>read</c>.</summary>
    internal abstract Errno ReadFrom(SafeFileHandle source, Span<byte> destination, out int read);

    /// <summary>Waits until something happens to one of several descriptors: <c>poll</c>.</summary>
    /// <param name="descriptors">What to wait for; then, what happened.</param>
    /// <param name="milliseconds">How long at most; −1 for as long as it takes.</param>
    internal abstract Errno Poll(Span<PollDescriptor> descriptors, int milliseconds);

    // ---- Seals -----------------------------------------------------------------------------------------------------

    /// <summary>Tells what an object is sealed against; nothing where the system has no seals. <see cref="Errno.EINVAL"/>: not memory.</summary>
    internal abstract Errno GetSeals(in OpenObject target, out MemorySeals seals);

    /// <summary>Seals an object, against all that is asked or nothing. A seal that the system would not keep is refused.</summary>
    internal abstract Errno AddSeals(in OpenObject target, MemorySeals seals);

    // ---- The membership of docs/spec/objects/membership.md --------------------------------------------------------------------------

    /// <summary>Tells what others do with an object's membership; <see cref="MembershipState.None"/> where the system has none.</summary>
    internal abstract MembershipState QueryMembership(in OpenObject target);

    /// <summary>Takes a membership, shared or alone. <see cref="Errno.EAGAIN"/>: another's is in the way.</summary>
    internal abstract Errno TakeMembership(in OpenObject target, bool exclusive);

    /// <summary>Gives a membership up.</summary>
    internal abstract void DropMembership(in OpenObject target);

    /// <summary>Asks the kernel whether anybody else has the object open or mapped; <see langword="null"/> where it does not tell.</summary>
    internal abstract bool? IsHeldByOthers(in OpenObject target);

    // ---- Mappings --------------------------------------------------------------------------------------------------

    internal abstract SafeMappingHandle Map(in OpenObject target, MappingRequest request);

    /// <summary>Shows more of an object in address space that <see cref="Map"/> took: from the end of what is shown to <paramref name="length"/>.</summary>
    internal abstract void MapMore(in OpenObject target, SafeMappingHandle range, MappingRequest shown, long length);

    /// <summary>Copies out of mapped memory, and returns false where a page cannot be had: it does not fault.</summary>
    internal abstract bool TryCopyFrom(nint address, Span<byte> destination);

    /// <summary>Copies into mapped memory, and returns false where a page cannot be had: it does not fault.</summary>
    internal abstract bool TryCopyTo(nint address, ReadOnlySpan<byte> source);

    /// <summary>Writes changed pages to the file behind them and waits: <c>msync</c>.</summary>
    internal abstract Errno Flush(nint address, nuint length);

    internal abstract Errno Advise(nint address, nuint length, MemoryAdvice advice);

    /// <summary>Brings pages in, for writing or reading, without changing a byte. <see cref="Errno.EFAULT"/>: one cannot be had.</summary>
    internal abstract Errno Populate(nint address, nuint length, bool writable);

    /// <summary>Puts pages together to huge ones now.</summary>
    internal abstract Errno Collapse(nint address, nuint length);

    /// <summary>Keeps pages in memory, or no longer: <c>mlock</c>, <c>munlock</c>.</summary>
    internal abstract Errno Pin(nint address, nuint length, bool pinned);

    internal abstract Errno Protect(nint address, nuint length, FileAccess access);

    /// <summary>Puts <paramref name="platform"/> in the system's place on this thread until the result is disposed. For tests.</summary>
    internal static Substitution Substitute(Platform platform)
    {
        var previous = t_substitute;
        t_substitute = platform;
        return new(previous);
    }

    /// <summary>Ends a substitution.</summary>
    internal readonly ref struct Substitution(Platform? previous)
    {
        public void Dispose() => t_substitute = previous;
    }

    private static Platform Choose() =>
        OperatingSystem.IsLinux() && Interop.Linux.IsKnownArchitecture ? new LinuxPlatform()
        : OperatingSystem.IsMacOS() ? new MacOSPlatform()
        : OperatingSystem.IsFreeBSD() ? new FreeBsdPlatform()
        : new UnsupportedPlatform();
}

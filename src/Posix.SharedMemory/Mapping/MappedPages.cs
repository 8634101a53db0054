namespace Posix.SharedMemory;

/// <summary>The pages of some mapped bytes, for what systems do by whole pages. It acts once: each act gives the lease on the bytes back.</summary>
internal readonly ref struct MappedPages
{
    private readonly ObjectDescriptor _descriptor;
    private readonly MappingRequest _request;
    private readonly MappingLease _lease;
    private readonly nint _first;
    private readonly long _length;
    private readonly long _offset;

    /// <param name="descriptor">The object that is mapped.</param>
    /// <param name="request">How it is mapped.</param>
    /// <param name="lease">What keeps the bytes mapped.</param>
    /// <param name="first">The address of the first byte.</param>
    /// <param name="length">How many bytes; 0 is none.</param>
    /// <param name="offset">Where in the object the first byte is.</param>
    internal unsafe MappedPages(
        ObjectDescriptor descriptor, in MappingRequest request, MappingLease lease, byte* first, long length, long offset)
    {
        _descriptor = descriptor;
        _request = request;
        _lease = lease;
        // SAFETY: an address is kept; the lease keeps what is there mapped.
        _first = (nint)first;
        _length = length;
        _offset = offset;
    }

    internal void Flush()
    {
        using var lease = _lease;
        var (address, bytes) = Around;
        SystemCalls.Check(_descriptor.Platform.Mapping.Flush(address, bytes), "msync", _descriptor.Name.Text);
    }

    internal void Advise(MemoryAdvice advice)
    {
        using var lease = _lease;
        if (!Enum.IsDefined(advice))
        {
            throw new ArgumentOutOfRangeException(nameof(advice), advice, "The value is not defined by the enumeration.");
        }

        // The contents of private pages go: only of those that lie wholly inside.
        var (address, bytes) = advice == MemoryAdvice.DontNeed && _request.Private ? Inside : Around;
        var error = bytes == 0 ? default : _descriptor.Platform.Mapping.Advise(address, bytes, advice);
        if (error is Errno.EOPNOTSUPP or Errno.EINVAL)
        {
            throw new PlatformNotSupportedException(
                $"This system, or a filter in front of it, does not support the advice {advice} (madvise), or not for these pages (they may be locked in memory). Advice is optional: continue without it.");
        }

        SystemCalls.Check(error, "madvise", _descriptor.Name.Text);
    }

    internal void Prefault()
    {
        using var lease = _lease;
        var (address, bytes) = Around;
        // Reading allocates what is shared memory, at less than half the price of touching it for writing.
        var writable = lease.IsWritable && !IsSharedMemory;
        var operation = writable ? "madvise(MADV_POPULATE_WRITE)" : "madvise(MADV_POPULATE_READ)";
        RefuseShortage(operation);
        var error = bytes == 0 ? default : _descriptor.Platform.Mapping.Populate(address, bytes, writable);
        if (error is Errno.EOPNOTSUPP or Errno.EINVAL)
        {
            error = ReadEachPage() ? default : Errno.EFAULT;
        }

        if (error == Errno.EFAULT && !_descriptor.Handle.IsClosed && _descriptor.Platform.Backing.GetLength(_descriptor.Target) >= _offset + _length)
        {
            // The object has all of the bytes, so it is the memory that is missing.
            throw new SharedMemoryException(Errno.ENOSPC, operation, _descriptor.Name.Text, $"there is not enough memory for all {_length} bytes");
        }

        SystemCalls.Check(error, operation, _descriptor.Name.Text);
    }

    internal bool CollapseToHugePages()
    {
        using var lease = _lease;
        return _length > 0 && _descriptor.Platform.Mapping.Collapse(_first, checked((nuint)_length)).IsSuccess;
    }

    internal void Pin(bool pinned)
    {
        using var lease = _lease;
        var (address, bytes) = Around;
        if (pinned)
        {
            RefuseShortage("mlock");
        }

        if (_descriptor.Platform.Mapping.Pin(address, bytes, pinned) is { IsSuccess: false } error)
        {
            // Without the limit the kernel itself says EPERM.
            throw SystemCalls.FailureOf(
                error, pinned ? "mlock" : "munlock", _descriptor.Name.Text,
                error == Errno.EPERM ? "RLIMIT_MEMLOCK lets this process lock no memory, or a filter in front of the kernel (seccomp) refuses it: raise the limit, or allow the call" : null);
        }
    }

    internal Errno Protect(FileAccess access)
    {
        using var lease = _lease;
        var (address, bytes) = Around;
        return _descriptor.Platform.Mapping.Protect(address, bytes, access);
    }

    /// <summary>Fails before pages get memory that is not there: where a control group has too little, the kernel ends a process and returns no error.</summary>
    private void RefuseShortage(string call)
    {
        SharedMemoryException? shortage = null;
        try
        {
            // What a private mapping copies, and what an object that is disposed lacks, cannot be counted.
            if (_length > 0 && !_request.Private && !_descriptor.Handle.IsClosed)
            {
                shortage = _descriptor.Platform.Backing.FindShortage(_descriptor.Target, new(_offset, _length), isUrgent: false, call);
            }
        }
        catch (ObjectDisposedException)
        {
            // By another thread, meanwhile.
        }

        if (shortage is not null)
        {
            throw shortage;
        }
    }

    private bool IsSharedMemory
    {
        get
        {
            try
            {
                return !_request.Private && !_descriptor.Handle.IsClosed && _descriptor.Platform.Backing.IsOrdinaryMemory(_descriptor.Target);
            }
            catch (ObjectDisposedException)
            {
                // Another thread has disposed the object meanwhile.
                return false;
            }
        }
    }

    /// <summary>The whole pages around the bytes.</summary>
    private (nint Address, nuint Bytes) Around
    {
        get
        {
            var start = _first & ~(nint)(_request.PageSize - 1);
            if (_length == 0)
            {
                return (start, 0);
            }

            // The kernel takes ordinary pages whole by itself, and refuses to take huge ones in part.
            var bytes = (nuint)(_first - start) + checked((nuint)_length);
            return (start, _request.PageSize == MemoryPage.Size ? bytes : (bytes + (nuint)_request.PageSize - 1) & ~(nuint)(_request.PageSize - 1));
        }
    }

    /// <summary>The pages that lie wholly inside the bytes; there may be none.</summary>
    private (nint Address, nuint Bytes) Inside
    {
        get
        {
            var from = MemoryPage.RoundUp(_first);
            var end = _first + _length;
            return ((nint)from, (nuint)Math.Max(0, end - MemoryPage.Inside(end) - from));
        }
    }

    /// <summary>Reads a byte of each page, without faulting.</summary>
    private bool ReadEachPage()
    {
        Span<byte> one = stackalloc byte[1];
        for (var offset = 0L; offset < _length; offset += MemoryPage.Size)
        {
            if (!_descriptor.Platform.Mapping.TryCopyFrom((nint)(_first + offset), one))
            {
                return false;
            }
        }

        // Bytes that start inside a page may end in one page more.
        return _length == 0 || _descriptor.Platform.Mapping.TryCopyFrom((nint)(_first + _length - 1), one);
    }
}

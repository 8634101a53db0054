namespace Posix.SharedMemory.Tests.Model;

// What is done with one open object, and to the array of bytes that stands for it.
internal sealed partial class ModelWalk
{
    private void UseHandle(ModelHandle handle, int choice)
    {
        var (offset, count) = (_random.Next(MostBytes), _random.Next(_random.Next(2) == 0 ? 64 : 6000));
        var inside = offset + count <= handle.Model.Bytes.Length;
        switch (choice)
        {
            case < 50:
                Begin("read", NameOf(handle), offset);
                Read(handle, offset, count);
                break;
            case < 66:
                Begin("write", NameOf(handle), offset);
                var bytes = _buffer.AsSpan(0, count);
                bytes.Fill((byte)_random.Next(256));
                Same(inside, Does<ArgumentOutOfRangeException>(() => handle.Real.Write(_buffer.AsSpan(0, count), offset)));
                if (inside)
                {
                    bytes.CopyTo(handle.Model.Bytes.AsSpan(offset));
                }

                break;
            case < 78:
                UseMapping(handle, offset, count);
                break;
            case < 85:
                SetLength(handle, NextLength());
                break;
            case < 88:
                Begin("discard", NameOf(handle), offset);
                Same(inside, Does<ArgumentOutOfRangeException>(() => handle.Real.Discard(offset, count)));
                if (inside)
                {
                    handle.Model.Bytes.AsSpan(offset, count).Clear();
                }

                break;
            case < 90:
                Begin("reserve", NameOf(handle), offset);
                Same(inside, Does<ArgumentOutOfRangeException>(() => handle.Real.Reserve(offset, count)));
                break;
            default:
                UseSeldom(handle, choice);
                break;
        }
    }

    private void UseSeldom(ModelHandle handle, int choice)
    {
        switch (choice)
        {
            case < 93:
                Begin("length and permissions", NameOf(handle));
                Same(handle.Model.Bytes.Length, handle.Real.Length);
                Same(handle.Model.Permissions, handle.Real.Permissions & Mask);
                handle.Real.Permissions = handle.Model.Permissions = Usable | (UnixFileMode)_random.Next(0x40);
                break;
            case < 96:
                Begin("is unlinked", NameOf(handle));
                Same(!Means(handle), handle.Real.IsUnlinked);
                break;
            case < 98:
                Publish(handle, _random.Next(_names.Length));
                break;
            case 98:
                UnlinkOwn(handle);
                break;
            default:
                Close(handle);
                break;
        }
    }

    private void UnlinkOwn(ModelHandle handle)
    {
        Begin("unlink own", NameOf(handle));
        if (handle.NameIndex is not { } index)
        {
            Same(false, Does<InvalidOperationException>(handle.Real.Unlink));
            return;
        }

        var mine = Means(handle);
        Expect(mine ? default : Errno.ENOENT, handle.Real.Unlink);
        if (mine)
        {
            _namespace.Remove(index);
        }
    }

    private void UseMapping(ModelHandle handle, int offset, int count)
    {
        if (handle.Mapping is null)
        {
            Begin("map", NameOf(handle), offset);
            var fits = offset < handle.Model.Bytes.Length;
            Same(fits, Does<ArgumentOutOfRangeException>(() => handle.Mapping = handle.Real.Map(offset)));
            return;
        }

        // Another handle, or a Truncate, may have cut the object below the mapping: those pages must not be touched.
        var mapping = handle.Mapping;
        var reachable = Math.Min(mapping.Offset + mapping.Length, handle.Model.Bytes.Length) - mapping.Offset;
        var at = reachable > 0 ? _random.Next((int)reachable) : 0;
        count = (int)Math.Min(count, reachable - at);
        if (reachable <= 0 || _random.Next(5) == 0)
        {
            Begin("unmap", NameOf(handle));
            mapping.Dispose();
            handle.Mapping = null;
            return;
        }

        var model = handle.Model.Bytes.AsSpan((int)mapping.Offset + at, count);
        if (_random.Next(2) == 0)
        {
            Begin("map-write", NameOf(handle), (int)mapping.Offset + at);
            mapping.GetSpan(at, count).Fill((byte)_act.Length);
            model.Fill((byte)_act.Length);
        }
        else
        {
            Begin("map-read", NameOf(handle), (int)mapping.Offset + at);
            Same(expected: true, mapping.GetReadOnlySpan(at, count).SequenceEqual(model));
        }
    }

    private void SetLength(ModelHandle handle, int length)
    {
        Begin("set length", NameOf(handle), length);
        var refused = length < handle.Model.Bytes.Length && handle.Mapping is { } mapping && mapping.Offset + mapping.Length > length;
        Same(!refused, Does<InvalidOperationException>(() => handle.Real.SetLength(length, NextBacking())));
        if (!refused)
        {
            handle.Model.SetLength(length);
        }
    }

    private void Publish(ModelHandle handle, int index)
    {
        var mode = _random.Next(2) == 0 ? RenameMode.NoReplace : RenameMode.Replace;
        Begin($"publish {mode}", _names[index]);
        if (handle.NameIndex is not null)
        {
            Same(false, Does<InvalidOperationException>(() => handle.Real.Publish(_names[index], mode)));
            return;
        }

        var error = mode == RenameMode.NoReplace && _namespace.ContainsKey(index) ? Errno.EEXIST : default;
        Expect(error, () => handle.Real.Publish(_names[index], mode));
        if (error.IsSuccess)
        {
            _namespace[index] = handle.Model;
            handle.NameIndex = index;
        }
    }

    private void Read(ModelHandle handle, int offset, int count)
    {
        var expected = offset >= handle.Model.Bytes.Length
            ? default
            : handle.Model.Bytes.AsSpan(offset, Math.Min(count, handle.Model.Bytes.Length - offset));
        var read = handle.Real.Read(_buffer.AsSpan(0, count), offset);
        Same(expected.Length, read);
        Same(expected: true, expected.SequenceEqual(_buffer.AsSpan(0, read)));
    }
}

namespace Posix.SharedMemory.Tests.Model;

/// <summary>What the model knows of one object: bytes, permissions, and how many names lead to it.</summary>
internal sealed class ModelObject(int length, UnixFileMode permissions)
{
    internal byte[] Bytes { get; private set; } = new byte[length];

    internal UnixFileMode Permissions { get; set; } = permissions;

    internal void SetLength(int length)
    {
        var bytes = Bytes;
        Array.Resize(ref bytes, length);
        Bytes = bytes;
    }
}

namespace Posix.SharedMemory.Threading;
/// <summary>x</summary>
public static class SharedWait { }

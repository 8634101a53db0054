namespace Posix.SharedMemory.Interop;

/// <summary><c>struct inotify_event</c>: where its fields lie. Records follow one another, each <c>len</c> bytes longer than <c>Size</c>.</summary>
internal static class LinuxInotifyEvent
{
    internal const int wd = 0, mask = 4, cookie = 8, len = 12, Size = 16;
}

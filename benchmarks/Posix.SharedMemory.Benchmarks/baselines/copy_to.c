// Copies inside the kernel from the start of one descriptor to the position of another. Each function returns 0, or the line
// at which a call failed.
#define _GNU_SOURCE
#include <stddef.h>
#include <stdint.h>
#include <sys/sendfile.h>
#include <unistd.h>

int copy_by_sendfile(int to, int from, int64_t length)
{
    for (off_t at = 0; at < length;) {
        if (sendfile(to, from, &at, (size_t)(length - at)) <= 0) {
            return __LINE__;
        }
    }
    return 0;
}

int copy_by_range(int to, int from, int64_t length)
{
    for (off_t at = 0; at < length;) {
        if (copy_file_range(from, &at, to, NULL, (size_t)(length - at), 0) <= 0) {
            return __LINE__;
        }
    }
    return 0;
}

// In pieces of 128 KiB, as cp takes them.
int copy_by_reading(int to, int from, int64_t length)
{
    static char bytes[128 << 10];
    for (int64_t at = 0; at < length;) {
        ssize_t count = read(from, bytes, sizeof bytes);
        if (count <= 0 || write(to, bytes, (size_t)count) != count) {
            return __LINE__;
        }
        at += count;
    }
    return 0;
}

int copy_by_write(int to, const void *from, int64_t length)
{
    return write(to, from, (size_t)length) == length ? 0 : __LINE__;
}

int rewind_file(int fd)
{
    return lseek(fd, 0, SEEK_SET) == -1 ? __LINE__ : 0;
}

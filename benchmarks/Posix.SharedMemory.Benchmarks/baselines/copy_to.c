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

int rewind_file(int fd)
{
    return lseek(fd, 0, SEEK_SET) == -1 ? __LINE__ : 0;
}

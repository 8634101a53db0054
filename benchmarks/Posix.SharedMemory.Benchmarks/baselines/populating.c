// Maps an object with all its pages, or reads a byte of each, and unmaps it. Returns 0, or the line at which a call failed.
#define _GNU_SOURCE
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

static int map_and_unmap(int fd, int64_t length, int flags, int64_t step)
{
    volatile uint8_t *bytes = mmap(NULL, (size_t)length, PROT_READ | PROT_WRITE, MAP_SHARED | flags, fd, 0);
    if (bytes == MAP_FAILED) {
        return __LINE__;
    }

    for (int64_t at = 0; at < length; at += step) {
        (void)bytes[at];
    }

    return munmap((void *)bytes, (size_t)length) == -1 ? __LINE__ : 0;
}

int map_populated(int fd, int64_t length)
{
    return map_and_unmap(fd, length, MAP_POPULATE, length);
}

int map_and_touch(int fd, int64_t length)
{
    return map_and_unmap(fd, length, 0, 4096);
}

// Touching an object through a fresh mapping, and putting its pages together to huge ones.
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define HUGE_PAGE ((int64_t)2 << 20)

// Maps at a huge boundary, as huge pages take.
static uint8_t *map_aligned(int fd, int64_t length)
{
    uint8_t *space = mmap(0, (size_t)(length + HUGE_PAGE), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (space == MAP_FAILED) {
        return MAP_FAILED;
    }

    uint8_t *start = (uint8_t *)(((uintptr_t)space + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1));
    uint8_t *bytes = mmap(start, (size_t)length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
    munmap(space, (size_t)(start - space));
    munmap(start + length, (size_t)(space + HUGE_PAGE - start));
    return bytes;
}

// The sum of one byte of each page, or -1.
int64_t map_touch_unmap(int fd, int64_t length)
{
    uint8_t *bytes = map_aligned(fd, length);
    if (bytes == MAP_FAILED) {
        return -1;
    }

    int64_t sum = 0;
    for (int64_t at = 0; at < length; at += 4096) {
        sum += ((volatile uint8_t *)bytes)[at];
    }

    return munmap(bytes, (size_t)length) == -1 ? -1 : sum;
}

// 0, or the error.
int collapse(int fd, int64_t length)
{
    uint8_t *bytes = map_aligned(fd, length);
    if (bytes == MAP_FAILED) {
        return errno;
    }

    int error = madvise(bytes, (size_t)length, MADV_COLLAPSE) == -1 ? errno : 0;
    munmap(bytes, (size_t)length);
    return error;
}

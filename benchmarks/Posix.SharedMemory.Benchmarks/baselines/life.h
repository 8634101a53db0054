// What the lives of all kinds of objects have in common.
#pragma once

#define _GNU_SOURCE
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check.h"

static inline int map_touch_unmap(int fd, long length)
{
    volatile uint8_t *bytes = mmap(NULL, (size_t)length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (bytes == MAP_FAILED) {
        return __LINE__;
    }

    bytes[0] = 1;
    CHECK(munmap((void *)bytes, (size_t)length));
    return 0;
}

// What the library asks besides: what there is of the object.
static inline long ask(int fd, unsigned mask)
{
    struct statx status;
    return syscall(SYS_statx, fd, "", AT_EMPTY_PATH, mask, &status);
}

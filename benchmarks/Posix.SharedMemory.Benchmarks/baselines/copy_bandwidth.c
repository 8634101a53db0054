// Copies of one length, repeated: through memory and through the descriptor.
#define _GNU_SOURCE
#include <stdint.h>
#include <string.h>
#include <unistd.h>

void copy(void *to, const void *from, int64_t length, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        memcpy(to, from, (size_t)length);
        // Each copy is made, whatever the next one overwrites.
        __asm__ volatile("" ::: "memory");
    }
}

int write_by_descriptor(int fd, const void *from, int64_t length, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        if (pwrite(fd, from, (size_t)length, 0) != length) {
            return __LINE__;
        }
    }
    return 0;
}

int read_by_descriptor(int fd, void *to, int64_t length, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        if (pread(fd, to, (size_t)length, 0) != length) {
            return __LINE__;
        }
    }
    return 0;
}

// Copies of one length, repeated.
#include <stdint.h>
#include <string.h>

void copy(void *to, const void *from, int64_t length, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        memcpy(to, from, (size_t)length);
        // Each copy is made, whatever the next one overwrites.
        __asm__ volatile("" ::: "memory");
    }
}

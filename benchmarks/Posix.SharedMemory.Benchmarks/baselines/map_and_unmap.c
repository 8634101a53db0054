// Maps an object, touches one byte, unmaps it. Returns 0, or the line at which a call failed.
#include <stdint.h>
#include <sys/mman.h>

int map_and_unmap(int fd, int64_t length)
{
    volatile uint8_t *bytes = mmap(0, (size_t)length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (bytes == MAP_FAILED) {
        return __LINE__;
    }

    bytes[0] = 1;
    return munmap((void *)bytes, (size_t)length) == -1 ? __LINE__ : 0;
}

// What a C program does for the life of an object that never gets a name. Each function returns 0, or the line at which a
// call failed.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CHECK(call) \
    do { \
        if ((call) == -1) { \
            return __LINE__; \
        } \
    } while (0)

static int map_touch_unmap(int fd, long length)
{
    volatile uint8_t *bytes = mmap(NULL, (size_t)length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (bytes == MAP_FAILED) {
        return __LINE__;
    }

    bytes[0] = 1;
    CHECK(munmap((void *)bytes, (size_t)length));
    return 0;
}

int unpublished_life(long length)
{
    int fd = open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    CHECK(fd);
    CHECK(fallocate(fd, 0, 0, length));
    int failed = map_touch_unmap(fd, length);
    CHECK(close(fd));
    return failed;
}

// With the calls that the library makes besides: the limit that would end the process, exact permissions, and the length
// before mapping.
int unpublished_life_same_calls(long length)
{
    struct rlimit limit;
    struct statx status;
    int fd = open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    CHECK(fd);
    CHECK(getrlimit(RLIMIT_FSIZE, &limit));
    CHECK(fallocate(fd, 0, 0, length));
    CHECK(fchmod(fd, 0600));
    CHECK(syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_SIZE, &status));
    int failed = map_touch_unmap(fd, length);
    CHECK(close(fd));
    return failed;
}

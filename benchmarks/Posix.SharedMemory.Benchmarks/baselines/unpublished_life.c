// What a C program does for the life of an object that never gets a name. Each function returns 0, or the line at which a
// call failed.
#include "life.h"

// It has no name: the parameter is there because all lives take one.
int unpublished_life(const char *name, long length)
{
    (void)name;
    int fd = open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    CHECK(fd);
    CHECK(fallocate(fd, 0, 0, length));
    int failed = map_touch_unmap(fd, length);
    CHECK(close(fd));
    return failed;
}

// With the calls that the library makes besides: whether the permissions are exact, and the length before mapping.
int unpublished_life_same_calls(long length)
{
    int fd = open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    CHECK(fd);
    CHECK(fallocate(fd, 0, 0, length));
    CHECK(ask(fd, STATX_MODE));
    CHECK(ask(fd, STATX_SIZE));
    int failed = map_touch_unmap(fd, length);
    CHECK(close(fd));
    return failed;
}

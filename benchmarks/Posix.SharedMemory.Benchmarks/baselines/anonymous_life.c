// What a C program does for the life of an anonymous object. Each function returns 0, or the line at which a call failed.
#include "life.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U
#endif

static int create(void)
{
    return memfd_create("shared-memory", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
}

// It has no name: the parameter is there because all lives take one.
int anonymous_life(const char *name, long length)
{
    (void)name;
    int fd = create();
    CHECK(fd);
    CHECK(fallocate(fd, 0, 0, length));
    int failed = map_touch_unmap(fd, length);
    CHECK(close(fd));
    return failed;
}

// With the calls that the library makes besides: seals and length before mapping.
int anonymous_life_same_calls(long length)
{
    int fd = create();
    CHECK(fd);
    CHECK(fallocate(fd, 0, 0, length));
    CHECK(fcntl(fd, F_GET_SEALS));
    CHECK(ask(fd, STATX_SIZE));
    int failed = map_touch_unmap(fd, length);
    CHECK(close(fd));
    return failed;
}

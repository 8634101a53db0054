// Puts a new object into the place of one that has the name. Returns 0, or the line at which a call failed.
#include "life.h"

#include <stdio.h>

int replace(const char *path, const char *unfinished, long length)
{
    int fd = open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    CHECK(fd);
    CHECK(fallocate(fd, 0, 0, length));
    CHECK(linkat(fd, "", AT_FDCWD, unfinished, AT_EMPTY_PATH));
    CHECK(rename(unfinished, path));
    CHECK(close(fd));
    return 0;
}

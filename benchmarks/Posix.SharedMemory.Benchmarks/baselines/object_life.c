// What a C program does for the same life of a shared memory object, one function per life.
// Each returns 0, or the line at which a call failed. The names are as for open(2) and shm_open(3).
#include "life.h"

#include <sys/vfs.h>

// Complete before it is visible: no name, memory, then the name. A umask may take permissions away.
int create_life(const char *path, long length)
{
    int fd = open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    CHECK(fd);
    CHECK(fallocate(fd, 0, 0, length));
    CHECK(linkat(fd, "", AT_FDCWD, path, AT_EMPTY_PATH));
    int failed = map_touch_unmap(fd, length);
    CHECK(close(fd));
    CHECK(unlink(path));
    return failed;
}

// The classic sequence: visible at once, length and memory follow.
int classic_life(const char *name, long length)
{
    int fd = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
    CHECK(fd);
    int error = posix_fallocate(fd, 0, length);
    if (error != 0) {
        return __LINE__;
    }

    int failed = map_touch_unmap(fd, length);
    CHECK(close(fd));
    CHECK(shm_unlink(name));
    return failed;
}

// The same without memory of its own: it comes page by page when it is touched, and a full tmpfs shows only then.
int truncated_life(const char *name, long length)
{
    int fd = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
    CHECK(fd);
    CHECK(ftruncate(fd, length));
    int failed = map_touch_unmap(fd, length);
    CHECK(close(fd));
    CHECK(shm_unlink(name));
    return failed;
}

// An object that another process made: open, ask for its length, map all of it.
int attach_life(const char *name)
{
    struct stat status;
    int fd = shm_open(name, O_RDWR, 0);
    CHECK(fd);
    CHECK(fstat(fd, &status));
    int failed = map_touch_unmap(fd, status.st_size);
    CHECK(close(fd));
    return failed;
}

// The same four lives with every system call that the library makes, in its order: what is left between these and the
// library is the price of managed code; between these and the lives above, the price of what the library checks besides.

int create_life_same_calls(const char *path, long length)
{
    int fd = open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    CHECK(fd);
    CHECK(fallocate(fd, 0, 0, length));
    CHECK(ask(fd, STATX_MODE));
    CHECK(linkat(fd, "", AT_FDCWD, path, AT_EMPTY_PATH));
    CHECK(ask(fd, STATX_SIZE));
    int failed = map_touch_unmap(fd, length);
    CHECK(close(fd));
    CHECK(unlink(path));
    return failed;
}

int classic_life_same_calls(const char *path, long length)
{
    // Whether another process shortens the object: docs/spec/objects/membership.md.
    struct flock growth = { .l_type = F_WRLCK, .l_start = ((off_t)1 << 62) + 1, .l_len = 1 };
    int fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0600);
    CHECK(fd);
    CHECK(ask(fd, STATX_SIZE));
    CHECK(fallocate(fd, 0, 0, length));
    CHECK(fcntl(fd, F_OFD_GETLK, &growth));
    CHECK(ask(fd, STATX_SIZE));
    int failed = map_touch_unmap(fd, length);
    CHECK(close(fd));
    CHECK(unlink(path));
    return failed;
}

int truncated_life_same_calls(const char *path, long length)
{
    struct flock growth = { .l_type = F_WRLCK, .l_start = ((off_t)1 << 62) + 1, .l_len = 1 };
    struct statfs system;
    int fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0600);
    CHECK(fd);
    CHECK(ask(fd, STATX_SIZE));
    CHECK(fstatfs(fd, &system));
    CHECK(fallocate(fd, 0, length - 1, 1));
    CHECK(fcntl(fd, F_OFD_GETLK, &growth));
    CHECK(ask(fd, STATX_SIZE));
    int failed = map_touch_unmap(fd, length);
    CHECK(close(fd));
    CHECK(unlink(path));
    return failed;
}

int attach_life_same_calls(const char *path, long length)
{
    // Whether the object has members.
    struct flock membership = { .l_type = F_WRLCK, .l_start = (off_t)1 << 62, .l_len = 1 };
    int fd = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    CHECK(fd);
    CHECK(fcntl(fd, F_GET_SEALS));
    CHECK(fcntl(fd, F_OFD_GETLK, &membership));
    CHECK(ask(fd, STATX_SIZE));
    int failed = map_touch_unmap(fd, length);
    CHECK(close(fd));
    return failed;
}

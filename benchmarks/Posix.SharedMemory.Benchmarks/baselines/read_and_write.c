// Copies that cannot fault, of one length, repeated: through the descriptor, and through the mapping with the kernel looking
// at each page. Each function returns 0, or the line at which a call failed.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif

int write_by_descriptor(int fd, const void *from, int64_t length, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        if (pwrite(fd, from, (size_t)length, 0) != length) {
            return __LINE__;
        }
    }
    return 0;
}

// With what the library asks before: the length and what is allocated and, where more than a page is written, the file system and whether some of the
// memory is past the end.
int write_same_calls(int fd, const void *from, int64_t length, int64_t count)
{
    struct statfs system;
    struct statx status;
    struct { uint64_t offset, length; } past = { (uint64_t)(length + 4095) & ~4095UL, 0 };
    uint64_t pages[5];
    for (int64_t i = 0; i < count; i++) {
        if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_SIZE | STATX_BLOCKS, &status) != 0
            || (length > 4096 && fstatfs(fd, &system) != 0) || (length > 4096 && syscall(SYS_cachestat, fd, &past, pages, 0) != 0)
            || pwrite(fd, from, (size_t)length, 0) != length) {
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

int write_by_process(void *mapped, void *from, int64_t length, int64_t count)
{
    struct iovec local = { from, (size_t)length }, remote = { mapped, (size_t)length };
    pid_t self = getpid();
    for (int64_t i = 0; i < count; i++) {
        if (process_vm_writev(self, &local, 1, &remote, 1, 0) != length) {
            return __LINE__;
        }
    }
    return 0;
}

int read_by_process(void *mapped, void *to, int64_t length, int64_t count)
{
    struct iovec local = { to, (size_t)length }, remote = { mapped, (size_t)length };
    pid_t self = getpid();
    for (int64_t i = 0; i < count; i++) {
        if (process_vm_readv(self, &local, 1, &remote, 1, 0) != length) {
            return __LINE__;
        }
    }
    return 0;
}

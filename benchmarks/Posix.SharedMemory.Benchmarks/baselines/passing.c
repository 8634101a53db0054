// What a C program does to pass descriptors: one message sent and received over a socket pair, data found ready.
// Each function returns 0, or the line at which a call failed.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

enum { MOST = 16 };

static int ends[2];

union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(MOST * sizeof(int))];
};

int passing_open(void)
{
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
    return 0;
}

int passing_close(void)
{
    CHECK(close(ends[0]));
    CHECK(close(ends[1]));
    return 0;
}

static int pass(int fd, int count, int *received)
{
    char data[16] = { 0 };
    union control control;
    struct iovec bytes = { data, sizeof data };
    struct msghdr header = { .msg_iov = &bytes, .msg_iovlen = 1 };
    if (count > 0) {
        header.msg_control = &control;
        header.msg_controllen = CMSG_SPACE(count * sizeof(int));
        memset(&control, 0, header.msg_controllen);
        struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(count * sizeof(int));
        for (int i = 0; i < count; i++) {
            memcpy(CMSG_DATA(rights) + i * sizeof(int), &fd, sizeof fd);
        }
    }

    CHECK(sendmsg(ends[0], &header, MSG_NOSIGNAL));
    header.msg_control = &control;
    header.msg_controllen = CMSG_SPACE(MOST * sizeof(int));
    CHECK(recvmsg(ends[1], &header, MSG_CMSG_CLOEXEC));
    if (count > 0) {
        struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
        if (rights == NULL || rights->cmsg_len != CMSG_LEN(count * sizeof(int))) {
            return __LINE__;
        }

        memcpy(received, CMSG_DATA(rights), count * sizeof(int));
    }

    return 0;
}

int pass_and_close(int fd, int count)
{
    int received[MOST];
    int failed = pass(fd, count, received);
    for (int i = 0; i < count && failed == 0; i++) {
        CHECK(close(received[i]));
    }

    return failed;
}

// One object received, looked at, mapped, touched, unmapped and closed.
int pass_and_map(int fd)
{
    int received[MOST];
    struct stat status;
    int failed = pass(fd, 1, received);
    if (failed != 0) {
        return failed;
    }

    CHECK(fstat(received[0], &status));
    volatile uint8_t *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, received[0], 0);
    if (bytes == MAP_FAILED) {
        return __LINE__;
    }

    bytes[0] = 1;
    CHECK(munmap((void *)bytes, (size_t)status.st_size));
    CHECK(close(received[0]));
    return 0;
}

// The C side of 12-c-exchange.cs: cc -O2 -o exchange 12-c-exchange.c; ./exchange SOCKET
// It uses the object message of docs/spec/objects/passing.md: 16 bytes, and one descriptor with the first of them.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define MAGIC "SHMOBJ\0\1"

#define MUST(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "exchange: line %d\n", __LINE__); \
            return 1; \
        } \
    } while (0)

union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
};

static int send_object(int socket, int fd, uint64_t length)
{
    unsigned char message[16];
    memcpy(message, MAGIC, 8);
    for (int i = 0; i < 8; i++) {
        message[8 + i] = (unsigned char)(length >> (8 * i));
    }

    union control control = { 0 };
    struct iovec bytes = { message, sizeof message };
    struct msghdr header = { .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
    struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(rights), &fd, sizeof fd);
    return sendmsg(socket, &header, MSG_NOSIGNAL) == sizeof message;
}

// There is room for more than one descriptor, so that extra ones can be closed; whatever is refused is closed too.
static int receive_object(int socket, uint64_t *length)
{
    enum { ROOM = 4 };
    unsigned char message[16];
    int fds[ROOM], count = 0;
    union { struct cmsghdr header; char bytes[CMSG_SPACE(ROOM * sizeof(int))]; } room;
    struct iovec bytes = { message, sizeof message };
    struct msghdr header = { .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = &room, .msg_controllen = sizeof room };
    ssize_t received = recvmsg(socket, &header, MSG_CMSG_CLOEXEC | MSG_WAITALL);
    for (struct cmsghdr *rights = received < 0 ? NULL : CMSG_FIRSTHDR(&header); rights != NULL; rights = CMSG_NXTHDR(&header, rights)) {
        if (rights->cmsg_level == SOL_SOCKET && rights->cmsg_type == SCM_RIGHTS) {
            count = (int)((rights->cmsg_len - CMSG_LEN(0)) / sizeof(int));
            memcpy(fds, CMSG_DATA(rights), count * sizeof(int));
        }
    }

    if (received == sizeof message && memcmp(message, MAGIC, 8) == 0 && count == 1 && (header.msg_flags & MSG_CTRUNC) == 0) {
        *length = 0;
        for (int i = 0; i < 8; i++) {
            *length |= (uint64_t)message[8 + i] << (8 * i);
        }

        return fds[0];
    }

    while (count > 0) {
        close(fds[--count]);
    }

    return -1;
}

int main(int argc, char **argv)
{
    MUST(argc == 2);
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    MUST(strlen(argv[1]) < sizeof address.sun_path);
    strcpy(address.sun_path, argv[1]);
    int socket_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    MUST(socket_fd != -1 && connect(socket_fd, (struct sockaddr *)&address, sizeof address) == 0);

    // Their object: sealed against shrinking, so that no check is needed while it is read.
    uint64_t length;
    int theirs = receive_object(socket_fd, &length);
    struct stat status;
    MUST(theirs != -1);
    // Only memory has seals. Check them first: once the object cannot shrink, its length stays valid.
    int seals = fcntl(theirs, F_GET_SEALS);
    MUST(seals != -1 && (seals & F_SEAL_SHRINK) != 0);
    MUST(fstat(theirs, &status) == 0 && (uint64_t)status.st_size >= length);
    unsigned char *question = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, theirs, 0);
    MUST(question != MAP_FAILED);

    // Our object: the same bytes backwards, sealed and sent.
    int ours = memfd_create("answer", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    MUST(ours != -1 && ftruncate(ours, (off_t)length) == 0);
    unsigned char *answer = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, ours, 0);
    MUST(answer != MAP_FAILED);
    for (uint64_t i = 0; i < length; i++) {
        answer[i] = question[length - 1 - i];
    }

    question[0] = 'C';
    MUST(munmap(answer, length) == 0 && fcntl(ours, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_WRITE) == 0);
    MUST(send_object(socket_fd, ours, length));
    printf("C:  got %llu bytes and sent them back in memory of its own\n", (unsigned long long)length);
    return 0;
}

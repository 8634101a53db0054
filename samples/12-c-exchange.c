// The C side of 12-c-exchange.cs: cc -O2 -o exchange 12-c-exchange.c; exchange SOCKET
// It speaks the object message of docs/spec/passing.md: 16 bytes, and one descriptor with the first of them.
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

static int receive_object(int socket, uint64_t *length)
{
    unsigned char message[16];
    union control control;
    struct iovec bytes = { message, sizeof message };
    struct msghdr header = { .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
    // A message this short comes whole: the sender sends it in one piece.
    if (recvmsg(socket, &header, MSG_CMSG_CLOEXEC | MSG_WAITALL) != sizeof message || memcmp(message, MAGIC, 8) != 0) {
        return -1;
    }

    struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
    if (rights == NULL || rights->cmsg_type != SCM_RIGHTS || rights->cmsg_len != CMSG_LEN(sizeof(int))) {
        return -1;
    }

    int fd;
    memcpy(&fd, CMSG_DATA(rights), sizeof fd);
    *length = 0;
    for (int i = 0; i < 8; i++) {
        *length |= (uint64_t)message[8 + i] << (8 * i);
    }

    return fd;
}

int main(int argc, char **argv)
{
    MUST(argc == 2);
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    MUST(strlen(argv[1]) < sizeof address.sun_path);
    strcpy(address.sun_path, argv[1]);
    int socket_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    MUST(socket_fd != -1 && connect(socket_fd, (struct sockaddr *)&address, sizeof address) == 0);

    // Theirs: sealed against shrinking, so that no check is needed while it is read.
    uint64_t length;
    int theirs = receive_object(socket_fd, &length);
    struct stat status;
    MUST(theirs != -1 && fstat(theirs, &status) == 0 && (uint64_t)status.st_size >= length);
    MUST((fcntl(theirs, F_GET_SEALS) & F_SEAL_SHRINK) != 0);
    unsigned char *question = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, theirs, 0);
    MUST(question != MAP_FAILED);

    // Ours: the same bytes, backwards, sealed and sent.
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

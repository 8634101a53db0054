// The judge in C: does what a line on its input says with glibc's shm_open and mmap, and prints a line with what came of it.
// "ok ..." tells results; "error N" tells errno. Names are hexadecimal, so that they can hold any byte.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char name[4096];
static int kept = -1;          // the descriptor that "keep" holds
static int member = -1;         // the descriptor that holds a membership, and its object's name
static char member_name[4096];

static const char *decode(const char *hex)
{
    size_t n = 0;
    for (; hex[0] && hex[1] && n + 1 < sizeof name; hex += 2, n++) {
        unsigned byte;
        sscanf(hex, "%2x", &byte);
        name[n] = (char)byte;
    }
    name[n] = 0;
    return name;
}

static void error(void) { printf("error %d\n", errno); }

// The pattern of all judges: a byte tells its place and the seed.
static unsigned char pattern(size_t at, unsigned seed) { return (unsigned char)(seed + at * 31 + (at >> 8) * 7 + (at >> 16) * 13); }

static int flags_of(const char *letters)
{
    int flags = 0;
    for (; *letters; letters++)
        flags |= *letters == 'w' ? O_RDWR : *letters == 'c' ? O_CREAT : *letters == 'x' ? O_EXCL : *letters == 't' ? O_TRUNC : 0;
    return flags;
}

// open UMASK FLAGS MODE NAME: "ok F_GETFL F_GETFD"
static void do_open(char **word)
{
    umask((mode_t)strtoul(word[1], NULL, 8));
    int fd = shm_open(decode(word[4]), flags_of(word[2]), (mode_t)strtoul(word[3], NULL, 8));
    if (fd < 0) { error(); return; }
    printf("ok %d %d\n", fcntl(fd, F_GETFL), fcntl(fd, F_GETFD));
    close(fd);
}

// create NAME SIZE MODE SEED: a new object filled with the pattern
static void do_create(char **word)
{
    umask(0);
    size_t size = strtoull(word[2], NULL, 10);
    int fd = shm_open(decode(word[1]), O_CREAT | O_EXCL | O_RDWR, (mode_t)strtoul(word[3], NULL, 8));
    if (fd < 0 || ftruncate(fd, (off_t)size) < 0) { error(); return; }
    unsigned char *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (bytes == MAP_FAILED) { error(); return; }
    for (size_t i = 0; i < size; i++) bytes[i] = pattern(i, (unsigned)atoi(word[4]));
    munmap(bytes, size);
    close(fd);
    puts("ok");
}

// verify NAME SIZE SEED: whether an object opened for reading has this size and the pattern; "ok" or "differs AT"
static void do_verify(char **word)
{
    size_t size = strtoull(word[2], NULL, 10);
    struct stat status;
    int fd = shm_open(decode(word[1]), O_RDONLY, 0);
    if (fd < 0 || fstat(fd, &status) < 0) { error(); return; }
    if ((size_t)status.st_size != size) { printf("size %lld\n", (long long)status.st_size); close(fd); return; }
    const unsigned char *bytes = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (bytes == MAP_FAILED) { error(); return; }
    size_t at = 0;
    while (at < size && bytes[at] == pattern(at, (unsigned)atoi(word[3]))) at++;
    munmap((void *)bytes, size);
    if (at < size) printf("differs %zu\n", at); else puts("ok");
}

// edit NAME OFFSET VALUE: stores one byte through a mapping
static void do_edit(char **word)
{
    size_t offset = strtoull(word[2], NULL, 10);
    int fd = shm_open(decode(word[1]), O_RDWR, 0);
    if (fd < 0) { error(); return; }
    unsigned char *bytes = mmap(NULL, offset + 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (bytes == MAP_FAILED) { error(); return; }
    bytes[offset] = (unsigned char)atoi(word[3]);
    munmap(bytes, offset + 1);
    puts("ok");
}

// stat NAME: "ok MODE SIZE", the mode octal
static void do_stat(char **word)
{
    struct stat status;
    int fd = shm_open(decode(word[1]), O_RDONLY, 0);
    if (fd < 0 || fstat(fd, &status) < 0) { error(); return; }
    printf("ok %o %lld\n", (unsigned)status.st_mode & 07777, (long long)status.st_size);
    close(fd);
}

static void do_unlink(char **word)
{
    if (shm_unlink(decode(word[1])) < 0) error(); else puts("ok");
}

// keep NAME r|w: holds a descriptor; "ok NUMBER"
static void do_keep(char **word)
{
    kept = shm_open(decode(word[1]), flags_of(word[2]), 0);
    if (kept < 0) error(); else printf("ok %d\n", kept);
}

// map NAME r|w|p LENGTH OFFSET: holds a mapping without a descriptor; "ok ADDRESS"
static void do_map(char **word)
{
    int writes = word[2][0] != 'r';
    int fd = shm_open(decode(word[1]), word[2][0] == 'w' ? O_RDWR : O_RDONLY, 0);
    if (fd < 0) { error(); return; }
    void *address = mmap(NULL, strtoull(word[3], NULL, 10), PROT_READ | (writes ? PROT_WRITE : 0),
                         word[2][0] == 'p' ? MAP_PRIVATE : MAP_SHARED, fd, (off_t)strtoull(word[4], NULL, 10));
    close(fd);
    if (address == MAP_FAILED) error(); else printf("ok %llu\n", (unsigned long long)(uintptr_t)address);
}

// ---- The membership of docs/spec/objects/membership.md ---------------------------------------------------------------------------------

static int lock(int fd, short type, int command, struct flock *seen)
{
    struct flock request = { .l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)1 << 62, .l_len = 1 };
    int result = fcntl(fd, command, &request);
    if (seen) *seen = request;
    return result;
}

// member-create NAME SIZE: the lock comes before the name
static void do_member_create(char **word)
{
    char link[64], path[4096 + 16];
    member = open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (member < 0 || ftruncate(member, atoll(word[2])) < 0 || lock(member, F_RDLCK, F_OFD_SETLK, NULL) < 0) { error(); return; }
    snprintf(link, sizeof link, "/proc/self/fd/%d", member);
    snprintf(path, sizeof path, "/dev/shm/%s", strcpy(member_name, decode(word[1])));
    if (linkat(AT_FDCWD, link, AT_FDCWD, path, AT_SYMLINK_FOLLOW) < 0) error(); else puts("ok");
}

// member-open NAME r|w: "ok follows" where the object has members, "ok none" (and no membership taken) where it has none
static void do_member_open(char **word)
{
    for (;;) {
        struct flock seen;
        struct stat status;
        member = shm_open(strcpy(member_name, decode(word[1])), flags_of(word[2]), 0);
        if (member < 0 || lock(member, F_WRLCK, F_OFD_GETLK, &seen) < 0) { error(); return; }
        if (seen.l_type == F_UNLCK) { puts("ok none"); return; }
        if (seen.l_type == F_RDLCK && lock(member, F_RDLCK, F_OFD_SETLK, NULL) == 0 && fstat(member, &status) == 0 && status.st_nlink > 0) {
            puts("ok follows");
            return;
        }
        close(member);
    }
}

// member-leave: "ok removed" by the last user, "ok others" where there are more
static void do_member_leave(void)
{
    struct stat ours, named;
    int leaving = member, removed = 0;
    fstat(member, &ours);
    if ((fcntl(member, F_GETFL) & O_ACCMODE) == O_RDONLY) {
        leaving = shm_open(member_name, O_RDWR, 0);
        if (leaving >= 0 && fstat(leaving, &named) == 0 && named.st_dev == ours.st_dev && named.st_ino == ours.st_ino)
            lock(member, F_UNLCK, F_OFD_SETLK, NULL);
    }
    int last = leaving >= 0 && lock(leaving, F_WRLCK, F_OFD_SETLK, NULL) == 0;
    if (!last && leaving >= 0) {
        // Two that leave at the same instant see each other's shared locks: without them one of the two is the last.
        lock(leaving, F_UNLCK, F_OFD_SETLK, NULL);
        last = lock(leaving, F_WRLCK, F_OFD_SETLK, NULL) == 0;
    }
    if (last) {
        int fd = shm_open(member_name, O_RDONLY, 0);
        if (fd >= 0 && fstat(fd, &named) == 0 && named.st_dev == ours.st_dev && named.st_ino == ours.st_ino)
            removed = shm_unlink(member_name) == 0;
        if (fd >= 0) close(fd);
    }
    if (leaving != member && leaving >= 0) close(leaving);
    close(member);
    member = -1;
    puts(removed ? "ok removed" : "ok others");
}

// ---- docs/spec/passing.md ---------------------------------------------------------------------------------------------

#define MOST 253
static int connection = -1;

// One message with descriptors.
static ssize_t send_with(const void *data, size_t size, const int *fds, size_t count)
{
    union { struct cmsghdr header; char room[CMSG_SPACE(MOST * sizeof(int))]; } control = { 0 };
    struct iovec bytes = { (void *)data, size };
    struct msghdr message = { .msg_iov = &bytes, .msg_iovlen = 1 };
    if (count > 0) {
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(header), fds, count * sizeof(int));
    }
    return sendmsg(connection, &message, MSG_NOSIGNAL);
}

static ssize_t receive_with(void *data, size_t size, int *fds, size_t *count)
{
    union { struct cmsghdr header; char room[CMSG_SPACE(MOST * sizeof(int))]; } control;
    struct iovec bytes = { data, size };
    struct msghdr message = { .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
    ssize_t received = recvmsg(connection, &message, MSG_CMSG_CLOEXEC);
    *count = 0;
    if (received < 0) return received;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header))
        if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
            *count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            memcpy(fds, CMSG_DATA(header), *count * sizeof(int));
        }
    return received;
}

// connect PATH stream|seqpacket
static void do_connect(char **word)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf(address.sun_path, sizeof address.sun_path, "%s", decode(word[1]));
    connection = socket(AF_UNIX, (word[2][1] == 't' ? SOCK_STREAM : SOCK_SEQPACKET) | SOCK_CLOEXEC, 0);
    if (connection < 0 || connect(connection, (struct sockaddr *)&address, sizeof address) < 0) error(); else puts("ok");
}

// send-fds - SIZE COUNT: pattern bytes, and COUNT descriptors of one memfd
static void do_send_fds(char **word)
{
    unsigned char data[4096];
    int fds[MOST], fd = memfd_create("judge", MFD_CLOEXEC);
    size_t size = strtoull(word[2], NULL, 10), count = strtoull(word[3], NULL, 10);
    for (size_t i = 0; i < size; i++) data[i] = pattern(i, 3);
    for (size_t i = 0; i < count; i++) fds[i] = fd;
    if (fd < 0 || ftruncate(fd, 100) < 0 || send_with(data, size, fds, count) != (ssize_t)size) error(); else puts("ok");
    close(fd);
}

// receive-fds - SIZE COUNT: "ok same|other BYTES COUNT INODE"
static void do_receive_fds(char **word)
{
    unsigned char data[4096];
    int fds[MOST];
    size_t count, same = 0;
    struct stat status = { 0 };
    ssize_t received = receive_with(data, strtoull(word[2], NULL, 10), fds, &count);
    if (received < 0) { error(); return; }
    while ((ssize_t)same < received && data[same] == pattern(same, 3)) same++;
    for (size_t i = 0; i < count; i++) { fstat(fds[i], &status); close(fds[i]); }
    printf("ok %s %zd %zu %llu\n", (ssize_t)same == received ? "same" : "other", received, count, (unsigned long long)status.st_ino);
}

// send-object - SIZE SEED SEALS
static void do_send_object(char **word)
{
    uint64_t size = strtoull(word[2], NULL, 10);
    unsigned char message[16] = "SHMOBJ\0\1";
    int fd = memfd_create("judge", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || ftruncate(fd, (off_t)size) < 0) { error(); return; }
    unsigned char *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (bytes == MAP_FAILED) { error(); return; }
    for (size_t i = 0; i < size; i++) bytes[i] = pattern(i, (unsigned)atoi(word[3]));
    munmap(bytes, size);
    for (int i = 0; i < 8; i++) message[8 + i] = (unsigned char)(size >> (8 * i));
    if (fcntl(fd, F_ADD_SEALS, atoi(word[4])) < 0 || send_with(message, sizeof message, &fd, 1) != sizeof message) error(); else puts("ok");
    close(fd);
}

// receive-object - SEED: "ok same|other SIZE SEALS"
static void do_receive_object(char **word)
{
    unsigned char message[16];
    int fds[MOST];
    size_t count, done = 0;
    uint64_t size = 0;
    struct stat status;
    while (done < sizeof message) {
        int more[MOST];
        size_t came;
        ssize_t received = receive_with(message + done, sizeof message - done, done ? more : fds, done ? &came : &count);
        if (received <= 0) { error(); return; }
        done += (size_t)received;
    }
    if (memcmp(message, "SHMOBJ\0\1", 8) || count != 1) { puts("refused"); return; }
    for (int i = 0; i < 8; i++) size |= (uint64_t)message[8 + i] << (8 * i);
    int seals = fcntl(fds[0], F_GET_SEALS);
    if (fstat(fds[0], &status) < 0 || (uint64_t)status.st_size < size) { puts("shorter"); return; }
    const unsigned char *bytes = mmap(NULL, size, PROT_READ, MAP_SHARED, fds[0], 0);
    close(fds[0]);
    if (bytes == MAP_FAILED) { error(); return; }
    size_t at = 0;
    while (at < size && bytes[at] == pattern(at, (unsigned)atoi(word[2]))) at++;
    munmap((void *)bytes, size);
    printf("ok %s %llu %d\n", at == size ? "same" : "other", (unsigned long long)size, seals);
}

// errno NAME: the number that this system's headers give the name; "ok 0" for a name they do not have
static void do_errno(char **word)
{
    static const struct { const char *name; int number; } known[] = {
#define E(n) { #n, n },
        E(EPERM) E(ENOENT) E(EINTR) E(EIO) E(ENXIO) E(EBADF) E(ECHILD) E(EAGAIN) E(ENOMEM) E(EACCES) E(EFAULT) E(EBUSY) E(EEXIST)
        E(EXDEV) E(ENODEV) E(ENOTDIR) E(EISDIR) E(EINVAL) E(ENFILE) E(EMFILE) E(ENOTTY) E(ETXTBSY) E(EFBIG) E(ENOSPC) E(ESPIPE)
        E(EROFS) E(EMLINK) E(EPIPE) E(ENAMETOOLONG) E(ENOSYS) E(ELOOP) E(EOVERFLOW) E(EOPNOTSUPP) E(EDEADLK) E(ENOLCK) E(ESTALE) E(EDQUOT) E(EADDRINUSE) E(ECONNRESET) E(ETIMEDOUT)
        E(ECONNREFUSED) E(ENOTCONN) E(ENOTSOCK) E(EMSGSIZE) E(ENOBUFS) E(ETOOMANYREFS)
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(known[i].name, word[1])) { printf("ok %d\n", known[i].number); return; }
    puts("ok 0");
}

int main(void)
{
    char line[16384];
    setvbuf(stdout, NULL, _IOLBF, 0);
    while (fgets(line, sizeof line, stdin)) {
        char *word[8] = { "", "", "", "", "", "", "", "" };
        int words = 0;
        for (char *part = strtok(line, " \n"); part && words < 8; part = strtok(NULL, " \n")) word[words++] = part;
        if (!strcmp(word[0], "open")) do_open(word);
        else if (!strcmp(word[0], "create")) do_create(word);
        else if (!strcmp(word[0], "verify")) do_verify(word);
        else if (!strcmp(word[0], "edit")) do_edit(word);
        else if (!strcmp(word[0], "stat")) do_stat(word);
        else if (!strcmp(word[0], "unlink")) do_unlink(word);
        else if (!strcmp(word[0], "keep")) do_keep(word);
        else if (!strcmp(word[0], "map")) do_map(word);
        else if (!strcmp(word[0], "member-create")) do_member_create(word);
        else if (!strcmp(word[0], "member-open")) do_member_open(word);
        else if (!strcmp(word[0], "member-leave")) do_member_leave();
        else if (!strcmp(word[0], "connect")) do_connect(word);
        else if (!strcmp(word[0], "send-fds")) do_send_fds(word);
        else if (!strcmp(word[0], "receive-fds")) do_receive_fds(word);
        else if (!strcmp(word[0], "send-object")) do_send_object(word);
        else if (!strcmp(word[0], "receive-object")) do_receive_object(word);
        else if (!strcmp(word[0], "errno")) do_errno(word);
        else puts("unknown");
    }
    return 0;
}

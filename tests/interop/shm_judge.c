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
#include <sys/stat.h>
#include <unistd.h>

static char name[4096];
static int kept = -1;          // the descriptor that "keep" holds
static int lease = -1;         // the descriptor that takes part in a lease, and its object's name
static char lease_name[4096];

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

// ---- The lease of docs/spec/leases.md ---------------------------------------------------------------------------------

static int lock(int fd, short type, int command, struct flock *seen)
{
    struct flock request = { .l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)1 << 62, .l_len = 1 };
    int result = fcntl(fd, command, &request);
    if (seen) *seen = request;
    return result;
}

// lease-create NAME SIZE: the lock comes before the name
static void do_lease_create(char **word)
{
    char link[64], path[4096 + 16];
    lease = open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (lease < 0 || ftruncate(lease, atoll(word[2])) < 0 || lock(lease, F_RDLCK, F_OFD_SETLK, NULL) < 0) { error(); return; }
    snprintf(link, sizeof link, "/proc/self/fd/%d", lease);
    snprintf(path, sizeof path, "/dev/shm/%s", strcpy(lease_name, decode(word[1])));
    if (linkat(AT_FDCWD, link, AT_FDCWD, path, AT_SYMLINK_FOLLOW) < 0) error(); else puts("ok");
}

// lease-open NAME r|w: "ok follows" where the object has a lease, "ok none" (and no lease taken) where it has none
static void do_lease_open(char **word)
{
    for (;;) {
        struct flock seen;
        struct stat status;
        lease = shm_open(strcpy(lease_name, decode(word[1])), flags_of(word[2]), 0);
        if (lease < 0 || lock(lease, F_WRLCK, F_OFD_GETLK, &seen) < 0) { error(); return; }
        if (seen.l_type == F_UNLCK) { puts("ok none"); return; }
        if (seen.l_type == F_RDLCK && lock(lease, F_RDLCK, F_OFD_SETLK, NULL) == 0 && fstat(lease, &status) == 0 && status.st_nlink > 0) {
            puts("ok follows");
            return;
        }
        close(lease);
    }
}

// lease-leave: "ok removed" by the last user, "ok others" where there are more
static void do_lease_leave(void)
{
    struct stat ours, named;
    int leaving = lease, removed = 0;
    fstat(lease, &ours);
    if ((fcntl(lease, F_GETFL) & O_ACCMODE) == O_RDONLY) {
        leaving = shm_open(lease_name, O_RDWR, 0);
        if (leaving >= 0 && fstat(leaving, &named) == 0 && named.st_dev == ours.st_dev && named.st_ino == ours.st_ino)
            lock(lease, F_UNLCK, F_OFD_SETLK, NULL);
    }
    int last = leaving >= 0 && lock(leaving, F_WRLCK, F_OFD_SETLK, NULL) == 0;
    if (!last && leaving >= 0) {
        // Two that leave at the same instant see each other's shared locks: without them one of the two is the last.
        lock(leaving, F_UNLCK, F_OFD_SETLK, NULL);
        last = lock(leaving, F_WRLCK, F_OFD_SETLK, NULL) == 0;
    }
    if (last) {
        int fd = shm_open(lease_name, O_RDONLY, 0);
        if (fd >= 0 && fstat(fd, &named) == 0 && named.st_dev == ours.st_dev && named.st_ino == ours.st_ino)
            removed = shm_unlink(lease_name) == 0;
        if (fd >= 0) close(fd);
    }
    if (leaving != lease && leaving >= 0) close(leaving);
    close(lease);
    lease = -1;
    puts(removed ? "ok removed" : "ok others");
}

// errno NAME: the number that this system's headers give the name; "ok 0" for a name they do not have
static void do_errno(char **word)
{
    static const struct { const char *name; int number; } known[] = {
#define E(n) { #n, n },
        E(EPERM) E(ENOENT) E(EINTR) E(EIO) E(ENXIO) E(EBADF) E(ECHILD) E(EAGAIN) E(ENOMEM) E(EACCES) E(EFAULT) E(EBUSY) E(EEXIST)
        E(EXDEV) E(ENODEV) E(ENOTDIR) E(EISDIR) E(EINVAL) E(ENFILE) E(EMFILE) E(ENOTTY) E(ETXTBSY) E(EFBIG) E(ENOSPC) E(ESPIPE)
        E(EROFS) E(EMLINK) E(EPIPE) E(ENAMETOOLONG) E(ENOSYS) E(ELOOP) E(EOVERFLOW) E(EOPNOTSUPP) E(ENOTSUP) E(ECONNRESET) E(ETIMEDOUT)
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
        else if (!strcmp(word[0], "lease-create")) do_lease_create(word);
        else if (!strcmp(word[0], "lease-open")) do_lease_open(word);
        else if (!strcmp(word[0], "lease-leave")) do_lease_leave();
        else if (!strcmp(word[0], "errno")) do_errno(word);
        else puts("unknown");
    }
    return 0;
}

// The C side of 14-languages.cs: cc -O2 -o frame 14-languages.c; ./frame FRAME ANSWER   (glibc before 2.34: add -lrt)
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct frame {                  // Fixed widths, explicit offsets: 0 width, 4 height, 8 sum of the pixels, 16 the pixels.
    uint32_t width, height;
    uint64_t sum;
    unsigned char pixels[];
};

_Static_assert(offsetof(struct frame, pixels) == 16, "the layout that all sides agree on");

static struct frame *map(int fd, size_t length)
{
    void *address = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);                  // The mapping stays.
    return address == MAP_FAILED ? NULL : address;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s FRAME ANSWER\n", argv[0]);
        return 2;
    }

    struct stat status;
    int fd = shm_open(argv[1], O_RDWR, 0);
    if (fd == -1 || fstat(fd, &status) == -1) {
        perror(argv[1]);
        return 1;
    }

    // Check what the other program wrote against the object's length: first, whether there is a header at all.
    size_t length = (size_t)status.st_size;
    if (length < sizeof(struct frame)) {
        fprintf(stderr, "%s: %zu bytes are too short for a frame\n", argv[1], length);
        return 1;
    }

    struct frame *frame = map(fd, length);
    if (frame == NULL) {
        perror(argv[1]);
        return 1;
    }

    uint64_t count = (uint64_t)frame->width * frame->height;
    if (count == 0 || count > length - sizeof *frame) {
        fprintf(stderr, "%s: %llu pixels do not fit into its %zu bytes\n", argv[1], (unsigned long long)count, length);
        return 1;
    }

    // A new object: O_EXCL, so that it is ours, with its memory reserved, so that no store is a bus error.
    fd = shm_open(argv[2], O_RDWR | O_CREAT | O_EXCL, 0600);
    if (fd == -1) {
        perror(argv[2]);
        return 1;
    }

    int error = posix_fallocate(fd, 0, status.st_size);     // It returns the error and does not set errno.
    struct frame *answer = error == 0 ? map(fd, length) : NULL;
    if (answer == NULL) {
        fprintf(stderr, "%s: %s\n", argv[2], strerror(error != 0 ? error : errno));
        shm_unlink(argv[2]);    // Do not leave an incomplete answer.
        return 1;
    }

    *answer = *frame;
    frame->sum = 0;
    for (uint64_t i = 0; i < count; i++) {
        frame->sum += frame->pixels[i];
        answer->pixels[i] = (unsigned char)~frame->pixels[i];
    }

    return 0;
}

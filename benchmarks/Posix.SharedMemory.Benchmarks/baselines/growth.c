// The ways in which a C program follows an object that grows. What was there is read again, a byte of each page; what is
// new is written. Each function returns 0, or the line at which a call failed.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096

#define CHECK(call) \
    do { \
        if ((call) == -1) { \
            return __LINE__; \
        } \
    } while (0)

typedef struct {
    uint8_t *bytes;
    int64_t length;
} mapping;

static int object;
static mapping remapped;
static mapping moved;

static int map(mapping *made, int64_t length)
{
    void *bytes = mmap(0, (size_t)length, PROT_READ | PROT_WRITE, MAP_SHARED, object, 0);
    if (bytes == MAP_FAILED) {
        return __LINE__;
    }

    *made = (mapping){ bytes, length };
    return 0;
}

static void read_pages(const mapping *mapped, int64_t end)
{
    for (int64_t at = 0; at < end; at += PAGE) {
        (void)*(volatile uint8_t *)(mapped->bytes + at);
    }
}

static void write_pages(const mapping *mapped, int64_t from)
{
    for (int64_t at = from; at < mapped->length; at += PAGE) {
        *(volatile uint8_t *)(mapped->bytes + at) = 1;
    }
}

int begin(const char *path, int64_t length)
{
    CHECK(object = open(path, O_RDWR | O_CLOEXEC));
    int failed = map(&remapped, length);
    failed = failed != 0 ? failed : map(&moved, length);
    if (failed == 0) {
        read_pages(&remapped, length);
        read_pages(&moved, length);
    }
    return failed;
}

// Takes the object and the mapping that moves back to a shorter length.
int reset(int64_t length)
{
    CHECK(ftruncate(object, length));
    if (moved.length != length) {
        void *bytes = mremap(moved.bytes, (size_t)moved.length, (size_t)length, 0);
        if (bytes == MAP_FAILED) {
            return __LINE__;
        }

        moved = (mapping){ bytes, length };
    }
    return 0;
}

int end(void)
{
    CHECK(munmap(remapped.bytes, (size_t)remapped.length));
    CHECK(munmap(moved.bytes, (size_t)moved.length));
    CHECK(close(object));
    return 0;
}

// The address space is there already: growing is this one call.
int grow(int64_t length)
{
    CHECK(ftruncate(object, length));
    return 0;
}

int grow_reserved(int64_t from, int64_t length)
{
    CHECK(fallocate(object, 0, from, length - from));
    return 0;
}

int grow_and_remap(int64_t from, int64_t length)
{
    CHECK(ftruncate(object, length));
    CHECK(munmap(remapped.bytes, (size_t)remapped.length));
    int failed = map(&remapped, length);
    if (failed == 0) {
        read_pages(&remapped, from);
        write_pages(&remapped, from);
    }
    return failed;
}

int grow_and_move(int64_t from, int64_t length)
{
    CHECK(ftruncate(object, length));
    void *bytes = mremap(moved.bytes, (size_t)moved.length, (size_t)length, MREMAP_MAYMOVE);
    if (bytes == MAP_FAILED) {
        return __LINE__;
    }

    moved = (mapping){ bytes, length };
    write_pages(&moved, from);
    return 0;
}

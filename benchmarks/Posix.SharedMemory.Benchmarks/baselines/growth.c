// The ways in which a C program follows an object that grows. All pages are mapped before; what a way unmaps is read again,
// a byte of each page. Each function returns 0, or the line at which a call failed.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096

#include "check.h"

typedef struct {
    uint8_t *bytes;
    int64_t length;
} mapping;

static int object;
static mapping remapped;
static mapping staying;
static mapping moving;
static void *fence = MAP_FAILED;

static int map(mapping *made, int64_t length, int flags)
{
    void *bytes = mmap(NULL, (size_t)length, PROT_READ | PROT_WRITE, MAP_SHARED | flags, object, 0);
    if (bytes == MAP_FAILED) {
        return __LINE__;
    }

    *made = (mapping){ bytes, length };
    return 0;
}

static int resize(mapping *mapped, int64_t length, int flags)
{
    void *bytes = mremap(mapped->bytes, (size_t)mapped->length, (size_t)length, flags);
    if (bytes == MAP_FAILED) {
        return __LINE__;
    }

    *mapped = (mapping){ bytes, length };
    return 0;
}

// A page behind the mapping that moves: it finds no room there, like one among others. Whatever else is there serves as well.
static void put_fence(void)
{
    if (fence != MAP_FAILED) {
        munmap(fence, PAGE);
    }

    fence = mmap(moving.bytes + moving.length, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
}

int begin(const char *path, int64_t length, int64_t step)
{
    CHECK(object = open(path, O_RDWR | O_CLOEXEC));
    int failed = map(&remapped, length, MAP_POPULATE);
    failed = failed != 0 ? failed : map(&moving, length, MAP_POPULATE);
    failed = failed != 0 ? failed : map(&staying, length + step, MAP_POPULATE);
    failed = failed != 0 ? failed : resize(&staying, length, 0);
    put_fence();
    return failed;
}

// Takes the object and the mappings that follow it back to a shorter length. Their pages stay mapped.
int reset(int64_t length)
{
    CHECK(ftruncate(object, length));
    int failed = staying.length == length ? 0 : resize(&staying, length, 0);
    if (failed == 0 && moving.length != length) {
        failed = resize(&moving, length, 0);
        put_fence();
    }
    return failed;
}

int end(void)
{
    CHECK(munmap(remapped.bytes, (size_t)remapped.length));
    CHECK(munmap(staying.bytes, (size_t)staying.length));
    CHECK(munmap(moving.bytes, (size_t)moving.length));
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
    int failed = map(&remapped, length, 0);
    for (int64_t at = 0; failed == 0 && at < from; at += PAGE) {
        (void)*(volatile uint8_t *)(remapped.bytes + at);
    }
    return failed;
}

int grow_in_place(int64_t length)
{
    CHECK(ftruncate(object, length));
    return resize(&staying, length, MREMAP_MAYMOVE);
}

int grow_and_move(int64_t length)
{
    CHECK(ftruncate(object, length));
    return resize(&moving, length, MREMAP_MAYMOVE);
}

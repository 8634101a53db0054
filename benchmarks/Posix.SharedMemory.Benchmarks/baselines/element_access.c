// Reads and writes elements of 1, 4, 8 and 64 bytes through a pointer, one after another, as a C program would.
// The managed candidates are not vectorised by the JIT, so these are kept scalar too: the loops have one shape.
#ifndef VECTORISED
#pragma GCC optimize("no-tree-vectorize", "no-tree-loop-distribute-patterns")
#endif
#include <stdint.h>

typedef struct {
    int64_t words[8];
} bytes64;

#define READ(name, type) \
    int64_t read_##name(const type *elements, int64_t count) \
    { \
        int64_t sum = 0; \
        for (int64_t i = 0; i < count; i++) { \
            sum ^= elements[i]; \
        } \
        return sum; \
    }

#define WRITE(name, type) \
    void write_##name(type *elements, int64_t count) \
    { \
        for (int64_t i = 0; i < count; i++) { \
            elements[i] = (type)i; \
        } \
    }

READ(1, uint8_t)
READ(4, int32_t)
READ(8, int64_t)
WRITE(1, uint8_t)
WRITE(4, int32_t)
WRITE(8, int64_t)

int64_t read_64(const bytes64 *elements, int64_t count)
{
    int64_t sum = 0;
    for (int64_t i = 0; i < count; i++) {
        const int64_t *w = elements[i].words;
        sum ^= w[0] + w[1] + w[2] + w[3] + w[4] + w[5] + w[6] + w[7];
    }
    return sum;
}

void write_64(bytes64 *elements, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        int64_t *w = elements[i].words;
        w[0] = i;
        w[1] = i + 1;
        w[2] = i + 2;
        w[3] = i + 3;
        w[4] = i + 4;
        w[5] = i + 5;
        w[6] = i + 6;
        w[7] = i + 7;
    }
}

// The natural sum of 64-byte elements. With vector registers gcc makes it slower.
int64_t sum_64(const bytes64 *elements, int64_t count)
{
    int64_t sum = 0;
    for (int64_t i = 0; i < count; i++) {
        const int64_t *w = elements[i].words;
        sum += w[0] + w[1] + w[2] + w[3] + w[4] + w[5] + w[6] + w[7];
    }
    return sum;
}

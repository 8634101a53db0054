// The same loops as the compiler makes them when it may use vector registers, which is what a C programmer gets.
#define VECTORISED
#include "element_access.c"

// The natural sum of 64-byte elements.
int64_t sum_64(const bytes64 *elements, int64_t count)
{
    int64_t sum = 0;
    for (int64_t i = 0; i < count; i++) {
        const int64_t *w = elements[i].words;
        sum += w[0] + w[1] + w[2] + w[3] + w[4] + w[5] + w[6] + w[7];
    }
    return sum;
}

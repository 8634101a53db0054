// What counting a borrower in and out costs at least: two compare-and-swaps, as SafeHandle makes them.
#include <stdint.h>

static int32_t borrowers;

static void add(int32_t change)
{
    int32_t seen = __atomic_load_n(&borrowers, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&borrowers, &seen, seen + change, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
    }
}

void borrow_and_return(int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        add(4);
        add(-4);
    }
}

// C's part of 44-one-lock: adds to a counter that a .NET and a Python program change under the same lock.
#include "psm.h"
#include <fcntl.h>

int main(int argc, char **argv) {
    int file = argc == 3 ? open(argv[1], O_RDWR) : -1;
    unsigned char *memory = mmap(0, 16384, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    struct psm_roster roster;
    uint32_t *mutex = (uint32_t *)(memory + 4096);
    volatile int64_t *counter = (int64_t *)(memory + 8192);
    if (memory == MAP_FAILED || psm_join(&roster, memory, 63) || psm_mutex_at(mutex)) return 1;
    for (int i = atoi(argv[2]); i > 0; i--) {
        if (psm_lock(&roster, mutex) == PSM_OWNER_DIED) psm_consistent(mutex);  // A counter needs no repair.
        *counter += 1;
        psm_unlock(&roster, mutex);
    }
    psm_leave(&roster);
    return 0;
}

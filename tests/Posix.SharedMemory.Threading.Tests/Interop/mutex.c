// A partner that knows the C library's mutex only: mutex FILE OFFSET; then one act for each line, answered by what the call returned.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static pthread_mutex_t *mutex;

static int make(int robust, int shared, int type) {
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, shared);
    pthread_mutexattr_setrobust(&attributes, robust);
    if (type >= 0) pthread_mutexattr_settype(&attributes, type);
    return pthread_mutex_init(mutex, &attributes);
}

static int work(void) {
    long *data = (long *)((char *)mutex + 256);
    puts("working");
    for (;;) {
        int error = pthread_mutex_lock(mutex);
        if (error == EOWNERDEAD) {
            data[1] = data[0];
            data[2]++;
            pthread_mutex_consistent(mutex);
        } else if (error != 0) {
            return error;
        }
        *(volatile long *)&data[0] += 1;
        *(volatile long *)&data[1] += 1;
        pthread_mutex_unlock(mutex);
    }
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    int file = open(argv[1], O_RDWR);
    char *memory = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (memory == MAP_FAILED) return 3;
    mutex = (pthread_mutex_t *)(memory + atol(argv[2]));
    printf("%zu\n", sizeof *mutex);
    char line[64];
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = 0;
        int result = !strcmp(line, "init") ? make(PTHREAD_MUTEX_ROBUST, PTHREAD_PROCESS_SHARED, -1)
            : !strcmp(line, "init normal") ? make(PTHREAD_MUTEX_ROBUST, PTHREAD_PROCESS_SHARED, PTHREAD_MUTEX_NORMAL)
            : !strcmp(line, "init checking") ? make(PTHREAD_MUTEX_ROBUST, PTHREAD_PROCESS_SHARED, PTHREAD_MUTEX_ERRORCHECK)
            : !strcmp(line, "init recursive") ? make(PTHREAD_MUTEX_ROBUST, PTHREAD_PROCESS_SHARED, PTHREAD_MUTEX_RECURSIVE)
            : !strcmp(line, "init stalled") ? make(PTHREAD_MUTEX_STALLED, PTHREAD_PROCESS_SHARED, PTHREAD_MUTEX_NORMAL)
            : !strcmp(line, "lock") ? pthread_mutex_lock(mutex)
            : !strcmp(line, "trylock") ? pthread_mutex_trylock(mutex)
            : !strcmp(line, "consistent") ? pthread_mutex_consistent(mutex)
            : !strcmp(line, "unlock") ? pthread_mutex_unlock(mutex)
            : !strcmp(line, "work") ? work() : -1;
        printf("%d\n", result);
    }
    return 0;
}

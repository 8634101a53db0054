// What C offers beside the locks of Posix.SharedMemory.Threading: a futex mutex that is not robust, pthread's robust mutex and rwlock, sem_t. All in shared memory.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct memory {
    _Atomic uint32_t futex __attribute__((aligned(64)));
    pthread_mutex_t robust __attribute__((aligned(64)));
    pthread_rwlock_t rwlock __attribute__((aligned(64)));
    sem_t semaphore __attribute__((aligned(64)));
    _Atomic int64_t left __attribute__((aligned(64)));
    int64_t entered, counts[2];
    _Atomic int ready;
};
static struct memory *shared;

static int64_t now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000000000ll + t.tv_nsec; }
static long futex(_Atomic uint32_t *word, int operation, uint32_t value) { return syscall(SYS_futex, word, operation, value, 0, 0, 0); }

// 0 free, 1 held, 2 held and somebody sleeps. The spin is that of SharedMutex: 100 looks of 8 pauses, if nobody sleeps.
static void futex_lock(_Atomic uint32_t *word)
{
    uint32_t seen = 0;
    if (atomic_compare_exchange_strong(word, &seen, 1)) return;
    for (int i = 0; i < 100; i++) {
        seen = atomic_load(word);
        if (seen == 0 && atomic_compare_exchange_strong(word, &seen, 1)) return;
        if (seen == 2) break;
        for (int pause = 0; pause < 8; pause++)
#if defined(__x86_64__)
            __builtin_ia32_pause();
#else
            __asm__ volatile("yield");
#endif
    }
    while (atomic_exchange(word, 2) != 0) futex(word, FUTEX_WAIT, 2);
}
static void futex_unlock(_Atomic uint32_t *word) { if (atomic_exchange(word, 0) == 2) futex(word, FUTEX_WAKE, 1); }

static void robust_lock(pthread_mutex_t *mutex) { if (pthread_mutex_lock(mutex) == EOWNERDEAD) pthread_mutex_consistent(mutex); }

void set_up(void)
{
    shared = mmap(0, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) abort();
    pthread_mutexattr_t m; pthread_mutexattr_init(&m); pthread_mutexattr_setpshared(&m, PTHREAD_PROCESS_SHARED); pthread_mutexattr_setrobust(&m, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&shared->robust, &m);
    pthread_rwlockattr_t r; pthread_rwlockattr_init(&r); pthread_rwlockattr_setpshared(&r, PTHREAD_PROCESS_SHARED);
    pthread_rwlock_init(&shared->rwlock, &r);
    sem_init(&shared->semaphore, 1, 1);
}

void futex_pairs(int64_t count) { for (int64_t i = 0; i < count; i++) { futex_lock(&shared->futex); futex_unlock(&shared->futex); } }
void robust_pairs(int64_t count) { for (int64_t i = 0; i < count; i++) { robust_lock(&shared->robust); pthread_mutex_unlock(&shared->robust); } }
void read_pairs(int64_t count) { for (int64_t i = 0; i < count; i++) { pthread_rwlock_rdlock(&shared->rwlock); pthread_rwlock_unlock(&shared->rwlock); } }
void semaphore_pairs(int64_t count) { for (int64_t i = 0; i < count; i++) { sem_wait(&shared->semaphore); sem_post(&shared->semaphore); } }

// Two processes for so many milliseconds: how many pairs both made. Kinds: 0 futex, 1 robust, 2 reading.
int64_t contend(int64_t kind, int64_t milliseconds)
{
    void (*pairs)(int64_t) = kind == 0 ? futex_pairs : kind == 1 ? robust_pairs : read_pairs;
    shared->ready = 0;
    pid_t child = fork();
    int me = child == 0;
    shared->ready++;
    while (shared->ready < 2) ;
    int64_t count = 0;
    for (int64_t end = now() + milliseconds * 1000000; now() < end; count += 100) pairs(100);
    shared->counts[me] = count;
    if (me) _exit(0);
    waitpid(child, 0, 0);
    return shared->counts[0] + shared->counts[1];
}

// From the store that leaves to the entry of a sleeper in another process, nanoseconds. Kinds: 0 futex; 1 robust, whose owner is killed instead.
void hand_over(int64_t kind, int64_t count, int64_t *results)
{
    for (int64_t i = 0; i < count; i++) {
        if (kind == 0) {
            futex_lock(&shared->futex);
            pid_t child = fork();
            if (child == 0) { futex_lock(&shared->futex); shared->entered = now(); futex_unlock(&shared->futex); _exit(0); }
            while (atomic_load(&shared->futex) != 2) usleep(100);
            usleep(300);
            shared->left = now();
            futex_unlock(&shared->futex);
            waitpid(child, 0, 0);
            results[i] = shared->entered - shared->left;
        } else {
            shared->ready = 0;
            pid_t owner = fork();
            if (owner == 0) { robust_lock(&shared->robust); shared->ready = 1; pause(); }
            while (!shared->ready) usleep(50);
            pid_t sleeper = fork();
            if (sleeper == 0) { robust_lock(&shared->robust); shared->entered = now(); pthread_mutex_unlock(&shared->robust); _exit(0); }
            usleep(3000);
            shared->left = now();
            kill(owner, SIGKILL);
            waitpid(sleeper, 0, 0);
            waitpid(owner, 0, 0);
            results[i] = shared->entered - shared->left;
        }
    }
}

// What PosixMutexLayout relies on, asked of the C library that this is built with: prints the line that failed, or the layout.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FUTEX_OWNER_DIED 0x40000000u  // linux/futex.h, which musl-gcc does not find
#define CHECK(condition) do { if (!(condition)) { printf("line %d: %s\n", __LINE__, #condition); return 1; } } while (0)

static union { pthread_mutex_t mutex; uint32_t words[16]; char bytes[64]; } made[3];

static void make(int at) {
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&made[at].mutex, &attributes);
}

static void hand_back(int at, intptr_t *head, long node_at, long word_at) {
    intptr_t *node = (intptr_t *)(made[at].bytes + node_at), *before = (intptr_t *)(node[-1] & ~1);
    head[2] = (intptr_t)node;
    *before = *node;
    if ((*node & ~1) != (intptr_t)head) ((intptr_t *)(*node & ~1))[-1] = node[-1];
    *(volatile uint32_t *)(made[at].bytes + word_at) = FUTEX_OWNER_DIED;
    head[2] = 0;
}

int main(void) {
    intptr_t *head;
    size_t length;
    int kinds = 0, kind_at = 0;
    for (int at = 0; at < 3; at++) make(at);
    for (int at = 0; at < 16; at++) if (made[0].words[at]) { kinds++; kind_at = at * 4; }
    CHECK(kinds == 1 && !memcmp(&made[0], &made[1], 64));
    for (int at = 0; at < 3; at++) CHECK(pthread_mutex_trylock(&made[at].mutex) == 0);
    CHECK(syscall(SYS_get_robust_list, 0, &head, &length) == 0 && head);
    long node_at = (char *)head[0] - made[2].bytes, word_at = node_at + head[1];
    CHECK(node_at >= 8 && node_at <= 56 && word_at >= 0 && word_at <= 60);
    uint32_t thread = (uint32_t)syscall(SYS_gettid);
    for (int at = 0; at < 3; at++) CHECK(*(uint32_t *)(made[at].bytes + word_at) == thread);
    // The one in the middle, then the first on the list, then the last.
    for (int order = 0; order < 3; order++) {
        int at = order == 0 ? 1 : order == 1 ? 2 : 0;
        hand_back(at, head, node_at, word_at);
        CHECK(pthread_mutex_trylock(&made[at].mutex) == EOWNERDEAD);
        CHECK(pthread_mutex_consistent(&made[at].mutex) == 0);
    }
    for (int at = 0; at < 3; at++) CHECK(pthread_mutex_unlock(&made[at].mutex) == 0);
    CHECK((head[0] & ~1) == (intptr_t)head && head[2] == 0);
    for (int at = 0; at < 3; at++) CHECK(pthread_mutex_trylock(&made[at].mutex) == 0 && pthread_mutex_unlock(&made[at].mutex) == 0);
    printf("size %zu kind 0x%x at %d word at %ld node at %ld\n", sizeof(pthread_mutex_t), made[0].words[kind_at / 4], kind_at, word_at, node_at);
    return 0;
}

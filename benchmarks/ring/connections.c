/* What a Unix socket takes, in C: connections pong COUNT: 64 bytes there and back between two processes that sleep, in nanoseconds for each; connections stream COUNT: pieces of 64 KiB one way, in MB/s.
   And what sleeping on a word takes, with the calls that an end of a connection makes: connections fenced COUNT: the sleeper imposes a fence on the other process (membarrier), so that one that notifies passes none;
   connections unfenced COUNT: as fast as two words in shared memory can be where each notification passes a fence of its own. */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
enum { MESSAGE = 64, PIECE = 64 << 10 };
static unsigned char bytes[PIECE];
static int64_t now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000000000ll + t.tv_nsec; }
static void pin(int cpu) { cpu_set_t set; CPU_ZERO(&set); CPU_SET(cpu, &set); sched_setaffinity(0, sizeof set, &set); }
static void get(int s, size_t length) { for (size_t got = 0; got < length;) { ssize_t n = read(s, bytes + got, length - got); if (n <= 0) exit(3); got += (size_t)n; } }
static void put(int s, size_t length) { for (size_t sent = 0; sent < length;) { ssize_t n = write(s, bytes + sent, length - sent); if (n <= 0) exit(4); sent += (size_t)n; } }
struct side { _Alignas(128) _Atomic uint32_t word; _Alignas(128) _Atomic uint64_t index; _Alignas(128) unsigned char message[MESSAGE]; };
static int fences;
static void tell(struct side *s, uint64_t number) {
  memcpy(s->message, bytes, MESSAGE); atomic_store_explicit(&s->index, number, memory_order_release);
  if (!fences) atomic_thread_fence(memory_order_seq_cst);
  uint32_t word = atomic_load(&s->word);
  while (word & 1) if (atomic_compare_exchange_weak(&s->word, &word, (word + 2) & ~1u)) { syscall(SYS_futex, &s->word, FUTEX_WAKE, INT32_MAX, 0, 0, 0); break; }
}
static void hear(struct side *s, uint64_t number) {
  while (atomic_load_explicit(&s->index, memory_order_acquire) < number) {
    uint32_t word = atomic_fetch_or(&s->word, 1) | 1;
    if (fences) syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0);
    if (atomic_load_explicit(&s->index, memory_order_acquire) < number) syscall(SYS_futex, &s->word, FUTEX_WAIT, word, 0, 0, 0);
  }
  memcpy(bytes, s->message, MESSAGE);
}
static int words(long count) {
  struct side *sides = mmap(0, 2 * sizeof *sides, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0); if (sides == MAP_FAILED) return 2;
  pid_t child = fork(); if (fences) syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0);
  if (!child) { pin(1); for (long n = 1; n <= count; n++) { hear(sides, (uint64_t)n); tell(sides + 1, (uint64_t)n); } return 0; }
  pin(0); int64_t start = now();
  for (long n = 1; n <= count; n++) { if (n == count / 10) start = now(); tell(sides, (uint64_t)n); hear(sides + 1, (uint64_t)n); }
  printf("%.1f\n", (double)(now() - start) / (double)(count - count / 10)); waitpid(child, 0, 0); return 0;
}
int main(int argc, char **argv) {
  if (argc < 3) return 9;
  fences = !strcmp(argv[1], "fenced"); if (fences || !strcmp(argv[1], "unfenced")) return words(atol(argv[2]));
  int pair[2], pong = !strcmp(argv[1], "pong"); long count = atol(argv[2]); if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair)) return 1;
  pid_t child = fork();
  if (!child) {
    pin(1); close(pair[0]);
    for (long n = 0; n < count; n++) { get(pair[1], pong ? MESSAGE : PIECE); if (pong) put(pair[1], MESSAGE); }
    put(pair[1], 1); return 0;
  }
  pin(0); close(pair[1]); int64_t start = now();
  for (long n = 0; n < count; n++) { if (n == count / 10) start = now(); put(pair[0], pong ? MESSAGE : PIECE); if (pong) get(pair[0], MESSAGE); }
  get(pair[0], 1); double took = (double)(now() - start), measured = (double)(count - count / 10);
  printf("%.1f\n", pong ? took / measured : measured * PIECE * 1000 / took); waitpid(child, 0, 0); return 0;
}

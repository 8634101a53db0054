/* The same protocol in C: ring FILE LENGTH FILE2 LENGTH2 QUESTION write|read COUNT. The reader prints nanoseconds. */
#define _GNU_SOURCE
#include "../../interop/psm_channel.h"
#include <fcntl.h>
#include <sched.h>
#if defined(__x86_64__)
#define PAUSE() __builtin_ia32_pause()
#else
#define PAUSE() __asm__ volatile("yield")
#endif
static void *map(const char *path, const char *length, uint64_t *size) {
  *size = strtoull(length, 0, 10); int fd = open(path, O_RDWR | O_CLOEXEC); void *m = mmap(0, *size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0); if (m == MAP_FAILED) exit(8);
  return m;
}
static void pin(int cpu) { cpu_set_t set; CPU_ZERO(&set); CPU_SET(cpu, &set); sched_setaffinity(0, sizeof set, &set); }
/* Both ends in one thread: bursts of 256 messages, written and then read. Prints the median of the bursts in picoseconds for each message: written, read, written in batches of 128 with 8 bytes, read. */
static int ascending(const void *a, const void *b) { int64_t x = *(const int64_t *)a, y = *(const int64_t *)b; return x < y ? -1 : x > y; }
static int alone(void *m, uint64_t size) {
  enum { BURSTS = 20000, BURST = 256 };
  static int64_t times[4][BURSTS]; struct psm_end w, r; struct psm_message got; unsigned char bytes[64] = {1}; uint64_t sum = 0;
  if (psm_end_open(&w, m, size, 0, "C") || psm_end_open(&r, m, size, 1, "C")) return 1;
  for (int burst = 0; burst < BURSTS; burst++)
    for (int batched = 0; batched < 2; batched++) {
      int64_t start = psm_now();
      if (!batched) { for (int n = 0; n < BURST; n++) if (psm_try_write(&w, bytes, 64, 0) <= 0) return 2; }
      else for (int from = 0; from < BURST; from += 128) {
        for (int n = 0; n < 128; n++) { void *payload; if (psm_reserve(&w, 8, &payload) <= 0) return 2; memcpy(payload, bytes, 8); psm_commit(&w, 8, 0); }
        psm_publish(&w);
      }
      int64_t written = psm_now();
      for (int n = 0; n < BURST; n++) { if (psm_try_read(&r, &got) <= 0) return 3; sum += *(const unsigned char *)got.bytes; psm_pass(&r, &got); }
      psm_release(&r); int64_t read = psm_now(); times[2 * batched][burst] = written - start; times[2 * batched + 1][burst] = read - written;
    }
  for (int i = 0; i < 4; i++) { qsort(times[i], BURSTS, sizeof times[i][0], ascending); printf("%lld ", (long long)(times[i][BURSTS / 2] * 1000 / BURST)); }
  puts(""); psm_end_close(&w); psm_end_close(&r); return sum == 0;
}
int main(int argc, char **argv) {
  if (argc < 8) return 9;
  int is_reader = !strcmp(argv[6], "read"); pin(is_reader);
  uint64_t size, size2, count = strtoull(argv[7], 0, 10); void *m = map(argv[1], argv[2], &size), *m2 = map(argv[3], argv[4], &size2);
  if (!strcmp(argv[5], "alone")) return alone(m, size);
  struct psm_end e, back; unsigned char bytes[64] = {1}; struct psm_message got = {0}; uint64_t sum = 0; int64_t start = 0;
  if (psm_end_open(&e, m, size, is_reader, "C")) return 1;
  int pong = !strcmp(argv[5], "pong");
  if (pong && psm_end_open(&back, m2, size2, !is_reader, "C")) return 1;
  puts("open"); fflush(stdout); if (!fgets((char[8]){0}, 8, stdin)) return 2;
  if (pong) {
    for (uint64_t n = 0; n < count; n++) {
      if (n == count / 10) start = psm_now();
      if (is_reader) { while (!psm_try_read(&e, &got)) ; sum += *(const unsigned char *)got.bytes; psm_pass(&e, &got); psm_release(&e); while (!psm_try_write(&back, bytes, 64, 0)) ; }
      else { while (!psm_try_write(&e, bytes, 64, 0)) ; while (!psm_try_read(&back, &got)) ; psm_pass(&back, &got); psm_release(&back); }
    }
    count -= count / 10;
  } else if (is_reader) {
    uint64_t read = 0, since = 0; int empty = 0;
    while (read < count) {
      if (psm_try_read(&e, &got) <= 0) { if (since) { psm_release(&e); since = 0; } for (int i = 0; i < 4 << (empty < 2 ? empty++ : 2); i++) PAUSE(); continue; }
      if (!read) start = psm_now();
      empty = 0; sum += *(const unsigned char *)got.bytes; since += got.next - e.own; psm_pass(&e, &got); read++;
      if (since >= e.c.capacity / 4) { psm_release(&e); since = 0; }
    }
    psm_release(&e);
  } else if (!strcmp(argv[5], "batch8")) {
    for (uint64_t n = 0; n < count;) {
      void *payload; uint64_t from = n; int fits = 1;
      while (n < count && n - from < 128 && (fits = psm_reserve(&e, 8, &payload)) > 0) { memcpy(payload, bytes, 8); psm_commit(&e, 8, 0); n++; }
      if (n > from) psm_publish(&e);
      if (!fits) PAUSE();
    }
  } else for (uint64_t n = 0; n < count;) { if (psm_try_write(&e, bytes, 64, 0)) n++; else PAUSE(); }
  if (is_reader) printf("%lld\n", (long long)((psm_now() - start) * 1000 / (int64_t)count));
  fflush(stdout);
  if (!fgets((char[8]){0}, 8, stdin)) return 3;
  psm_end_close(&e); if (pong) psm_end_close(&back);
  return sum == 0 && is_reader;
}

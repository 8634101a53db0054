/* Fan-in, latest value and broadcast in C: kinds FILE LENGTH alone-fanin|alone-latest|alone-broadcast|write|read|cast|hear COUNT. */
#define _GNU_SOURCE
#include "../../interop/psm_broadcast.h"
#include "../../interop/psm_fanin.h"
#include "../../interop/psm_latest.h"
#include <fcntl.h>
enum { BURSTS = 20000, BURST = 128 };
static int64_t times[2][BURSTS];
static int ascending(const void *a, const void *b) { int64_t x = *(const int64_t *)a, y = *(const int64_t *)b; return x < y ? -1 : x > y; }
/* The medians of the bursts, in picoseconds for each message. */
static int report(void) {
  for (int i = 0; i < 2; i++) { qsort(times[i], BURSTS, sizeof times[i][0], ascending); printf("%lld ", (long long)(times[i][BURSTS / 2] * 1000 / BURST)); }
  puts(""); return 0;
}
static int alone_fanin(void *m, uint64_t size) {
  struct psm_fanin_writer w; struct psm_fanin_reader r; struct psm_message got; unsigned char bytes[64] = {1}; uint64_t sum = 0;
  if (psm_fanin_writer_open(&w, m, size, "C") || psm_fanin_reader_open(&r, m, size, "C")) return 1;
  for (int burst = 0; burst < BURSTS; burst++) {
    int64_t start = psm_now(); for (int n = 0; n < BURST; n++) if (psm_fanin_try_write(&w, bytes, 64, 0) <= 0) return 2;
    int64_t written = psm_now(); for (int n = 0; n < BURST; n++) { if (psm_fanin_try_read(&r, &got) <= 0) return 3; sum += *(const unsigned char *)got.bytes; psm_fanin_pass(&r, &got); }
    psm_fanin_release(&r); times[0][burst] = written - start; times[1][burst] = psm_now() - written;
  }
  report(); psm_fanin_writer_close(&w); psm_fanin_reader_close(&r); return sum == 0;
}
static int alone_latest(void *m, uint64_t size) {
  struct psm_latest w, r; unsigned char bytes[64] = {1}, copy[64]; uint64_t sum = 0, version; uint32_t length;
  if (psm_latest_writer_open(&w, m, size, "C") || psm_latest_reader_open(&r, m, size, 1)) return 1;
  for (int burst = 0; burst < BURSTS; burst++) {
    int64_t start = psm_now(); for (int n = 0; n < BURST; n++) { bytes[1] = (unsigned char)n; psm_latest_publish(&w, bytes, 64); }
    int64_t written = psm_now(); for (int n = 0; n < BURST; n++) { if (psm_latest_read(&r, copy, sizeof copy, &length, &version) <= 0) return 3; sum += copy[0]; }
    times[0][burst] = written - start; times[1][burst] = psm_now() - written;
  }
  report(); psm_latest_close(&w); psm_latest_close(&r); return sum == 0;
}
static int alone_broadcast(void *m, uint64_t size, int readers) {
  struct psm_broadcast w, r[2]; struct psm_broadcast_message got; unsigned char bytes[64] = {1}; uint64_t sum = 0;
  if (psm_broadcast_writer_open(&w, m, size, "C")) return 1;
  for (int i = 0; i < readers; i++) if (psm_broadcast_reader_open(&r[i], m, size, PSM_LOSSLESS, 0, "C", 1)) return 1;
  for (int burst = 0; burst < BURSTS; burst++) {
    int64_t start = psm_now(); for (int n = 0; n < BURST; n++) if (psm_broadcast_try_write(&w, bytes, 64, 0) <= 0) return 2;
    int64_t written = psm_now();
    for (int i = 0; i < readers; i++) for (int n = 0; n < BURST; n++) { if (psm_broadcast_try_read(&r[i], &got) <= 0) return 3; sum += *(const unsigned char *)got.bytes; psm_broadcast_release(&r[i], &got); }
    times[0][burst] = written - start; times[1][burst] = (psm_now() - written) / readers;
  }
  report(); for (int i = 0; i < readers; i++) psm_broadcast_close(&r[i]);
  psm_broadcast_close(&w); return sum == 0;
}
static int cast(void *m, uint64_t size, uint64_t count) {
  struct psm_broadcast w; unsigned char bytes[64] = {1}; int r; if (psm_broadcast_writer_open(&w, m, size, "C")) return 1;
  puts("open"); fflush(stdout); if (!fgets((char[8]){0}, 8, stdin)) return 2;
  int64_t start = psm_now();
  for (uint64_t n = 0; n < count;) { if ((r = psm_broadcast_try_write(&w, bytes, 64, 0)) < 0) return 3; if (r) n++; else psm_broadcast_wait_room(&w, 64, INT64_MAX); }
  printf("%lld\n", (long long)((psm_now() - start) * 1000 / (int64_t)count)); fflush(stdout); psm_broadcast_close(&w); return 0;
}
static int hear(void *m, uint64_t size, uint64_t count) {
  struct psm_broadcast d; struct psm_broadcast_message got; uint64_t sum = 0; int r; if (psm_broadcast_reader_open(&d, m, size, PSM_LOSSLESS, 0, "C", 1)) return 1;
  puts("open"); fflush(stdout);
  for (uint64_t n = 0; n < count;) {
    if (psm_broadcast_wait(&d, INT64_MAX, 1) <= 0) return 3;
    while ((r = psm_broadcast_try_read(&d, &got)) == 1) { n++; sum += *(const unsigned char *)got.bytes; psm_broadcast_release(&d, &got); }
    if (r < 0) return 4;
  }
  psm_broadcast_close(&d); return sum != count;
}
int main(int argc, char **argv) {
  if (argc < 5) return 9;
  uint64_t size = strtoull(argv[2], 0, 10), count = strtoull(argv[4], 0, 10), sum = 0; unsigned char bytes[64] = {1}; int r;
  int fd = open(argv[1], O_RDWR | O_CLOEXEC); void *m = mmap(0, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0); if (m == MAP_FAILED) return 8;
  if (!strcmp(argv[3], "alone-fanin")) return alone_fanin(m, size);
  if (!strcmp(argv[3], "alone-latest")) return alone_latest(m, size);
  if (!strcmp(argv[3], "alone-broadcast")) return alone_broadcast(m, size, (int)count);
  if (!strcmp(argv[3], "cast")) return cast(m, size, count);
  if (!strcmp(argv[3], "hear")) return hear(m, size, count);
  if (!strcmp(argv[3], "write")) {
    struct psm_fanin_writer w; if (psm_fanin_writer_open(&w, m, size, "C")) return 1;
    puts("open"); fflush(stdout); if (!fgets((char[8]){0}, 8, stdin)) return 2;
    for (uint64_t n = 0; n < count;) { if ((r = psm_fanin_try_write(&w, bytes, 64, 0)) < 0) return 3; if (r) n++; else psm_fanin_writer_wait(&w, 64, INT64_MAX, 1); }
    psm_fanin_writer_close(&w); return 0;
  }
  struct psm_fanin_reader d; struct psm_message got; int64_t start = 0; if (psm_fanin_reader_open(&d, m, size, "C")) return 1;
  puts("open"); fflush(stdout); if (!fgets((char[8]){0}, 8, stdin)) return 2;
  for (uint64_t n = 0; n < count;) {
    if (psm_fanin_reader_wait(&d, INT64_MAX) <= 0) return 3;
    while ((r = psm_fanin_try_read(&d, &got)) == 1) { if (!n++) start = psm_now(); sum += *(const unsigned char *)got.bytes; psm_fanin_pass(&d, &got); }
    if (r < 0) return 4;
  }
  printf("%lld\n", (long long)((psm_now() - start) * 1000 / (int64_t)count)); psm_fanin_reader_close(&d); return sum != count;
}

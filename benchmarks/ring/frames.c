/* Frames in C: frames FILE LENGTH alone READERS FRAMELENGTH | publish COUNT FRAMELENGTH | take COUNT FRAMELENGTH. */
#define _GNU_SOURCE
#include "../../interop/psm_frames.h"
#include <fcntl.h>
enum { BURSTS = 4000, BURST = 16 };
static int64_t times[2][BURSTS];
static int ascending(const void *a, const void *b) { int64_t x = *(const int64_t *)a, y = *(const int64_t *)b; return x < y ? -1 : x > y; }
/* One thread has all ends: the medians of the bursts, in picoseconds for each frame: loaned and sent; read and given back by each reader. */
static int alone(void *m, uint64_t size, int readers, uint32_t length) {
  static struct psm_frames w, r[8]; struct psm_frame loan, got; uint64_t sum = 0;
  if (psm_frames_writer_open(&w, m, size, "C")) return 1;
  for (int i = 0; i < readers; i++) if (psm_frames_reader_open(&r[i], m, size, PSM_DROP_NEWEST, "C")) return 1;
  for (int burst = 0; burst < BURSTS; burst++) {
    int64_t start = psm_now(); for (int n = 0; n < BURST; n++) if (psm_frames_loan(&w, length, &loan) != 1 || psm_frames_send(&w, &loan) != readers) return 2;
    int64_t sent = psm_now(); for (int i = 0; i < readers; i++) for (int n = 0; n < BURST; n++) { if (psm_frames_read(&r[i], &got) != 1) return 3; sum += got.length; psm_frames_give_back(&r[i], &got); }
    times[0][burst] = sent - start; times[1][burst] = (psm_now() - sent) / readers;
  }
  for (int i = 0; i < 2; i++) { qsort(times[i], BURSTS, sizeof times[i][0], ascending); printf("%lld ", (long long)(times[i][BURSTS / 2] * 1000 / BURST)); }
  puts(""); for (int i = 0; i < readers; i++) psm_frames_reader_close(&r[i]);
  psm_frames_writer_close(&w); return sum == 0;
}
int main(int argc, char **argv) {
  if (argc < 6) return 9;
  static struct psm_frames f; struct psm_frame m; int r; uint64_t size = strtoull(argv[2], 0, 10), count = strtoull(argv[4], 0, 10); uint32_t length = (uint32_t)atoi(argv[5]);
  int fd = open(argv[1], O_RDWR | O_CLOEXEC); void *p = mmap(0, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0); if (p == MAP_FAILED) return 8;
  if (!strcmp(argv[3], "alone")) return alone(p, size, (int)count, length);
  if (!strcmp(argv[3], "publish")) {
    if (psm_frames_writer_open(&f, p, size, "C")) return 1;
    puts("open"); fflush(stdout); if (!fgets((char[8]){0}, 8, stdin)) return 2;
    int64_t start = psm_now();
    for (uint64_t n = 0; n < count; n++) {
      while ((r = psm_frames_loan(&f, length, &m)) == 0) psm_frames_wait_slot(&f, length, INT64_MAX);
      if (r < 0) return 3;
      memcpy(m.bytes, &n, 8);
      while ((r = psm_frames_send(&f, &m)) == -EAGAIN) psm_frames_wait_room(&f, INT64_MAX);
      if (r < 0) return 4;
    }
    printf("%lld\n", (long long)((psm_now() - start) * 1000 / (int64_t)count)); fflush(stdout); psm_frames_complete(&f, 0); psm_frames_writer_close(&f); return 0;
  }
  if (psm_frames_reader_open(&f, p, size, PSM_WAIT_FOR_ROOM, "C")) return 1;
  puts("open"); fflush(stdout);
  for (uint64_t n = 0; n < count;) {
    if (psm_frames_wait(&f, INT64_MAX, 0) <= 0) return 3;
    while ((r = psm_frames_read(&f, &m)) == 1) { uint64_t number; memcpy(&number, m.bytes, 8); if (number != n++) return 5; psm_frames_give_back(&f, &m); }
    if (r < 0) return 4;
  }
  psm_frames_reader_close(&f); return 0;
}

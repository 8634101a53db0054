/* The C partner of the tests: one end of a channel through psm_channel.h, streaming numbered messages of which every byte follows from the number.
   channel_partner FILE LENGTH stream|drain|show FROM COUNT [WINDOW TIMES]: is killed the TIMES-th time it comes to a window. */
#define _GNU_SOURCE
#include <signal.h>
static int window, times;
#define PSM_WINDOW(n) do { if (window == (n) && --times == 0) raise(SIGKILL); } while (0)
#include "psm_channel.h"
#include <fcntl.h>
static uint32_t length_of(uint64_t n, uint64_t most) { uint64_t l = 8 + ((n * 2654435761u) >> 7 & 0x1ff); return (uint32_t)(l < most ? l : most); }
int main(int argc, char **argv) {
  if (argc < 6) return 9;
  uint64_t size = strtoull(argv[2], 0, 10), from = strtoull(argv[4], 0, 10), count = strtoull(argv[5], 0, 10); int shows = !strcmp(argv[3], "show"), is_reader = shows || !strcmp(argv[3], "drain"), r;
  if (argc > 7) { window = atoi(argv[6]); times = atoi(argv[7]); }
  int fd = open(argv[1], O_RDWR | O_CLOEXEC); void *m = mmap(0, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0); if (m == MAP_FAILED) return 8;
  struct psm_end e; if ((r = psm_end_open(&e, m, size, is_reader, "C"))) { printf("open %d\n", r); return 1; }
  puts("open"); fflush(stdout);
  for (struct psm_message got; shows; psm_pass(&e, &got)) {
    if (psm_try_read(&e, &got) <= 0) { puts("end"); return 0; }
    printf("0 %u %u %.*s\n", got.type, got.length, (int)got.length, (const char *)got.bytes);
  }
  for (uint64_t n = from; n < from + count; n++) {
    if (is_reader) {
      struct psm_message got;
      while ((r = psm_try_read(&e, &got)) == 0) if ((r = psm_end_wait(&e, 0, INT64_MAX, 1)) <= 0) { printf("wait %d at %lu\n", r, (unsigned long)n); return 2; }
      if (r < 0) { printf("read %d at %lu\n", r, (unsigned long)n); return 3; }
      uint64_t number; memcpy(&number, got.bytes, 8);
      /* Of a dead reader's last messages some come again: they are marked. */
      if (number < n && got.is_redelivered) { psm_pass(&e, &got); psm_release(&e); n--; continue; }
      int torn = number != n || got.length != length_of(n, e.c.most); for (uint32_t i = 8; i < got.length; i++) torn |= ((const unsigned char *)got.bytes)[i] != (unsigned char)n;
      if (torn) { printf("message %lu came instead of %lu\n", (unsigned long)number, (unsigned long)n); return 4; }
      psm_pass(&e, &got); if (n % 3 == 0) psm_release(&e);
    } else {
      uint32_t length = length_of(n, e.c.most); void *payload;
      while ((r = psm_reserve(&e, length, &payload)) == 0) if ((r = psm_end_wait(&e, length, INT64_MAX, 1)) <= 0) { printf("wait %d at %lu\n", r, (unsigned long)n); return 2; }
      if (r < 0) { printf("write %d at %lu\n", r, (unsigned long)n); return 3; }
      memcpy(payload, &n, 8); PSM_WINDOW(20); memset((char *)payload + 8, (int)(unsigned char)n, length - 8);
      psm_commit(&e, length, (uint16_t)(n % 1000)); if (n % 3 == 0 || n + 1 == from + count) psm_publish(&e);
    }
  }
  if (is_reader) psm_release(&e);
  puts(is_reader ? "read" : "written"); fflush(stdout);
  char line[64]; if (fgets(line, sizeof line, stdin) && !strncmp(line, "complete", 8)) psm_complete(&e, atoi(line + 9));
  psm_end_close(&e); puts("closed"); return 0;
}

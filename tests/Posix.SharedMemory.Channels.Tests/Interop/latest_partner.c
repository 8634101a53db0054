/* The C partner of the tests for a latest value: FILE LENGTH ROLE FROM COUNT [WINDOW TIMES]. A value's number is half its version, and its bytes follow from the number.
   Roles: stream; sizes: every length, each shown to the other side before the next; follow: reads until the value COUNT came; look: through a read-only mapping; show. */
#define _GNU_SOURCE
#include <signal.h>
static int window, times;
#define PSM_WINDOW(n) do { if (window == (n) && --times == 0) raise(SIGKILL); } while (0)
#include "psm_latest.h"
#include <fcntl.h>
static uint32_t length_of(uint64_t n, uint32_t most) { return (uint32_t)(n * 7919 % (most + 1)); }
static void fill(unsigned char *p, uint64_t n, uint32_t length) { for (uint32_t i = 0; i < length; i++) { if (i == length / 2) PSM_WINDOW(20); p[i] = (unsigned char)(n + i); } }
static int is_whole(const unsigned char *p, uint64_t n, uint32_t length, uint32_t most) { int torn = length != length_of(n, most); for (uint32_t i = 0; i < length; i++) torn |= p[i] != (unsigned char)(n + i); return !torn; }
int main(int argc, char **argv) {
  static unsigned char bytes[1 << 16];
  if (argc < 6) return 9;
  uint64_t size = strtoull(argv[2], 0, 10), count = strtoull(argv[5], 0, 10), version = 0; int r; const char *role = argv[3]; uint32_t length = 0; char line[64];
  if (argc > 7) { window = atoi(argv[6]); times = atoi(argv[7]); }
  int looks = !strcmp(role, "look") || !strcmp(role, "show"), writes = !strcmp(role, "stream"), fd = open(argv[1], (looks ? O_RDONLY : O_RDWR) | O_CLOEXEC);
  void *m = mmap(0, size, looks ? PROT_READ : PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0); if (m == MAP_FAILED) return 8;
  struct psm_latest l; if ((r = writes ? psm_latest_writer_open(&l, m, size, "C") : psm_latest_reader_open(&l, m, size, !looks))) { printf("open %d\n", r); return 1; }
  puts("open"); fflush(stdout);
  if (!strcmp(role, "show")) { r = psm_latest_read(&l, bytes, sizeof bytes, &length, &version); printf("%d %lu %u %.*s %d\n", r, (unsigned long)version, length, (int)length, (const char *)bytes, psm_latest_peer(&l)); return 0; }
  if (writes) {
    for (uint64_t end = l.newest / 2 + count; l.newest / 2 < end;) {
      uint64_t n = l.newest / 2 + 1; length = length_of(n, l.c.most);
      if (n % 3) { fill(psm_latest_begin(&l), n, length); if (n % 3 == 2) fill(psm_latest_begin(&l), n, length); r = psm_latest_commit(&l, length); } else { fill(bytes, n, length); r = psm_latest_publish(&l, bytes, length); }
      if (r) { printf("publish %d\n", r); return 2; }
    }
    puts("written"); fflush(stdout);
    if (fgets(line, sizeof line, stdin) && !strncmp(line, "complete", 8)) psm_latest_complete(&l, atoi(line + 9));
  } else for (uint64_t read = 0, last = 0; ; read++) {
    if (!looks && (r = psm_latest_wait(&l, last, INT64_MAX, 0)) <= 0) { printf("ended %d after %lu, error %d\n", r, (unsigned long)last / 2, psm_channel_error(&l.c)); fflush(stdout); break; }
    if ((r = psm_latest_read(&l, bytes, sizeof bytes, &length, &version)) == 0 || r == -EAGAIN) continue;
    if (r < 0 || version < last || !is_whole(bytes, version / 2, length, l.c.most)) { printf("read %d, version %lu of %u bytes\n", r, (unsigned long)version, length); return 3; }
    last = version;
    if (version / 2 >= count && looks) { puts("read"); fflush(stdout); break; }
    if (!looks && !strcmp(role, "sizes")) { printf("%lu\n", (unsigned long)version / 2); fflush(stdout); }
  }
  if (!writes && !fgets(line, sizeof line, stdin)) return 4;
  psm_latest_close(&l); puts("closed"); return 0;
}

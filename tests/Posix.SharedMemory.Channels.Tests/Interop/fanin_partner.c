/* The C partner of the tests for a fan-in: as channel_partner.c.
   fanin_partner FILE LENGTH ROLE FROM COUNT [WINDOW TIMES]. Roles: stream (in every way there is), drain; plain and sizes, which write and read messages of every length, one by one; show. */
#define _GNU_SOURCE
#include <signal.h>
static int window, times;
#define PSM_WINDOW(n) do { if (window == (n) && --times == 0) raise(SIGKILL); } while (0)
#include "psm_fanin.h"
#include <fcntl.h>
static uint32_t length_of(uint64_t n) { return (uint32_t)(8 + ((n * 2654435761u) >> 7 & 0x1ff)); }
static void fill(unsigned char *p, uint64_t n, uint32_t length) { memcpy(p, &n, 8); PSM_WINDOW(20); memset(p + 8, (int)(unsigned char)n, length - 8); }
static uint32_t size_of(uint64_t n, uint32_t most) { return (uint32_t)(n <= most ? n * 7919 % (most + 1) : n % 2 ? most : n * 32 % (most + 1)); }
static int fail(const char *what, int r, uint64_t n) { printf("%s %d at %lu\n", what, r, (unsigned long)n); return 2; }
static int write_sizes(struct psm_fanin_writer *w, uint64_t from, uint64_t count) {
  static unsigned char bytes[1 << 18]; int r;
  for (uint64_t n = from; n < from + count; n++) {
    uint32_t length = size_of(n, w->c.most); for (uint32_t i = 0; i < length; i++) bytes[i] = (unsigned char)(n + i);
    while ((r = psm_fanin_try_write(w, bytes, length, (uint16_t)(n % 1000))) == 0) if ((r = psm_fanin_writer_wait(w, length, INT64_MAX, 1)) <= 0) return fail("wait", r, n);
    if (r < 0) return fail("write", r, n);
  }
  return 0;
}
/* One by one, reserved and shorter than that, given up, and in batches. */
static int stream(struct psm_fanin_writer *w, uint64_t from, uint64_t count) {
  unsigned char bytes[1024]; void *payload; int r;
  for (uint64_t n = from; n < from + count;) {
    uint32_t length = length_of(n);
    switch (n % 4) {
      case 0: fill(bytes, n, length); r = psm_fanin_try_write(w, bytes, length, (uint16_t)(n % 1000)); break;
      case 1: if ((r = psm_fanin_reserve(w, length + 200, &payload)) == 1) { fill(payload, n, length); psm_fanin_commit(w, length, (uint16_t)(n % 1000)); } break;
      case 2: if ((r = psm_fanin_reserve(w, 70, &payload)) == 1) { psm_fanin_cancel(w); fill(bytes, n, length); r = psm_fanin_try_write(w, bytes, length, (uint16_t)(n % 1000)); } break;
      default: {
        uint64_t first = n;
        while ((r = psm_fanin_batch_reserve(w, length_of(n), &payload)) == 1 && n < from + count && n - first < 6) { fill(payload, n, length_of(n)); psm_fanin_batch_add(w, length_of(n), (uint16_t)(n % 1000)); n++; }
        psm_fanin_send(w); if (n > first && r >= 0) continue;
      }
    }
    if (r < 0) return fail("write", r, n);
    if (r) n++; else if ((r = psm_fanin_writer_wait(w, length + 200, INT64_MAX, 1)) <= 0) return fail("wait", r, n);
  }
  return 0;
}
/* Each writer's messages in its order, which begins where the first says if the numbers are in the messages. */
static int drain(struct psm_fanin_reader *r, uint64_t from, uint64_t count, int sizes) {
  uint64_t next[64]; struct psm_message m; int e; for (int i = 0; i < 64; i++) next[i] = from;
  for (uint64_t read = 0; read < count;) {
    if ((e = psm_fanin_reader_wait(r, INT64_MAX)) <= 0) return fail("wait", e, read);
    while (read < count && (e = psm_fanin_try_read(r, &m)) == 1) {
      const unsigned char *p = m.bytes; uint64_t n = next[m.writer], number = n; int torn = 0;
      if (sizes) { torn = m.length != size_of(n, r->c.most) || m.type != n % 1000; for (uint32_t i = 0; i < m.length; i++) torn |= p[i] != (unsigned char)(n + i); }
      else { memcpy(&number, p, 8); if (number < n && m.is_redelivered) { psm_fanin_pass(r, &m); continue; } torn = number != n || m.length != length_of(n) || m.type != n % 1000; for (uint32_t i = 8; i < m.length; i++) torn |= p[i] != (unsigned char)n; }
      if (torn) { printf("writer %u: message %lu of %u bytes came instead of %lu\n", m.writer, (unsigned long)number, m.length, (unsigned long)n); return 4; }
      psm_fanin_pass(r, &m); next[m.writer]++; read++; if (read % 3 == 0) psm_fanin_release(r);
    }
    if (e < 0) return fail("read", e, read);
  }
  psm_fanin_release(r); return 0;
}
static int show(struct psm_fanin_reader *r) {
  struct psm_message m; while (psm_fanin_try_read(r, &m) == 1) { printf("%u %u %u %.*s\n", m.writer, m.type, m.length, (int)m.length, (const char *)m.bytes); psm_fanin_pass(r, &m); }
  puts("end"); return 0;
}
int main(int argc, char **argv) {
  if (argc < 6) return 9;
  uint64_t size = strtoull(argv[2], 0, 10), from = strtoull(argv[4], 0, 10), count = strtoull(argv[5], 0, 10); int r; const char *role = argv[3];
  if (argc > 7) { window = atoi(argv[6]); times = atoi(argv[7]); }
  int fd = open(argv[1], O_RDWR | O_CLOEXEC); void *m = mmap(0, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0); if (m == MAP_FAILED) return 8;
  struct psm_fanin_writer w = {0}; struct psm_fanin_reader d = {0}; int writes = !strcmp(role, "stream") || !strcmp(role, "plain");
  if ((r = writes ? psm_fanin_writer_open(&w, m, size, "C") : psm_fanin_reader_open(&d, m, size, "C"))) { printf("open %d\n", r); return 1; }
  puts("open"); fflush(stdout);
  if (!strcmp(role, "show")) return show(&d);
  if ((r = !writes ? drain(&d, from, count, !strcmp(role, "sizes")) : !strcmp(role, "plain") ? write_sizes(&w, from, count) : stream(&w, from, count))) return r;
  void *open_claim; char line[64]; printf(writes ? "written\n" : "read, %lu lost\n", (unsigned long)d.lost_claims); fflush(stdout);
  if (fgets(line, sizeof line, stdin) && !strncmp(line, "reserve", 7)) { if (psm_fanin_reserve(&w, 100, &open_claim) != 1) return 5; puts("reserved"); fflush(stdout); if (!fgets(line, sizeof line, stdin)) return 6; }
  psm_fanin_writer_close(&w); psm_fanin_reader_close(&d); puts("closed"); return 0;
}

/* The C partner of the tests for frames: FILE LENGTH ROLE FROM COUNT [WINDOW TIMES].
   Roles: read: prints each frame; hold: holds each until a line comes; drain: reads COUNT of those that the tests' streams check, and holds every fifth; write: sends frames of every length, from FROM on; stream: sends
   those that the streams check; show: prints what the slots hold. */
#define _GNU_SOURCE
#include <signal.h>
static int window, times;
#define PSM_WINDOW(n) do { if (window == (n) && --times == 0) raise(SIGKILL); } while (0)
#include "psm_frames.h"
#include <fcntl.h>
static uint32_t size_of(uint64_t n, uint32_t most) { return (uint32_t)(n * 7919 % (most + 1)); }
static uint32_t length_of(uint64_t n) { return (uint32_t)(8 + ((n * 2654435761u) >> 7 & 0x1ff)); }
static int fail(const char *what, int r, uint64_t n) { printf("%s %d at %lu\n", what, r, (unsigned long)n); return 2; }
static void print(const struct psm_frame *m) {
  unsigned long sum = 0; for (uint32_t i = 0; i < m->length; i++) sum += m->bytes[i];
  printf("%lu %u %u %.8s (", (unsigned long)m->sequence, m->length, m->type, m->header.dtype);
  for (uint32_t i = 0; i < m->header.dimensions; i++) printf(i ? ", %u" : "%u", m->header.shape[i]);
  printf(") (");
  for (uint32_t i = 0; i < m->header.dimensions; i++) printf(i ? ", %d" : "%d", m->header.strides[i]);
  printf(") %u %u %lu %lu\n", m->header.width, m->header.height, (unsigned long)m->header.tag, sum); fflush(stdout);
}
static int publish(struct psm_frames *f, uint64_t from, uint64_t count, int sized) {
  struct psm_frame m; int r;
  for (uint64_t n = from; n < from + count;) {
    uint32_t length = sized ? size_of(n, f->c.most) : length_of(n);
    if ((r = psm_frames_loan(f, length, &m)) < 0) return fail("loan", r, n);
    if (!r) { if ((r = psm_frames_wait_slot(f, length, INT64_MAX)) <= 0) return fail("wait", r, n); continue; }
    if (n % 7 == 3) { psm_frames_give_up(f, &m); psm_frames_give_up(f, &m); if (psm_frames_loan(f, length, &m) != 1) return fail("loan again", 0, n); }
    if (sized) for (uint32_t i = 0; i < length; i++) m.bytes[i] = (unsigned char)(n + i);
    else { memset(m.bytes, (int)(unsigned char)n, length / 2); PSM_WINDOW(20); memset(m.bytes, (int)(unsigned char)n, length); memcpy(m.bytes, &n, 8); }
    m.type = (uint16_t)(n % 1000); m.header.tag = n; memcpy(m.header.dtype, "|u1", 3); m.header.dimensions = 1; m.header.shape[0] = length; m.header.strides[0] = 1;
    while ((r = psm_frames_send(f, &m)) == -EAGAIN) if ((r = psm_frames_wait_room(f, INT64_MAX)) <= 0) return fail("room", r, n);
    if (r < 0) return fail("send", r, n);
    n++;
  }
  return 0;
}
int main(int argc, char **argv) {
  static struct psm_frames f; struct psm_frame m, held; char line[64]; int r, holding = 0;
  if (argc < 6) return 9;
  uint64_t size = strtoull(argv[2], 0, 10), from = strtoull(argv[4], 0, 10), count = strtoull(argv[5], 0, 10), read = 0; const char *role = argv[3];
  if (argc > 7) { window = atoi(argv[6]); times = atoi(argv[7]); }
  int holds = !strcmp(role, "hold"), drains = !strcmp(role, "drain"), writes = !strcmp(role, "write") || !strcmp(role, "stream"), fd = open(argv[1], O_RDWR | O_CLOEXEC);
  void *p = mmap(0, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0); if (p == MAP_FAILED) return 8;
  if (!strcmp(role, "show")) {
    if ((r = psm_frames_check(&f, p, size))) { printf("open %d\n", r); return 1; }
    puts("open");
    for (uint32_t slot = 0; slot < f.slots; slot++) {
      const unsigned char *h = psm_frames_header(&f, slot); uint64_t sequence; uint32_t length; uint16_t type; memcpy(&sequence, h, 8); memcpy(&length, h + 16, 4); memcpy(&type, h + 20, 2);
      if (psm_get4(h + 24)) printf("%u %lu %u %u %.*s\n", slot, (unsigned long)sequence, type, length, (int)length, (const char *)psm_frames_slot(&f, slot));
    }
    puts("end"); return 0;
  }
  r = writes ? psm_frames_writer_open(&f, p, size, "C") : psm_frames_reader_open(&f, p, size, holds || (drains && count % 2) ? PSM_DROP_OLDEST : PSM_WAIT_FOR_ROOM, "C");
  if (r) { printf("open %d\n", r); return 1; }
  puts("open"); fflush(stdout);
  if (writes) {
    if (!fgets(line, sizeof line, stdin)) return 4;
    if ((r = publish(&f, from, count, !strcmp(role, "write")))) return r;
    puts("written"); fflush(stdout);
    if (fgets(line, sizeof line, stdin) && !strncmp(line, "complete", 8)) psm_frames_complete(&f, atoi(line + 9));
    psm_frames_writer_close(&f); puts("closed"); return 0;
  }
  while (!drains || read < count) {
    if ((r = psm_frames_wait(&f, INT64_MAX, 0)) <= 0) {
      if (r == -ECANCELED) puts("ended Evicted"); else if (r == 0 && psm_channel_error(&f.c)) printf("ended WriterError %d\n", psm_channel_error(&f.c)); else if (r == 0) printf("ended %lu\n", (unsigned long)f.missed); else printf("ended %d\n", r);
      fflush(stdout); break;
    }
    if ((r = psm_frames_read(&f, &m)) == 0) continue;
    if (r < 0) return fail("read", r, read);
    if (drains) {
      uint64_t n; memcpy(&n, m.bytes, 8); int torn = m.length != length_of(n) || m.type != n % 1000 || m.header.tag != n; for (uint32_t i = 8; i < m.length; i++) torn |= m.bytes[i] != (unsigned char)n;
      if (torn) return fail("frame", 0, n);
      if (read++ % 5 == 0) { if (holding) psm_frames_give_back(&f, &held); held = m; holding = 1; continue; }
    } else print(&m);
    if (holds && !fgets(line, sizeof line, stdin)) return 4;
    psm_frames_give_back(&f, &m); psm_frames_give_back(&f, &m);
  }
  if (!drains && !fgets(line, sizeof line, stdin)) return 4;
  psm_frames_reader_close(&f); puts("closed"); return 0;
}

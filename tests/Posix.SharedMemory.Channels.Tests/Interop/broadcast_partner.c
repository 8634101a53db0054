/* The C partner of the tests for a broadcast: FILE LENGTH ROLE FROM COUNT [WINDOW TIMES]. The bytes of a message follow from its number.
   Roles: sizes: writes messages of every length; stream: writes those that the tests' audience checks; read: reads COUNT of every length, then waits for the end; look: as a reader that may lose
   messages, through a read-only mapping; receive: reads what the audience checks, from the oldest on; show; split: FILE is a descriptor of the data of a split broadcast in /proc, and FROM that of its control object: reads up to the end. */
#define _GNU_SOURCE
#include <signal.h>
static int window, times;
#define PSM_WINDOW(n) do { if (window == (n) && --times == 0) raise(SIGKILL); } while (0)
#include "psm_broadcast.h"
#include <fcntl.h>
#include <sys/stat.h>
static uint32_t size_of(uint64_t n, uint32_t most) { return (uint32_t)(n * 7919 % (most + 1)); }
static void fill_sized(unsigned char *p, uint64_t n, uint32_t length) { for (uint32_t i = 0; i < length; i++) p[i] = (unsigned char)(n + i); }
static int is_sized(const struct psm_broadcast_message *m, uint32_t most) {
  const unsigned char *p = m->bytes; int torn = m->length != size_of(m->sequence, most) || m->type != m->sequence % 1000;
  for (uint32_t i = 0; i < m->length; i++) torn |= p[i] != (unsigned char)(m->sequence + i);
  return !torn;
}
static uint32_t length_of(uint64_t n) { return (uint32_t)(8 + ((n * 2654435761u) >> 7 & 0x1ff)); }
static void fill(unsigned char *p, uint64_t n, uint32_t length) { memcpy(p, &n, 8); PSM_WINDOW(20); memset(p + 8, (int)(unsigned char)n, length - 8); }
static int fail(const char *what, int r, uint64_t n) { printf("%s %d at %lu\n", what, r, (unsigned long)n); return 2; }
static int write_all(struct psm_broadcast *b, uint64_t from, uint64_t count, int sized) {
  static unsigned char bytes[1 << 16]; void *payload; int r;
  for (uint64_t n = from; n < from + count;) {
    uint32_t length = sized ? size_of(n, b->c.most) : length_of(n), most = n % 2 && !sized ? length + 100 : length;
    if (sized) { fill_sized(bytes, n, length); r = psm_broadcast_try_write(b, bytes, length, (uint16_t)(n % 1000)); }
    else if ((r = psm_broadcast_reserve(b, most, &payload)) == 1) { fill(payload, n, length); psm_broadcast_commit(b, length, 3); }
    if (r < 0) return fail("write", r, n);
    if (r) n++; else if ((r = psm_broadcast_wait_room(b, most, INT64_MAX)) <= 0) return fail("wait", r, n);
  }
  return 0;
}
/* The other object of a split broadcast, whose descriptor is beside that of the data; the data cannot be mapped for writing. */
static void *control_beside(const char *path, const char *descriptor, uint64_t *length) {
  char beside[300]; struct stat of; snprintf(beside, sizeof beside, "%.*s/%s", (int)(strrchr(path, '/') - path), path, descriptor);
  int fd = open(beside, O_RDWR | O_CLOEXEC); if (fd < 0 || fstat(fd, &of)) return MAP_FAILED;
  *length = (uint64_t)of.st_size; return mmap(0, *length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
}
static int split(const char *path, const char *descriptor, void *data, uint64_t length) {
  static unsigned char bytes[1 << 16]; struct psm_broadcast_message m; struct psm_broadcast b; uint64_t other, next = 0; void *control = control_beside(path, descriptor, &other); int r; if (control == MAP_FAILED) return 7;
  if (psm_broadcast_reader_open(&b, data, length, PSM_LOSSY, 0, "C", 0) != -EILSEQ || psm_broadcast_writer_open(&b, control, other, "C") != -EILSEQ || psm_broadcast_split_reader_open(&b, data, length, data, length, 0, "C", 0) != -EILSEQ
      || psm_broadcast_split_reader_open(&b, control, other, control, other, 0, "C", 0) != -EILSEQ) return 6;
  if ((r = psm_broadcast_split_reader_open(&b, data, length, control, other, UINT64_MAX, "C", 1))) return fail("open", r, 0);
  puts("open"); fflush(stdout);
  while ((r = psm_broadcast_wait(&b, INT64_MAX, 0)) > 0)
    while ((r = psm_broadcast_read(&b, bytes, sizeof bytes, &m)) != 0) {
      if (r < 0 || !is_sized(&m, b.c.most) || m.sequence != next + m.missed) return fail("read", r, next);
      next = m.sequence + 1; if (next == 1) { puts("one"); fflush(stdout); }
    }
  printf("ended %d after %lu error %d\n", r, (unsigned long)next, psm_channel_error(&b.c)); fflush(stdout); if (!fgets((char *)bytes, 64, stdin)) return 4;
  psm_broadcast_close(&b); puts("closed"); return 0;
}
int main(int argc, char **argv) {
  static unsigned char bytes[1 << 16]; struct psm_broadcast_message m; struct psm_broadcast b; char line[64]; int r;
  if (argc < 6) return 9;
  uint64_t size = strtoull(argv[2], 0, 10), from = strtoull(argv[4], 0, 10), count = strtoull(argv[5], 0, 10), read = 0, next = 0; const char *role = argv[3];
  if (argc > 7) { window = atoi(argv[6]); times = atoi(argv[7]); }
  int splits = !strcmp(role, "split"), looks = splits || !strcmp(role, "look") || !strcmp(role, "show"), sized = !strcmp(role, "sizes"), writes = sized || !strcmp(role, "stream"), receives = !strcmp(role, "receive"), fd = open(argv[1], (looks ? O_RDONLY : O_RDWR) | O_CLOEXEC);
  void *p = mmap(0, size, looks ? PROT_READ : PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0); if (p == MAP_FAILED) return 8;
  if (splits) return split(argv[1], argv[4], p, size);
  r = writes ? psm_broadcast_writer_open(&b, p, size, "C") : psm_broadcast_reader_open(&b, p, size, looks ? PSM_LOSSY : PSM_LOSSLESS, receives || looks ? UINT64_MAX : 0, "C", !looks);
  if (r) { printf("open %d\n", r); return 1; }
  puts("open"); fflush(stdout);
  if (!strcmp(role, "show")) { while (psm_broadcast_read(&b, bytes, sizeof bytes, &m) == 1) printf("%lu %u %u %.*s\n", (unsigned long)m.sequence, m.type, m.length, (int)m.length, (const char *)m.bytes); puts("end"); return psm_broadcast_peer(&b) == PSM_LEFT ? 0 : 5; }
  if (writes) { if ((r = write_all(&b, from, count, sized))) return r; puts("written"); fflush(stdout); if (fgets(line, sizeof line, stdin) && !strncmp(line, "complete", 8)) psm_broadcast_complete(&b, atoi(line + 9)); }
  else if (looks) {
    while (next < count) {
      r = psm_broadcast_read(&b, bytes, sizeof bytes, &m); if (r == 0) continue;
      if (r < 0 || !is_sized(&m, b.c.most) || m.sequence != next + m.missed) { printf("read %d, message %lu, %lu missed\n", r, (unsigned long)m.sequence, (unsigned long)m.missed); return 3; }
      next = m.sequence + 1; read++;
    }
    printf("read %d\n", read + b.missed == next); fflush(stdout);
    if (!fgets(line, sizeof line, stdin)) return 4;
  } else {
    for (;;) {
      if ((r = psm_broadcast_wait(&b, INT64_MAX, receives)) <= 0) { printf("ended %d after %lu, error %d\n", r, (unsigned long)read, psm_channel_error(&b.c)); fflush(stdout); break; }
      while ((r = read % 2 ? psm_broadcast_try_read(&b, &m) : psm_broadcast_read(&b, bytes, sizeof bytes, &m)) == 1) {
        int whole = receives ? m.length == length_of(m.sequence) && !memcmp(m.bytes, &m.sequence, 8) : is_sized(&m, b.c.most) && m.sequence == from + read;
        if (!whole) { printf("message %lu of %u bytes\n", (unsigned long)m.sequence, m.length); return 3; }
        if (read++ % 2) psm_broadcast_release(&b, &m);
      }
      if (r < 0) { printf("ended %d after %lu\n", r, (unsigned long)read); fflush(stdout); break; }
      if (receives && read >= count) break;
    }
    if (!receives && !fgets(line, sizeof line, stdin)) return 4;
  }
  psm_broadcast_close(&b); puts("closed"); return 0;
}

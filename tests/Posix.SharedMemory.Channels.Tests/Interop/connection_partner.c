/* The C partner of the tests: the side of a connection that receives it.
   connection_partner PATH 0 echo 0 0: connects, sends back each message, and of each object its number, its length and its last byte; brief: gives up a connection that does not come in a tenth of a second;
   objects: sends three objects among messages, of which the second is not sealed. connection_partner FILE LENGTH show|showother 0 0: shows the messages of a direction of an image. */
#include "psm_connection.h"
static int show(const char *path, uint64_t size, uint32_t direction) {
  int fd = open(path, O_RDWR | O_CLOEXEC), r; void *m = mmap(0, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0); if (m == MAP_FAILED) return 8;
  struct psm_end e; struct psm_message got; if ((r = psm_end_open_in(&e, m, size, PSM_CONNECTION_KIND, direction, 1, "C"))) { printf("open %d\n", r); return 1; }
  for (puts("open"); psm_try_read(&e, &got) > 0; psm_pass(&e, &got)) printf("%u %u %u %.*s\n", direction, got.type, got.length, got.type == PSM_OBJECT ? 0 : (int)got.length, (const char *)got.bytes);
  puts("end"); return 0;
}
static int objects(struct psm_connection *k) {
  for (int n = 1, r; n <= 3; n++) {
    int fd = memfd_create("object", MFD_CLOEXEC | MFD_ALLOW_SEALING); unsigned char last = (unsigned char)n;
    if (fd < 0 || ftruncate(fd, 4096 + n) || pwrite(fd, &last, 1, 4095 + n) != 1 || (n != 2 && fcntl(fd, F_ADD_SEALS, PSM_SHRINK))) return 8;
    if (psm_try_write(&k->output, "before", 6, (uint16_t)n) != 1 || (r = psm_connection_send_object(k, fd, psm_now() + 240000000000ll)) != 1) return 7;
    close(fd);
  }
  if (psm_try_write(&k->output, "", 0, PSM_OBJECT) != -EINVAL) return 6;
  psm_complete(&k->output, 0); printf("sent %d\n", psm_end_wait(&k->input, 0, INT64_MAX, 0)); psm_connection_close(k); return 0;
}
int main(int argc, char **argv) {
  if (argc < 6) return 9;
  if (!strncmp(argv[3], "show", 4)) return show(argv[1], strtoull(argv[2], 0, 10), argv[3][4] != 0);
  struct psm_connection k; int r = psm_connection_connect(&k, argv[1], "C", psm_now() + (strcmp(argv[3], "brief") ? 240000000000ll : 100000000ll));
  if (r) { printf("connect %d\n", r); return 1; }
  puts("open"); fflush(stdout); if (!strcmp(argv[3], "objects")) return objects(&k);
  while ((r = psm_end_wait(&k.input, 0, INT64_MAX, 0)) > 0) {
    struct psm_message got; if ((r = psm_try_read(&k.input, &got)) <= 0) break;
    char text[64]; const void *reply = got.bytes; uint32_t length = got.length;
    if (got.type == PSM_OBJECT) {
      uint64_t size; int fd = psm_connection_object(&k, PSM_SHRINK, &size, psm_now() + 240000000000ll); if (fd < 0) { printf("object %d\n", fd); return 2; }
      const unsigned char *bytes = mmap(0, size, PROT_READ, MAP_SHARED, fd, 0); if (bytes == MAP_FAILED) return 8;
      uint64_t number; memcpy(&number, got.bytes, 8); length = (uint32_t)snprintf(text, sizeof text, "object %lu %lu %u", (unsigned long)number, (unsigned long)size, bytes[size - 1]); reply = text;
      munmap((void *)(uintptr_t)bytes, size); close(fd);
    }
    int w; while ((w = psm_try_write(&k.output, reply, length, (uint16_t)(got.type & 0x7fff))) == 0) if ((w = psm_end_wait(&k.output, length, INT64_MAX, 0)) <= 0) break;
    if (w < 0) { printf("write %d\n", w); return 3; }
    psm_pass(&k.input, &got); psm_release(&k.input);
  }
  printf("ended %d\n", r); fflush(stdout);
  if (r < 0) { printf("again %d\n", psm_end_wait(&k.input, 0, psm_now() + 5000000000ll, 0)); fflush(stdout); }
  if (!r) psm_complete(&k.output, 0);
  psm_connection_close(&k); puts("closed"); return 0;
}

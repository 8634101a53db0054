/* The functions of psm_channel.h that 55-rust.rs calls: those of the header are inline, which Rust cannot link to. */
#include "psm_channel.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* An end of the channel in a file under /dev/shm, or null. */
void *channel_open(const char *path, int is_reader, const char *label) {
  struct stat s; int file = open(path, O_RDWR | O_CLOEXEC);
  if (file < 0 || fstat(file, &s)) return NULL;
  void *base = mmap(NULL, (size_t)s.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  struct psm_end *end = calloc(1, sizeof *end);
  int opened = base == MAP_FAILED || !end ? -ENOMEM : psm_end_open(end, base, (uint64_t)s.st_size, is_reader, label);
  close(file);
  if (opened >= 0) return end;
  free(end);
  return NULL;
}
/* 1: there is a message, or room for one of that length; 0: no more will come; or a negative errno. */
int channel_wait(struct psm_end *end, uint32_t length) { return psm_end_wait(end, length, psm_now() + 60000000000ll, 0); }
int channel_try_write(struct psm_end *end, const void *bytes, uint32_t length, uint16_t type) { return psm_try_write(end, bytes, length, type); }
/* Copies a message and takes it: its length; -EMSGSIZE: it is longer than the room, and stays; -EAGAIN: there is none now; or a negative errno. */
int64_t channel_try_read(struct psm_end *end, void *bytes, uint32_t room) {
  struct psm_message message; int found = psm_try_read(end, &message);
  if (found <= 0) return found ? found : -EAGAIN;
  if (message.length > room) return -EMSGSIZE;
  memcpy(bytes, message.bytes, message.length);
  psm_pass(end, &message);
  psm_release(end);
  return message.length;
}
void channel_complete(struct psm_end *end) { psm_complete(end, 0); }
void channel_close(struct psm_end *end) { psm_end_close(end); free(end); }

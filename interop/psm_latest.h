/* psm_latest.h: the ends of a latest value of Posix.SharedMemory.Channels (kind 4: one writer, any number of readers, the newest value only), over psm_channel.h, whose outcomes these
   functions have too. Values of a type have that type's size and no other. The bytes and protocol are in docs/spec/channels/latest.md. */
#ifndef PSM_LATEST_H
#define PSM_LATEST_H
#include "psm_channel.h"

enum { PSM_LATEST_ATTEMPTS = 1000 };
struct psm_latest { struct psm_channel c; uint64_t stride, newest, messages, bytes; unsigned char *buffer; };

static inline unsigned char *psm_latest_buffer(struct psm_latest *l, uint64_t version) { return l->c.data + (version / 2 & (l->c.buffers - 1)) * l->stride; }
static inline void psm_latest_close(struct psm_latest *l) { psm_channel_close(&l->c); }

/* -- writer -- */
static inline int psm_latest_writer_open(struct psm_latest *l, void *base, uint64_t length, const char *label) {
  struct psm_channel *c = &l->c; memset(l, 0, sizeof *l);
  int r = psm_channel_check(c, base, length, PSM_LATEST_KIND); if (r) return r;
  if ((r = psm_channel_join(c, 0))) return r;
  if ((r = psm_channel_enter(c, 0)) < 0) { psm_leave(&c->roster); return r; }
  unsigned char *line = c->base + PSM_CHANNEL_W; l->stride = psm_latest_stride(c->most);
  /* A former writer's end is confirmed by the entry. What it had begun and not published is written over. */
  l->newest = psm_get8(line); l->messages = psm_get8(line + 8); l->bytes = psm_get8(line + 16);
  if (psm_get4(line + 32)) return psm_channel_refuse(c, -EPIPE);
  if (l->newest > 1ull << 63 || (l->newest & 1)) return psm_channel_refuse(c, -EILSEQ);
  psm_channel_occupy(c, 0, label, r); return 0;
}
/* Begins the next value: where its bytes go. Readers see nothing of it before psm_latest_commit. */
static inline void *psm_latest_begin(struct psm_latest *l) {
  l->buffer = psm_latest_buffer(l, l->newest + 2);
  PSM_WINDOW(31); psm_put8(l->buffer, l->newest + 1); __atomic_thread_fence(__ATOMIC_RELEASE); /* who copies a byte of the new value finds the mark */
  PSM_WINDOW(32); return l->buffer + 16;
}
/* Publishes the value that was begun. -EMSGSIZE: its length is not possible, and nothing was published; -EINVAL: none was begun. */
static inline int psm_latest_commit(struct psm_latest *l, uint32_t length) {
  if (!l->buffer) return -EINVAL;
  if (!psm_channel_fits(&l->c, length)) return -EMSGSIZE;
  unsigned char *line = l->c.base + PSM_CHANNEL_W;
  *(uint64_t *)(void *)(l->buffer + 8) = length; PSM_WINDOW(33); psm_put8(l->buffer, l->newest + 2);
  PSM_WINDOW(34); psm_put8(line + 8, ++l->messages); psm_put8(line + 16, l->bytes += length);
  l->newest += 2; l->buffer = 0; PSM_WINDOW(35); psm_put8(line, l->newest); PSM_WINDOW(36); psm_notify_all(&l->c.roster, l->c.peer_wakes); return 0;
}
/* Publishes a value. It never waits. */
static inline int psm_latest_publish(struct psm_latest *l, const void *bytes, uint32_t length) {
  if (!psm_channel_fits(&l->c, length)) return -EMSGSIZE;
  memcpy(psm_latest_begin(l), bytes, length); return psm_latest_commit(l, length);
}
/* Says that there will be no newer value. */
static inline void psm_latest_complete(struct psm_latest *l, int32_t error) { psm_channel_complete(&l->c, error); }

/* -- reader -- */
/* Opens a reader. Without waits, it stores nothing and takes no seat: then the mapping may be one for reading only. */
static inline int psm_latest_reader_open(struct psm_latest *l, void *base, uint64_t length, int waits) {
  struct psm_channel *c = &l->c; memset(l, 0, sizeof *l);
  int r = psm_channel_check(c, base, length, PSM_LATEST_KIND); if (r) return r;
  l->stride = psm_latest_stride(c->most);
  if (!waits) { c->roster = (struct psm_roster){.base = c->base + PSM_CHANNEL_ROSTER, .seats = c->seats, .boot = psm_boot()}; return 0; }
  if ((r = psm_channel_join(c, 1))) return r;
  if ((r = psm_channel_face(c, 0, PSM_CHANNEL_W, 3))) psm_leave(&c->roster);
  return r;
}
/* What has become of the writer. */
static inline int psm_latest_peer(struct psm_latest *l) { return psm_look(&l->c, psm_endpoint(&l->c, 0), 0); }
static inline int psm_latest_load(struct psm_latest *l) {
  uint64_t newest = psm_get8(l->c.base + PSM_CHANNEL_W); if (newest < l->newest || newest > 1ull << 63 || (newest & 1)) return -EILSEQ;
  l->newest = newest; return 0;
}
/* Copies the newest value, which is never torn. 1: *length and *version are its; 0: nothing was published yet; -EMSGSIZE: it has *length bytes, and there is room for fewer;
   -EAGAIN: the writer was faster than 1,000 copies. */
static inline int psm_latest_read(struct psm_latest *l, void *to, uint32_t room, uint32_t *length, uint64_t *version) {
  int r = psm_latest_load(l); if (r || !l->newest) return r;
  for (int attempt = 0; attempt < PSM_LATEST_ATTEMPTS; attempt++) {
    uint64_t found = l->newest; unsigned char *buffer = psm_latest_buffer(l, found);
    if (psm_get8(buffer) == found) {
      uint32_t stored = __atomic_load_n((uint32_t *)(void *)(buffer + 8), __ATOMIC_RELAXED), fits = stored <= room && stored <= l->c.most;
      if (fits) memcpy(to, buffer + 16, stored);
      __atomic_thread_fence(__ATOMIC_ACQUIRE); /* if a byte that was copied belongs to a newer value, the version is another one now */
      if (__atomic_load_n((uint64_t *)(void *)buffer, __ATOMIC_RELAXED) == found) {
        if (!psm_channel_fits(&l->c, stored)) return -EILSEQ;
        *length = stored; *version = found; return fits ? 1 : -EMSGSIZE;
      }
    }
    if ((r = psm_latest_load(l))) return r;
    if (l->newest == found) return -EILSEQ; /* a newer value is the only reason for another version in the buffer */
  }
  return -EAGAIN;
}
static inline int psm_latest_ready(void *end, uint64_t seen) { struct psm_latest *l = end; int r = psm_latest_load(l); return r ? r : l->newest != seen; }
/* Sleeps until another version than seen is the newest: 1. 0: the writer has completed; -EOWNERDEAD, -ENOTCONN: once for each writer, unless restart is set; -ETIMEDOUT; -ENOTSUP: opened without waits. */
static inline int psm_latest_wait(struct psm_latest *l, uint64_t seen, int64_t deadline, int restart) {
  int r; if (!l->c.roster.me) return -ENOTSUP;
  return (r = psm_latest_ready(l, seen)) ? r : psm_channel_wait(&l->c, psm_latest_ready, l, seen, deadline, restart);
}
#endif

/* psm_broadcast.h: the ends of a broadcast of Posix.SharedMemory.Channels (kind 3: one writer, up to 64 readers of every message), over psm_channel.h, whose outcomes these functions have too.
   Further: -EAGAIN, opening a reader: all are open; -ECANCELED: the writer has evicted this reader. The bytes and protocol are in docs/spec/channels/broadcast.md. */
#ifndef PSM_BROADCAST_H
#define PSM_BROADCAST_H
#include "psm_channel.h"

enum { PSM_INTENT = 768, PSM_LIMIT = 776, PSM_NEWEST = 784, PSM_NEXT = 792, PSM_START = 800, PSM_MODE = 24, PSM_POSITION = 32, PSM_MISSED = 40, PSM_BROADCAST_ATTEMPTS = 1000 };
enum { PSM_LOSSLESS = 1, PSM_LOSSY = 2, PSM_EVICTED = 3 };
#define PSM_NOWHERE UINT64_MAX

struct psm_broadcast {
  struct psm_channel c; uint64_t prefix, round; unsigned char *own; int mode;
  uint64_t at, tail, expected, missed, last_size; int knows;                             /* reader: its place, the tail as seen; the number of the next record, where it is known */
  uint64_t intent, limit, sequence, bytes, waits, claimed;                               /* writer: its tail is `tail` */
};
/* A message: its number, and how many were missed just before it. */
struct psm_broadcast_message { const void *bytes; uint64_t sequence, missed, next; uint32_t length; uint16_t type; };

static inline unsigned char *psm_broadcast_at(struct psm_broadcast *b, uint64_t at) { return b->c.data + (at & (b->c.capacity - 1)); }
static inline uint64_t psm_broadcast_left(struct psm_broadcast *b, uint64_t at) { return b->c.capacity - (at & (b->c.capacity - 1)); }
static inline uint64_t psm_broadcast_size(struct psm_broadcast *b, uint64_t header) { return (b->prefix + (uint32_t)header + b->round) & ~b->round; }
static inline int psm_broadcast_is_record(struct psm_broadcast *b, uint64_t at, uint64_t header) {
  uint64_t size = psm_broadcast_size(b, header); return header >> 32 < 0xff00 && (uint32_t)header <= b->c.most && size <= b->tail - at && size <= psm_broadcast_left(b, at);
}
static inline int psm_broadcast_is_padding(struct psm_broadcast *b, uint64_t at, uint64_t header) {
  uint64_t left = psm_broadcast_left(b, at); return header == PSM_PADDING && left != b->c.capacity && left <= b->tail - at;
}
static inline uint64_t psm_broadcast_word(struct psm_broadcast *b, int offset) { return psm_get8(b->c.base + offset); }
static inline unsigned char *psm_broadcast_entry(struct psm_broadcast *b, uint64_t sequence) { return b->c.data + b->c.capacity + 8 * (sequence % b->c.buffers); }
static inline unsigned char *psm_broadcast_place(struct psm_broadcast *b, uint32_t index) { return (unsigned char *)psm_endpoint(&b->c, index); }
static inline int psm_broadcast_check_with(struct psm_broadcast *b, void *base, uint64_t length, uint32_t features) {
  memset(b, 0, sizeof *b); int r = psm_channel_check_with(&b->c, base, length, PSM_BROADCAST_KIND, features); if (r) return r;
  b->prefix = b->c.align > 16 ? b->c.align : 16; b->round = b->c.align - 1; return 0;
}
static inline int psm_broadcast_check(struct psm_broadcast *b, void *base, uint64_t length) { return psm_broadcast_check_with(b, base, length, 0); }
/* The oldest of the last records that begins at a place or after it, or PSM_NOWHERE. A newer place than that of the newest record is one that the writer has stored over an old one. */
static inline uint64_t psm_broadcast_find(struct psm_broadcast *b, uint64_t wanted, uint64_t least) {
  uint64_t next = psm_broadcast_word(b, PSM_NEXT), count = wanted < b->c.buffers ? wanted : b->c.buffers, low = next - (count < next ? count : next), high = next, found = PSM_NOWHERE;
  uint64_t newest = low == high ? 0 : psm_get8(psm_broadcast_entry(b, next - 1));
  while (low < high) {
    uint64_t middle = low + (high - low) / 2, place = psm_get8(psm_broadcast_entry(b, middle));
    if (place >= least && place <= newest) { found = place; high = middle; } else low = middle + 1;
  }
  return found;
}
static inline void psm_broadcast_close(struct psm_broadcast *b) { if (b->c.roster.me && b->mode) psm_put4(b->own + PSM_MODE, 0); psm_channel_close(&b->c); }

/* -- reader -- */
static inline int psm_broadcast_load_tail(struct psm_broadcast *b) {
  uint64_t tail = psm_broadcast_word(b, PSM_CHANNEL_W); if (tail < b->tail || tail > 1ull << 63 || (tail & b->round)) return -EILSEQ;
  b->tail = tail; return 0;
}
static inline int psm_broadcast_is_evicted(struct psm_broadcast *b) { return b->mode == PSM_LOSSLESS && psm_get4(b->own + PSM_MODE) != PSM_LOSSLESS; }
/* Whether what was copied from a place was still the record that was published there. */
static inline int psm_broadcast_whole(struct psm_broadcast *b, uint64_t at) {
  __atomic_thread_fence(__ATOMIC_ACQUIRE); uint64_t intent = psm_broadcast_word(b, PSM_INTENT);
  return intent < b->tail ? -EILSEQ : intent - at <= b->c.capacity;
}
static inline void psm_broadcast_show(struct psm_broadcast *b) {
  if (!b->own) return;
  PSM_WINDOW(11); psm_put8(b->own + PSM_POSITION, b->at); PSM_WINDOW(12); if (b->mode == PSM_LOSSLESS) psm_notify_all(&b->c.roster, b->c.peer_wakes);
}
/* Goes past all records. The number of the next one is known, unless the writer never stops. */
static inline int psm_broadcast_to_tail(struct psm_broadcast *b) {
  b->knows = 0;
  for (int attempt = 0, r; attempt < PSM_BROADCAST_ATTEMPTS && !b->knows; attempt++) {
    uint64_t next = psm_broadcast_word(b, PSM_NEXT); if ((r = psm_broadcast_load_tail(b))) return r;
    b->at = b->tail; b->expected = next; b->knows = psm_broadcast_word(b, PSM_CHANNEL_W + 8) == next;
  }
  return 0;
}
/* Goes to a record. 0: it was written over meanwhile. */
static inline int psm_broadcast_to(struct psm_broadcast *b, uint64_t at) {
  uint64_t header = psm_get8(psm_broadcast_at(b, at)), sequence = 0; int is_record = psm_broadcast_is_record(b, at, header), r;
  if (is_record) sequence = psm_get8(psm_broadcast_at(b, at) + 8);
  if ((r = psm_broadcast_whole(b, at)) <= 0) return r;
  if (!is_record || sequence > at / 16) return -EILSEQ;
  b->at = at; b->expected = sequence; b->knows = 1; b->last_size = psm_broadcast_size(b, header); return 1;
}
/* A place to begin for a reader that may lose messages, of the last wanted and at most reach bytes before the intent. 0: it was written over meanwhile. */
static inline int psm_broadcast_begin(struct psm_broadcast *b, uint64_t wanted, uint64_t reach) {
  if (!psm_broadcast_word(b, PSM_NEXT)) { b->expected = 0; return b->knows = 1; }
  uint64_t newest = psm_broadcast_word(b, PSM_NEWEST), intent = psm_broadcast_word(b, PSM_INTENT), at = psm_broadcast_find(b, wanted, intent - (intent < reach ? intent : reach)); int r;
  if (at > newest) at = newest;
  if ((r = psm_broadcast_load_tail(b))) return r;
  if (at >= b->tail || (at & b->round)) return -EILSEQ;
  if ((r = psm_broadcast_to(b, at)) <= 0) return r;
  if (!wanted || !b->c.buffers) { b->at = at + b->last_size; b->expected++; } /* after the newest record */
  return 1;
}
static inline int psm_broadcast_join(struct psm_broadcast *b, uint64_t wanted) {
  int r; b->tail = 0;
  if (b->own) { psm_put4(b->own + PSM_MODE, 0); psm_put8(b->own + PSM_MISSED, 0); }
  if (b->mode == PSM_LOSSY) {
    uint64_t quarters = 4; r = 0; /* each attempt wants less of the history: a busy writer writes over the oldest of it meanwhile */
    while (quarters >= 2 && (r = psm_broadcast_begin(b, wanted, quarters * (b->c.capacity / 4))) == 0) quarters--;
    if (r < 0 || (quarters < 2 && (r = psm_broadcast_to_tail(b)))) return r;
    psm_broadcast_show(b); if (b->own) psm_put4(b->own + PSM_MODE, PSM_LOSSY);
    return 0;
  }
  if ((r = psm_broadcast_load_tail(b))) return r;
  b->at = psm_broadcast_find(b, wanted, 0); if (b->at > b->tail) b->at = b->tail;
  psm_put8(b->own + PSM_POSITION, b->at); PSM_WINDOW(21); psm_put4(b->own + PSM_MODE, PSM_LOSSLESS);
  __atomic_thread_fence(__ATOMIC_SEQ_CST); /* either the writer's second look finds this reader, or this finds the writer's promise */
  PSM_WINDOW(22); uint64_t limit = psm_broadcast_word(b, PSM_LIMIT), least = limit - (limit < b->c.capacity ? limit : b->c.capacity);
  PSM_WINDOW(27); if ((r = psm_broadcast_load_tail(b))) return r;
  if (b->at < least) { b->at = psm_broadcast_find(b, wanted, least); if (b->at > b->tail) b->at = b->tail; }
  if (psm_broadcast_is_evicted(b)) return -ECANCELED;
  if (least > b->tail || b->tail - b->at > b->c.capacity || (b->at & b->round)) return -EILSEQ;
  psm_put8(b->own + PSM_POSITION, b->at); return 0;
}
static inline int psm_broadcast_reader_enter(struct psm_broadcast *b, int mode, uint64_t last, const char *label, int waits) {
  struct psm_channel *c = &b->c; int r, entered = -EBUSY; b->mode = mode;
  if (!waits && mode == PSM_LOSSY) { c->roster = (struct psm_roster){.base = c->control + PSM_CHANNEL_ROSTER, .seats = c->seats, .boot = psm_boot()}; return psm_broadcast_join(b, last); }
  if ((r = psm_channel_join(c, 1))) return r;
  if ((r = psm_channel_face(c, 0, PSM_CHANNEL_W, 3))) { psm_leave(&c->roster); return r; }
  /* The writer enters the mutex of a dead reader for an instant. */
  for (int attempt = 0; attempt < 100 && entered == -EBUSY; attempt++) {
    for (uint32_t i = 1; i < c->count && entered == -EBUSY; i++) entered = psm_channel_enter(c, i);
    if (entered == -EBUSY) sched_yield();
  }
  if (entered < 0) { psm_leave(&c->roster); return entered == -EBUSY ? -EAGAIN : entered; }
  b->own = (unsigned char *)c->mutex;
  if ((r = psm_broadcast_join(b, last))) { psm_put4(b->own + PSM_MODE, 0); return psm_channel_refuse(c, r); }
  psm_channel_occupy(c, 1, label, entered); return 0;
}
/* Opens a reader: PSM_LOSSLESS, which the writer waits for, or PSM_LOSSY. It begins with the last messages that the history has, at most `last`; 0: with the next one. One that is lossy and
   opened without waits stores nothing and takes no place: then the mapping may be one for reading only. */
static inline int psm_broadcast_reader_open(struct psm_broadcast *b, void *base, uint64_t length, int mode, uint64_t last, const char *label, int waits) {
  int r = psm_broadcast_check(b, base, length); if (r) return r;
  return mode == PSM_LOSSLESS || mode == PSM_LOSSY ? psm_broadcast_reader_enter(b, mode, last, label, waits) : -EINVAL;
}
/* Opens a reader of a split broadcast, which may lose messages: the data is mapped for reading only, which is all that the kernel allows, the control object for reading and writing, or for reading
   only where it does not wait. Both are sealed against shrinking: their receiver requires PSM_SHRINK. -EILSEQ also: they do not belong together. */
static inline int psm_broadcast_split_reader_open(struct psm_broadcast *b, void *base, uint64_t length, void *control, uint64_t control_length, uint64_t last, const char *label, int waits) {
  int r = psm_broadcast_check_with(b, base, length, 4); if (r) return r;
  unsigned char h[256], twin[256]; if (control_length != (uint64_t)(b->c.data - b->c.base)) return -EILSEQ;
  memcpy(h, base, sizeof h); memcpy(h + 16, &control_length, 8); memcpy(twin, control, sizeof twin); if (memcmp(h, twin, sizeof h)) return -EILSEQ;
  b->c.endpoints = (unsigned char *)control + (b->c.endpoints - b->c.base); b->c.control = control;
  return psm_broadcast_reader_enter(b, PSM_LOSSY, last, label, waits);
}
/* What has become of the writer. */
static inline int psm_broadcast_peer(struct psm_broadcast *b) { return psm_look(&b->c, psm_endpoint(&b->c, 0), 0); }
/* The record at the reader's place, of a reader that loses nothing. */
static inline int psm_broadcast_next(struct psm_broadcast *b, struct psm_broadcast_message *m) {
  int r; if (psm_broadcast_is_evicted(b)) return -ECANCELED;
  if (b->at == b->tail) { if ((r = psm_broadcast_load_tail(b))) return r; if (b->at == b->tail) return 0; }
  uint64_t header = psm_get8(psm_broadcast_at(b, b->at));
  if (psm_broadcast_is_padding(b, b->at, header)) { b->at += psm_broadcast_left(b, b->at); if (b->at == b->tail) return 0; header = psm_get8(psm_broadcast_at(b, b->at)); }
  int is_record = b->tail - b->at <= b->c.capacity && psm_broadcast_is_record(b, b->at, header); uint64_t sequence = is_record ? psm_get8(psm_broadcast_at(b, b->at) + 8) : 0;
  __atomic_thread_fence(__ATOMIC_ACQUIRE); if (psm_broadcast_is_evicted(b)) return -ECANCELED;
  if (!is_record || sequence > b->at / 16 || (b->knows && sequence != b->expected)) return -EILSEQ;
  *m = (struct psm_broadcast_message){psm_broadcast_at(b, b->at) + b->prefix, sequence, 0, b->at + psm_broadcast_size(b, header), (uint32_t)header, (uint16_t)(header >> 32)}; return 1;
}
/* The next message, in place, of a reader that loses nothing. 1: it is valid until psm_broadcast_release; 0: there is none now. */
static inline int psm_broadcast_try_read(struct psm_broadcast *b, struct psm_broadcast_message *m) { return b->mode == PSM_LOSSLESS ? psm_broadcast_next(b, m) : -ENOTSUP; }
/* Passes over a message, and lets the writer have its room. */
static inline void psm_broadcast_release(struct psm_broadcast *b, const struct psm_broadcast_message *m) { b->at = m->next; b->expected = m->sequence + 1; b->knows = 1; psm_broadcast_show(b); }
/* A reader that was overrun goes to the newer half of the ring, as far as the history knows it; otherwise to the newest record, or past it. */
static inline int psm_broadcast_skip(struct psm_broadcast *b) {
  int r = psm_broadcast_load_tail(b); if (r) return r;
  uint64_t intent = psm_broadcast_word(b, PSM_INTENT), half = b->c.capacity / 2, newest = psm_broadcast_word(b, PSM_NEWEST), place = psm_broadcast_find(b, 1024, intent - (intent < half ? intent : half));
  if (place > newest) place = newest;
  b->at = place > b->at && place < b->tail && !(place & b->round) ? place : b->tail; psm_broadcast_show(b); return 0;
}
static inline int psm_broadcast_copy_lossy(struct psm_broadcast *b, void *to, uint32_t room, struct psm_broadcast_message *m) {
  for (int attempt = 0, r; attempt < PSM_BROADCAST_ATTEMPTS; attempt++) {
    if (b->at == b->tail) { if ((r = psm_broadcast_load_tail(b))) return r; if (b->at == b->tail) break; }
    uint64_t at = b->at, header, sequence = 0; if (b->tail - at > b->c.capacity) { if ((r = psm_broadcast_skip(b))) return r; continue; }
    header = psm_get8(psm_broadcast_at(b, at)); int is_record = psm_broadcast_is_record(b, at, header), fits = is_record && (uint32_t)header <= room;
    if (is_record) sequence = psm_get8(psm_broadcast_at(b, at) + 8);
    if (fits) memcpy(to, psm_broadcast_at(b, at) + b->prefix, (uint32_t)header); /* it may be torn */
    if ((r = psm_broadcast_whole(b, at)) < 0) return r;
    if (!r) { if ((r = psm_broadcast_skip(b))) return r; continue; }
    if (!is_record) { if (!psm_broadcast_is_padding(b, at, header)) return -EILSEQ; b->at = at + psm_broadcast_left(b, at); continue; }
    if (sequence > at / 16 || (b->knows && sequence < b->expected)) return -EILSEQ;
    *m = (struct psm_broadcast_message){to, sequence, b->knows ? sequence - b->expected : 0, at + psm_broadcast_size(b, header), (uint32_t)header, (uint16_t)(header >> 32)};
    if (!fits) return -EMSGSIZE;
    b->missed += m->missed; if (m->missed && b->own) psm_put8(b->own + PSM_MISSED, b->missed);
    psm_broadcast_release(b, m); return 1;
  }
  return 0;
}
/* Copies the next message, which is whole. 1: *m is it; 0: there is none now, or the writer was faster than 1,000 copies; -EMSGSIZE: it has m->length bytes, and there is room for fewer: it stays. */
static inline int psm_broadcast_read(struct psm_broadcast *b, void *to, uint32_t room, struct psm_broadcast_message *m) {
  if (b->mode == PSM_LOSSY) return psm_broadcast_copy_lossy(b, to, room, m);
  int r = psm_broadcast_next(b, m); if (r <= 0) return r;
  if (m->length > room) return -EMSGSIZE;
  memcpy(to, m->bytes, m->length); __atomic_thread_fence(__ATOMIC_ACQUIRE); if (psm_broadcast_is_evicted(b)) return -ECANCELED;
  m->bytes = to; psm_broadcast_release(b, m); return 1;
}
static inline int psm_broadcast_ready(void *end, uint64_t what) {
  struct psm_broadcast *b = end; (void)what; if (psm_broadcast_is_evicted(b)) return -ECANCELED;
  if (b->at != b->tail) return 1;
  int r = psm_broadcast_load_tail(b); return r ? r : b->at != b->tail;
}
/* Sleeps until there is a message: 1. 0: the writer has completed, and everything was read; -EOWNERDEAD, -ENOTCONN: once for each writer, unless restart is set; -ETIMEDOUT; -ENOTSUP: opened without waits. */
static inline int psm_broadcast_wait(struct psm_broadcast *b, int64_t deadline, int restart) {
  int r; if (!b->c.roster.me) return -ENOTSUP;
  return (r = psm_broadcast_ready(b, 0)) ? r : psm_channel_wait(&b->c, psm_broadcast_ready, b, 0, deadline, restart);
}

/* -- writer -- */
/* Where the slowest reader is that loses nothing, each place loaded once: its index; 0: there is none. */
static inline int64_t psm_broadcast_least(struct psm_broadcast *b, uint64_t *least) {
  int64_t slowest = 0; *least = b->tail;
  for (uint32_t i = 1; i < b->c.count; i++) {
    unsigned char *place = psm_broadcast_place(b, i); uint32_t mode = psm_get4(place + PSM_MODE); if (mode > PSM_EVICTED) return -EILSEQ;
    if (mode != PSM_LOSSLESS) continue;
    uint64_t position = psm_get8(place + PSM_POSITION); if (position > b->tail || (position & b->round)) return -EILSEQ;
    if (position < *least) { *least = position; slowest = i; }
  }
  return slowest;
}
/* Settles the places whose owners died: the writer waits for them no longer. 1: there was one. */
static inline int psm_broadcast_settle(struct psm_broadcast *b) {
  int settled = 0;
  for (uint32_t i = 1; i < b->c.count; i++) {
    unsigned char *place = psm_broadcast_place(b, i); uint32_t *mutex = (uint32_t *)(void *)place; if (psm_get4(place + PSM_MODE) != PSM_LOSSLESS) continue;
    int state = psm_look(&b->c, mutex, 1), r; if (state < 0) return state;
    if (state != PSM_DIED) continue;
    if ((r = psm_lock_until(&b->c.roster, mutex, 0)) == PSM_TIMED_OUT) continue;
    if (r < 0) return -EILSEQ;
    if (r == PSM_OWNER_DIED) { psm_put4(place + PSM_MODE, 0); psm_consistent(mutex); settled = 1; }
    psm_unlock(&b->c.roster, mutex);
  }
  return settled;
}
/* Whether the writer may write up to a place: 1, 0, or an error. */
static inline int psm_broadcast_raise(struct psm_broadcast *b, uint64_t end) {
  while (end > b->limit) {
    uint64_t old = b->limit, least, promise; int64_t slowest = psm_broadcast_least(b, &least); if (slowest < 0) return (int)slowest;
    promise = end + b->c.capacity / 4 < least + b->c.capacity ? end + b->c.capacity / 4 : least + b->c.capacity; /* what is promised is lost for those who join */
    if (promise > old) {
      psm_put8(b->c.base + PSM_LIMIT, promise); PSM_WINDOW(23);
      __atomic_thread_fence(__ATOMIC_SEQ_CST); /* either this look finds a reader that has just joined, or that reader finds the promise */
      if ((slowest = psm_broadcast_least(b, &least)) < 0) return (int)slowest;
      if (least + b->c.capacity < promise) { promise = least + b->c.capacity > old ? least + b->c.capacity : old; psm_put8(b->c.base + PSM_LIMIT, promise); }
      b->limit = promise;
    }
    if (end <= b->limit) break;
    int r = psm_broadcast_settle(b); if (r < 0) return r;
    if (r) continue;
    b->c.life = 0; if (slowest && (r = psm_look(&b->c, psm_endpoint(&b->c, (uint32_t)slowest), 0)) < 0) return r; /* its death ends a wait */
    return 0;
  }
  return 1;
}
static inline uint64_t psm_broadcast_end(struct psm_broadcast *b, uint32_t length, uint64_t *at) {
  uint64_t need = psm_broadcast_size(b, length), left = psm_broadcast_left(b, b->tail); *at = need <= left ? b->tail : b->tail + left; return *at + need;
}
/* Room for a message of up to length bytes, in place. 1: *payload is it; 0: a reader that loses nothing still needs the room. Nothing is sent before psm_broadcast_commit. */
static inline int psm_broadcast_reserve(struct psm_broadcast *b, uint32_t length, void **payload) {
  if (!psm_channel_fits(&b->c, length)) return -EMSGSIZE;
  uint64_t at, end = psm_broadcast_end(b, length, &at); int r = psm_broadcast_raise(b, end); if (r <= 0) return r;
  PSM_WINDOW(9); if (end > b->intent) psm_put8(b->c.base + PSM_INTENT, b->intent = end); /* it never falls: who copies a byte of the new record finds that the old one was overrun */
  *(uint64_t *)(void *)(b->c.base + PSM_START) = at; __atomic_thread_fence(__ATOMIC_RELEASE);
  if (at != b->tail) *(uint64_t *)(void *)psm_broadcast_at(b, b->tail) = PSM_PADDING;
  b->claimed = at; *payload = psm_broadcast_at(b, at) + b->prefix; return 1;
}
/* Sends the message that was written to the room that is reserved. */
static inline void psm_broadcast_commit(struct psm_broadcast *b, uint32_t length, uint16_t type) {
  uint64_t header = length | (uint64_t)type << 32, at = b->claimed; unsigned char *record = psm_broadcast_at(b, at), *line = b->c.base + PSM_CHANNEL_W;
  *(uint64_t *)(void *)(record + 8) = b->sequence; *(uint64_t *)(void *)record = header; if (b->c.buffers) psm_put8(psm_broadcast_entry(b, b->sequence), at);
  b->sequence++; PSM_WINDOW(10); psm_put8(line + 8, b->sequence); psm_put8(line + 16, b->bytes += length);
  PSM_WINDOW(11); psm_put8(line, b->tail = at + psm_broadcast_size(b, header)); PSM_WINDOW(12);
  psm_put8(b->c.base + PSM_NEWEST, at); PSM_WINDOW(25); psm_put8(b->c.base + PSM_NEXT, b->sequence); PSM_WINDOW(24); psm_notify_all(&b->c.roster, b->c.peer_wakes);
}
/* 1: written; 0: a reader that loses nothing still needs the room; -EINVAL: types from 0xff00 are reserved. */
static inline int psm_broadcast_try_write(struct psm_broadcast *b, const void *bytes, uint32_t length, uint16_t type) {
  void *payload; int r = type >= PSM_OBJECT ? -EINVAL : psm_broadcast_reserve(b, length, &payload); if (r <= 0) return r;
  memcpy(payload, bytes, length); psm_broadcast_commit(b, length, type); return 1;
}
/* Says what a writer that was killed did not come to say: which records are the newest. */
static inline int psm_broadcast_mend(struct psm_broadcast *b) {
  uint64_t start = psm_broadcast_word(b, PSM_START), next = psm_broadcast_word(b, PSM_NEXT), newest = start; b->sequence = next; if (start >= b->tail) return 0;
  if ((start & b->round) || b->tail - start > b->c.capacity) return -EILSEQ;
  uint64_t expected = 0;
  for (uint64_t at = start; at != b->tail;) {
    uint64_t header = psm_get8(psm_broadcast_at(b, at)), sequence; if (at != start && psm_broadcast_is_padding(b, at, header)) { at += psm_broadcast_left(b, at); continue; }
    if (!psm_broadcast_is_record(b, at, header)) return -EILSEQ;
    sequence = psm_get8(psm_broadcast_at(b, at) + 8); if (at == start ? sequence > next : sequence != expected) return -EILSEQ;
    if (b->c.buffers) psm_put8(psm_broadcast_entry(b, sequence), at);
    newest = at; expected = sequence + 1; at += psm_broadcast_size(b, header);
  }
  if (expected < next) return -EILSEQ;
  b->sequence = expected; psm_put8(b->c.base + PSM_NEWEST, newest); psm_put8(b->c.base + PSM_NEXT, expected); return 0;
}
static inline int psm_broadcast_writer_open(struct psm_broadcast *b, void *base, uint64_t length, const char *label) {
  struct psm_channel *c = &b->c; int r = psm_broadcast_check(b, base, length), entered; if (r) return r;
  if ((r = psm_channel_join(c, 0))) return r;
  for (uint32_t i = 1; i < c->count; i++) if ((r = psm_mutex_at(psm_endpoint(c, i)))) { psm_leave(&c->roster); return r; }
  if ((entered = psm_channel_enter(c, 0)) < 0) { psm_leave(&c->roster); return entered; }
  unsigned char *line = c->base + PSM_CHANNEL_W;
  if (psm_get4(line + 32)) return psm_channel_refuse(c, -EPIPE);
  b->tail = psm_get8(line); b->bytes = psm_get8(line + 16); b->waits = psm_get8(line + 24); b->intent = psm_broadcast_word(b, PSM_INTENT);
  if (b->tail > 1ull << 63 || (b->tail & b->round) || b->intent < b->tail || b->intent - b->tail > c->capacity || (b->intent & b->round)) return psm_channel_refuse(c, -EILSEQ);
  /* A writer that was killed may not have looked again after its last promise. */
  psm_put8(c->base + PSM_LIMIT, b->limit = b->intent);
  if ((r = psm_broadcast_mend(b))) return psm_channel_refuse(c, r);
  psm_put8(line + 8, b->sequence); psm_channel_occupy(c, 0, label, entered); return 0;
}
static inline int psm_broadcast_room(void *end, uint64_t length) { struct psm_broadcast *b = end; uint64_t at, last = psm_broadcast_end(b, (uint32_t)length, &at); return psm_broadcast_raise(b, last); }
/* Sleeps until there is room for a message of the given length: 1; -ETIMEDOUT. */
static inline int psm_broadcast_wait_room(struct psm_broadcast *b, uint32_t length, int64_t deadline) {
  int r; if ((r = psm_broadcast_room(b, length))) return r;
  psm_put8(b->c.base + PSM_CHANNEL_W + 24, ++b->waits); return psm_channel_wait(&b->c, psm_broadcast_room, b, length, deadline, 1);
}
/* Waits no longer for a reader: its endpoint's index. */
static inline void psm_broadcast_evict(struct psm_broadcast *b, uint32_t index) {
  uint32_t lossless = PSM_LOSSLESS; if (!index || index >= b->c.count) return;
  if (__atomic_compare_exchange_n((uint32_t *)(void *)(psm_broadcast_place(b, index) + PSM_MODE), &lossless, PSM_EVICTED, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) psm_channel_notify(&b->c);
}
/* Ends the broadcast: readers drain it, and then see the end. */
static inline void psm_broadcast_complete(struct psm_broadcast *b, int32_t error) { psm_channel_complete(&b->c, error); }
#endif

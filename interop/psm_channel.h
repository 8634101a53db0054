/* psm_channel.h: the ends of a message channel of Posix.SharedMemory.Channels (kind 1), over psm.h. C11, Linux, 64-bit, little-endian, header-only.
   The bytes and protocols are in docs/spec/channels. Functions return 0 or a positive outcome, or a negative errno:
   -EBUSY: a living process has the end open; -EPIPE: the channel was completed (opening a writer); -EILSEQ: the bytes are something else, or a peer stored what none stores;
   -EMSGSIZE: the message is too long; -EOWNERDEAD, -ENOTCONN: the other side died, or left, and everything it had committed was delivered; -ETIMEDOUT.
   An end is for one thread at a time. */
#ifndef PSM_CHANNEL_H
#define PSM_CHANNEL_H
#include "psm.h"

enum { PSM_CHANNEL_W = 256, PSM_CHANNEL_R = 384, PSM_CHANNEL_WAKES_READER = 512, PSM_CHANNEL_WAKES_WRITER = 640, PSM_CHANNEL_CHANGES = 704, PSM_CHANNEL_ROSTER = 4096 };
enum { PSM_NEVER = 0, PSM_ALIVE = 1, PSM_LEFT = 2, PSM_DIED = 3 };                       /* what has become of the other side */
#define PSM_PADDING (1ull << 48)
/* Tests define it, to be killed at each step. */
#ifndef PSM_WINDOW
#define PSM_WINDOW(n)
#endif

/* One end of a channel. */
struct psm_end {
  unsigned char *base, *data; uint64_t capacity, round, prefix, most, endpoints;
  struct psm_roster roster; int is_reader; uint32_t told;
  uint64_t own, seen, published;                                                         /* writer: tail, head as seen; reader: head, tail as seen */
  uint64_t messages, bytes, waits, claimed, redelivered_before;
  unsigned char *line, *peer_line; uint32_t *wakes, *peer_wakes, *mutex, *peer_mutex;
};
struct psm_message { const void *bytes; uint32_t length; uint16_t type; int is_redelivered; uint64_t next; };

static inline uint64_t psm_get8(const unsigned char *p) { return __atomic_load_n((const uint64_t *)(const void *)p, __ATOMIC_ACQUIRE); }
static inline uint32_t psm_get4(const unsigned char *p) { return __atomic_load_n((const uint32_t *)(const void *)p, __ATOMIC_ACQUIRE); }
static inline void psm_put8(unsigned char *p, uint64_t v) { __atomic_store_n((uint64_t *)(void *)p, v, __ATOMIC_RELEASE); }
static inline void psm_put4(unsigned char *p, uint32_t v) { __atomic_store_n((uint32_t *)(void *)p, v, __ATOMIC_RELEASE); }
static inline uint64_t psm_record(const struct psm_end *e, uint64_t length) { return (e->prefix + length + e->round) & ~e->round; }

/* Copies and checks the header at base, which is an object of the given length, mapped for reading and writing. */
static inline int psm_channel_check(struct psm_end *e, void *base, uint64_t length, uint32_t *seats) {
  unsigned char h[256]; if (length < 4096) return -EILSEQ;
  uint64_t magic = psm_get8(base); memcpy(h, base, sizeof h);
  uint16_t kind, endpoints, seats2; uint32_t required, roster, align, most; uint64_t total, data, capacity;
  memcpy(&kind, h + 8, 2); memcpy(&required, h + 12, 4); memcpy(&total, h + 16, 8); memcpy(&roster, h + 32, 4); memcpy(&seats2, h + 36, 2); memcpy(&endpoints, h + 38, 2);
  memcpy(&data, h + 40, 8); memcpy(&capacity, h + 48, 8); memcpy(&most, h + 56, 4); memcpy(&align, h + 60, 4);
  if (magic != 0x014e4148434d4853ull || kind != 1 || required || total != length || roster != PSM_CHANNEL_ROSTER || !seats2 || seats2 > 1023 || endpoints != 2) return -EILSEQ;
  if (capacity < 4096 || capacity > 1u << 30 || (capacity & (capacity - 1)) || (align != 8 && align != 16 && align != 32 && align != 64)) return -EILSEQ;
  e->endpoints = (PSM_CHANNEL_ROSTER + psm_roster_size(seats2) + 127) & ~127ull; e->prefix = align; e->round = align - 1; e->most = most; e->capacity = capacity;
  if (data % 4096 || data < e->endpoints + 256 || data > total || capacity > total - data || most > capacity / 2 - e->prefix) return -EILSEQ;
  e->base = base; e->data = e->base + data; *seats = seats2; return 0;
}
static inline void psm_end_notify(struct psm_end *e) {
  psm_notify_all(&e->roster, e->peer_wakes); psm_notify_all(&e->roster, e->wakes); psm_notify_all(&e->roster, (uint32_t *)(e->base + PSM_CHANNEL_CHANGES));
}
static inline void psm_end_close(struct psm_end *e) {
  if (!e->roster.me) return;
  PSM_WINDOW(1); psm_unlock(&e->roster, e->mutex); PSM_WINDOW(2); psm_end_notify(e); PSM_WINDOW(3); psm_leave(&e->roster);
}
/* Opens the writer or the reader. */
static inline int psm_end_open(struct psm_end *e, void *base, uint64_t length, int is_reader, const char *label) {
  uint32_t seats; memset(e, 0, sizeof *e); int r = psm_channel_check(e, base, length, &seats); if (r) return r;
  if ((r = psm_join(&e->roster, e->base + PSM_CHANNEL_ROSTER, seats))) return r;
  e->is_reader = is_reader; e->told = UINT32_MAX;
  unsigned char *own = e->base + e->endpoints + 128 * is_reader, *other = e->base + e->endpoints + 128 * !is_reader, *w = e->base + PSM_CHANNEL_W, *rd = e->base + PSM_CHANNEL_R;
  e->mutex = (uint32_t *)own; e->peer_mutex = (uint32_t *)other; e->line = is_reader ? rd : w; e->peer_line = is_reader ? w : rd;
  e->wakes = (uint32_t *)(e->base + (is_reader ? PSM_CHANNEL_WAKES_READER : PSM_CHANNEL_WAKES_WRITER)); e->peer_wakes = (uint32_t *)(e->base + (is_reader ? PSM_CHANNEL_WAKES_WRITER : PSM_CHANNEL_WAKES_READER));
  if ((r = psm_mutex_at(own)) || (r = psm_mutex_at(other)) || (r = psm_eventcount_at(e->wakes)) || (r = psm_eventcount_at(e->peer_wakes)) || (r = psm_eventcount_at(e->base + PSM_CHANNEL_CHANGES))) { psm_leave(&e->roster); return r; }
  int entered = psm_lock_until(&e->roster, e->mutex, 0);                                  /* never waits */
  if (entered == PSM_TIMED_OUT || entered < 0) { psm_leave(&e->roster); return entered < 0 ? -EILSEQ : -EBUSY; }
  PSM_WINDOW(4);
  /* A former owner's end is confirmed by the entry: it stores nothing more. */
  uint64_t head = psm_get8(rd), tail = psm_get8(w);
  if (tail > 1ull << 63 || (tail & e->round) || (head & e->round) || head > tail || tail - head > e->capacity) r = -EILSEQ;
  else if (!is_reader && psm_get4(w + 32)) r = -EPIPE;
  if (r) { psm_unlock(&e->roster, e->mutex); psm_leave(&e->roster); return r; }           /* left as it was found */
  e->own = e->published = is_reader ? head : tail; e->seen = is_reader ? tail : head;
  e->messages = psm_get8(e->line + 8); e->bytes = psm_get8(e->line + 16); e->waits = psm_get8(e->line + 24);
  uint32_t generation = psm_get4(own + 16); e->redelivered_before = is_reader && (generation || entered == PSM_OWNER_DIED) ? tail : 0;
  struct timespec t; clock_gettime(CLOCK_BOOTTIME, &t);
  PSM_WINDOW(5); psm_put4(own + 16, generation + 1); PSM_WINDOW(6); psm_put4(own + 20, is_reader ? 2 : 1); psm_put8(own + 48, (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec);
  memset(own + 64, 0, 32); if (label) memcpy(own + 64, label, strnlen(label, 32));
  PSM_WINDOW(7); if (entered == PSM_OWNER_DIED) psm_consistent(e->mutex);                 /* last */
  PSM_WINDOW(8); psm_end_notify(e); return 0;
}
static inline int psm_writer_open(struct psm_end *e, void *base, uint64_t length, const char *label) { return psm_end_open(e, base, length, 0, label); }
static inline int psm_reader_open(struct psm_end *e, void *base, uint64_t length, const char *label) { return psm_end_open(e, base, length, 1, label); }

/* What has become of the other side: a state of the enum; with confirm, a dead one stores nothing more when this returns. */
static inline int psm_peer(struct psm_end *e, int confirm) {
  uint32_t word = psm_load(e->peer_mutex), owner = word & PSM_OWNER, *life, value;
  if (owner & 1u << 28) {
    int alive = psm_alive(&e->roster, owner, &life, &value); if (alive) return alive < 0 ? alive : PSM_ALIVE;
    if (confirm) psm_confirm_end(&e->roster, owner);
    return PSM_DIED;
  }
  return word & PSM_INCONSISTENT ? PSM_DIED : psm_get4((unsigned char *)e->peer_mutex + 16) ? PSM_LEFT : PSM_NEVER;
}

/* -- writer -- */
static inline int psm_load_head(struct psm_end *e) {
  uint64_t head = psm_get8(e->peer_line); if (head < e->seen || head > e->published || (head & e->round)) return -EILSEQ;
  e->seen = head; return 0;
}
/* Room for a message of up to length bytes, in place. 1: *payload is it; 0: there is none now. Nothing is sent before commit and publish. */
static inline int psm_reserve(struct psm_end *e, uint32_t length, void **payload) {
  if (length > e->most) return -EMSGSIZE;
  uint64_t need = psm_record(e, length), at = e->own, room = e->capacity - (at & (e->capacity - 1)), total = need <= room ? need : room + need;
  if (at + total - e->seen > e->capacity) { int r = psm_load_head(e); if (r) return r; if (at + total - e->seen > e->capacity) return 0; }
  if (need > room) { *(uint64_t *)(void *)(e->data + (at & (e->capacity - 1))) = PSM_PADDING; at += room; }
  e->claimed = at; *payload = e->data + (at & (e->capacity - 1)) + e->prefix; return 1;
}
static inline void psm_commit(struct psm_end *e, uint32_t length, uint16_t type) {
  PSM_WINDOW(9); *(uint64_t *)(void *)(e->data + (e->claimed & (e->capacity - 1))) = length | (uint64_t)type << 32;
  e->own = e->claimed + psm_record(e, length); e->messages++; e->bytes += length;
}
static inline void psm_publish(struct psm_end *e) {
  PSM_WINDOW(10); psm_put8(e->line + 8, e->messages); psm_put8(e->line + 16, e->bytes); e->published = e->own;
  PSM_WINDOW(11); psm_put8(e->line, e->own); PSM_WINDOW(12); psm_notify_all(&e->roster, e->peer_wakes);
}
/* 1: written; 0: there is no room now. */
static inline int psm_try_write(struct psm_end *e, const void *bytes, uint32_t length, uint16_t type) {
  void *payload; int r = psm_reserve(e, length, &payload); if (r <= 0) return r;
  memcpy(payload, bytes, length); psm_commit(e, length, type); psm_publish(e); return 1;
}
static inline void psm_complete(struct psm_end *e, int32_t error) {
  PSM_WINDOW(15); psm_put4(e->line + 36, (uint32_t)error); PSM_WINDOW(16); psm_put4(e->line + 32, error ? 2 : 1); PSM_WINDOW(17); psm_end_notify(e);
}

/* -- reader -- */
static inline int psm_load_tail(struct psm_end *e) {
  uint64_t tail = psm_get8(e->peer_line); if (tail < e->seen || tail - e->own > e->capacity || (tail & e->round)) return -EILSEQ;
  e->seen = tail; return 0;
}
/* The next message, in place. 1: it is valid until psm_release; 0: there is none now. A writer that is not trusted can change it meanwhile. */
static inline int psm_try_read(struct psm_end *e, struct psm_message *m) {
  for (;;) {
    if (e->own == e->seen) { int r = psm_load_tail(e); if (r) return r; if (e->own == e->seen) return 0; }
    uint64_t offset = e->own & (e->capacity - 1), room = e->capacity - offset, left = e->seen - e->own, header = psm_get8(e->data + offset), length = header & 0xffffffff, need = psm_record(e, length);
    if (header == PSM_PADDING && offset && room <= left) { e->own += room; continue; }
    if (header >> 48 || (header >> 32 & 0xffff) >= 0xff00 || length > e->most || need > left || need > room) return -EILSEQ;
    *m = (struct psm_message){e->data + offset + e->prefix, (uint32_t)length, (uint16_t)(header >> 32), e->own < e->redelivered_before, e->own + need}; return 1;
  }
}
/* Passes over a message; its room is given back by psm_release. */
static inline void psm_pass(struct psm_end *e, const struct psm_message *m) { e->own = m->next; e->messages++; e->bytes += m->length; }
static inline void psm_release(struct psm_end *e) {
  PSM_WINDOW(10); psm_put8(e->line + 8, e->messages); psm_put8(e->line + 16, e->bytes); PSM_WINDOW(11); psm_put8(e->line, e->own); PSM_WINDOW(12); psm_notify_all(&e->roster, e->peer_wakes);
}

/* -- waiting -- */
static inline int psm_end_ready(struct psm_end *e, uint32_t length) {
  int r;
  if (e->is_reader) return e->own != e->seen ? 1 : (r = psm_load_tail(e)) ? r : e->own != e->seen;
  uint64_t need = psm_record(e, length), room = e->capacity - (e->own & (e->capacity - 1)), total = need <= room ? need : room + need;
  if (e->own + total - e->seen <= e->capacity) return 1;
  return (r = psm_load_head(e)) ? r : e->own + total - e->seen <= e->capacity;
}
/* Sleeps until there is a message, or room for one of the given length. 1: there is; 0: the channel was completed and drained, or the reader takes no more;
   -EOWNERDEAD, -ENOTCONN: once for each peer, unless restart is set; -ETIMEDOUT. The deadline is one of psm_now(). */
static inline int psm_end_wait(struct psm_end *e, uint32_t length, int64_t deadline, int restart) {
  int r; if ((r = psm_end_ready(e, length))) return r;
  psm_put8(e->line + 24, ++e->waits);
  for (;;) {
    PSM_WINDOW(13); uint32_t key = psm_prepare_wait(e->wakes), state = psm_get4(e->peer_line + 32), generation = psm_get4((unsigned char *)e->peer_mutex + 16); int peer = PSM_ALIVE;
    if (state > (e->is_reader ? 3 : 1)) return -EILSEQ;
    if (!state && (peer = psm_peer(e, 1)) < 0) return peer;                                /* the end and the life before the index */
    if ((r = psm_end_ready(e, length))) return r;
    if (state) return 0;
    if ((peer == PSM_DIED || peer == PSM_LEFT) && !restart && e->told != generation) { e->told = generation; return peer == PSM_DIED ? -EOWNERDEAD : -ENOTCONN; }
    int64_t now = psm_now(); if (now >= deadline) return -ETIMEDOUT;
    PSM_WINDOW(14);
    if (deadline - now >= 1000000000ll) psm_wait(e->wakes, key);
    else if (psm_load(e->wakes) == key) { struct timespec t = {0, deadline - now}; psm_futex(e->wakes, FUTEX_WAIT, key, &t, 0, 0); }
  }
}
#endif

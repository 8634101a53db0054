/* psm_channel.h: the ends of a message channel of Posix.SharedMemory.Channels (kind 1), over psm.h, and what the ends of all kinds share. C11, Linux, 64-bit, little-endian, header-only.
   psm_connection.h has connections (kind 2), psm_broadcast.h the ends of a broadcast (kind 3), psm_fanin.h those of a fan-in (kind 6), psm_latest.h those of a latest value (kind 4), psm_frames.h those of frames (kind 5). The bytes and protocols are in docs/spec/channels.
   Functions return 0 or a positive outcome, or a negative errno:
   -EBUSY: a living process has the end open; -EPIPE: the channel was completed (opening a writer); -EILSEQ: the bytes are something else, or a peer stored what none stores: close the end;
   -EMSGSIZE: the message is too long, or not of the length that all have; -EOWNERDEAD, -ENOTCONN: the other side died, or left, and everything it had committed was delivered; -ETIMEDOUT.
   An end is for one thread at a time. */
#ifndef PSM_CHANNEL_H
#define PSM_CHANNEL_H
#include "psm.h"
#include <sys/socket.h>

enum { PSM_CHANNEL_W = 256, PSM_CHANNEL_R = 384, PSM_CHANNEL_WAKES_READER = 512, PSM_CHANNEL_WAKES_WRITER = 640, PSM_CHANNEL_CHANGES = 704, PSM_CHANNEL_ROSTER = 4096 };
enum { PSM_MESSAGE_KIND = 1, PSM_CONNECTION_KIND = 2, PSM_BROADCAST_KIND = 3, PSM_LATEST_KIND = 4, PSM_FRAMES_KIND = 5, PSM_FANIN_KIND = 6 };
enum { PSM_NEVER = 0, PSM_ALIVE = 1, PSM_LEFT = 2, PSM_DIED = 3 };                       /* what has become of the other side */
#define PSM_PADDING (1ull << 48)
#define PSM_OBJECT 0xff00                                                                  /* the type of the record of an object, on a connection */
/* Tests define it, to be killed at each step. */
#ifndef PSM_WINDOW
#define PSM_WINDOW(n)
#endif

/* What every end has: the checked header, a seat in the roster, its endpoint, and the other side that it waits for. */
struct psm_channel {
  unsigned char *base, *control, *data, *endpoints; uint64_t capacity; uint32_t align, least, most, seats, count, buffers, lines; /* control: roster, endpoints and event counts, of a split broadcast in an object of their own; lines: where those of the ring begin, of a connection's second one 1024 further */
  struct psm_roster roster; uint32_t *wakes, *peer_wakes, *mutex, *peer_mutex; unsigned char *peer_state; uint32_t most_state, told; int is_for_two, bell; /* bell: the socket of a connection + 1 */
  uint32_t *life, life_value;                                                            /* what the last look has found to be alive, and waits for */
};
/* A message, in place. */
struct psm_message { const void *bytes; uint32_t length; uint16_t type; int is_redelivered; uint64_t next; uint32_t writer; };
/* One end of a message channel. */
struct psm_end {
  struct psm_channel c; uint64_t round; int is_reader;
  uint64_t own, seen, published;                                                         /* writer: tail, head as seen; reader: head, tail as seen */
  uint64_t messages, bytes, waits, claimed, redelivered_before, objects; int has_objects, has_calls;
  unsigned char *line, *peer_line;
};

static inline uint64_t psm_get8(const unsigned char *p) { return __atomic_load_n((const uint64_t *)(const void *)p, __ATOMIC_ACQUIRE); }
static inline uint32_t psm_get4(const unsigned char *p) { return __atomic_load_n((const uint32_t *)(const void *)p, __ATOMIC_ACQUIRE); }
static inline void psm_put8(unsigned char *p, uint64_t v) { __atomic_store_n((uint64_t *)(void *)p, v, __ATOMIC_RELEASE); }
static inline void psm_put4(unsigned char *p, uint32_t v) { __atomic_store_n((uint32_t *)(void *)p, v, __ATOMIC_RELEASE); }
static inline uint64_t psm_record(const struct psm_end *e, uint64_t length) { return (e->c.align + length + e->round) & ~e->round; }

/* -- what all kinds share -- */
static inline uint64_t psm_latest_stride(uint32_t most) { return (16ull + most + 63) & ~63ull; }
/* Copies and checks the header at base, which is an object of the given length and features, mapped for reading and writing, or of a latest value or broadcast for reading only. */
static inline int psm_channel_check_with(struct psm_channel *c, void *base, uint64_t length, uint16_t expected, uint32_t features) {
  unsigned char h[256]; memset(c, 0, sizeof *c); if (length < 4096) return -EILSEQ;
  uint64_t magic = psm_get8(base); memcpy(h, base, sizeof h);
  uint16_t kind, endpoints, seats; uint32_t required, roster, align, most, element, buffers; uint64_t total, epoch, data, capacity;
  memcpy(&kind, h + 8, 2); memcpy(&required, h + 12, 4); memcpy(&total, h + 16, 8); memcpy(&epoch, h + 24, 8); memcpy(&roster, h + 32, 4); memcpy(&seats, h + 36, 2); memcpy(&endpoints, h + 38, 2);
  memcpy(&data, h + 40, 8); memcpy(&capacity, h + 48, 8); memcpy(&most, h + 56, 4); memcpy(&align, h + 60, 4); memcpy(&element, h + 72, 4); memcpy(&buffers, h + 144, 4);
  if (magic != 0x014e4148434d4853ull || kind != expected || required != features || total != length || !epoch || roster != PSM_CHANNEL_ROSTER || !seats || seats > 1023 || (element && element != most)) return -EILSEQ;
  uint64_t size = kind == PSM_CONNECTION_KIND ? 2 * capacity : capacity, first = (PSM_CHANNEL_ROSTER + psm_roster_size(seats) + 127) & ~127ull;
  if (kind == PSM_LATEST_KIND) {
    if (endpoints != 1 || capacity || align != 16 || buffers < 2 || buffers > 64 || (buffers & (buffers - 1)) || !most || most > 1u << 30) return -EILSEQ;
    size = buffers * psm_latest_stride(most);
  } else if (kind == PSM_FRAMES_KIND) {
    if (endpoints < 2 || endpoints > 65 || capacity) return -EILSEQ;                       /* psm_frames.h checks the rest */
    size = 0;
  } else if (capacity < 4096 || capacity > 1u << 30 || (capacity & (capacity - 1))) return -EILSEQ;
  else if (kind == PSM_BROADCAST_KIND) {
    if (endpoints < 2 || endpoints > 65 || (align != 8 && align != 16 && align != 32 && align != 64) || most > capacity / 2 - (align > 16 ? align : 16) || buffers > 1u << 20) return -EILSEQ;
    size = capacity + 8ull * buffers;
  } else if (kind == PSM_FANIN_KIND ? endpoints < 2 || endpoints > 65 || align != 16 || most > capacity / 2 - 16 || most > 4095 * 64 - 16
                                  : endpoints != (kind == PSM_CONNECTION_KIND ? 4 : 2) || (align != 8 && align != 16 && align != 32 && align != 64) || most > capacity / 2 - align) return -EILSEQ;
  if (data % 4096 || data < first + 128ull * endpoints || data > total || size > total - data) return -EILSEQ;
  c->base = c->control = base; c->data = c->base + data; c->endpoints = c->control + first; c->capacity = capacity; c->align = align; c->least = element; c->most = most; c->seats = seats; c->count = endpoints;
  c->buffers = buffers; c->told = UINT32_MAX; c->is_for_two = kind == PSM_CONNECTION_KIND; return 0;
}
static inline int psm_channel_check(struct psm_channel *c, void *base, uint64_t length, uint16_t expected) { return psm_channel_check_with(c, base, length, expected, 0); }
static inline uint32_t *psm_endpoint(struct psm_channel *c, uint32_t index) { return (uint32_t *)(void *)(c->endpoints + 128 * index); }
static inline int psm_channel_fits(const struct psm_channel *c, uint32_t length) { return length - c->least <= c->most - c->least; }
/* Takes a seat of the roster. */
static inline int psm_channel_join(struct psm_channel *c, int is_reader) {
  int r = psm_join(&c->roster, c->control + PSM_CHANNEL_ROSTER, c->seats); if (r) return r;
  unsigned char *lines = c->control + c->lines;
  c->wakes = (uint32_t *)(void *)(lines + (is_reader ? PSM_CHANNEL_WAKES_READER : PSM_CHANNEL_WAKES_WRITER)); c->peer_wakes = (uint32_t *)(void *)(lines + (is_reader ? PSM_CHANNEL_WAKES_WRITER : PSM_CHANNEL_WAKES_READER));
  if ((r = psm_eventcount_at(c->wakes)) || (r = psm_eventcount_at(c->peer_wakes)) || (r = psm_eventcount_at(lines + PSM_CHANNEL_CHANGES))) psm_leave(&c->roster);
  return r;
}
/* The other side, whose state and life end a wait. */
static inline int psm_channel_face(struct psm_channel *c, uint32_t index, uint32_t line, uint32_t most_state) {
  c->peer_mutex = psm_endpoint(c, index); c->peer_state = c->base + c->lines + line + 32; c->most_state = most_state; return psm_mutex_at(c->peer_mutex);
}
/* Enters an endpoint without waiting. PSM_OK; PSM_OWNER_DIED: a former owner died, and stores nothing more; -EBUSY. */
static inline int psm_channel_enter(struct psm_channel *c, uint32_t index) {
  c->mutex = psm_endpoint(c, index); int r = psm_mutex_at(c->mutex); if (r) return r;
  r = psm_lock_until(&c->roster, c->mutex, 0); PSM_WINDOW(4);
  return r == PSM_TIMED_OUT ? -EBUSY : r < 0 ? -EILSEQ : r;
}
/* Notifies the other side; also by a byte on the socket, if it sleeps in a loop of its own. */
static inline void psm_channel_wake(struct psm_channel *c) {
  if (psm_notify_all(&c->roster, c->peer_wakes) && c->bell && (psm_get4((unsigned char *)c->peer_mutex + 28) & 1)) send(c->bell - 1, "\1", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}
static inline void psm_channel_notify(struct psm_channel *c) {
  psm_channel_wake(c); psm_notify_all(&c->roster, c->wakes); psm_notify_all(&c->roster, (uint32_t *)(void *)(c->control + c->lines + PSM_CHANNEL_CHANGES));
}
static inline uint32_t psm_channel_generation(struct psm_channel *c) { return psm_get4((unsigned char *)c->mutex + 16); }
/* The endpoint is this process's: counts the generation, and shows role and label. */
static inline void psm_channel_occupy(struct psm_channel *c, int is_reader, const char *label, int entered) {
  unsigned char *own = (unsigned char *)c->mutex; struct timespec t; clock_gettime(CLOCK_BOOTTIME, &t);
  PSM_WINDOW(5); psm_put4(own + 16, psm_channel_generation(c) + 1); PSM_WINDOW(6); psm_put4(own + 20, is_reader ? 2 : 1); psm_put8(own + 48, (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec);
  memset(own + 64, 0, 32); if (label) memcpy(own + 64, label, strnlen(label, 32));
  PSM_WINDOW(7); if (entered == PSM_OWNER_DIED) psm_consistent(c->mutex);                 /* last */
  PSM_WINDOW(8); psm_channel_notify(c);
}
/* Leaves what was entered as it was found. Returns the outcome that it is given. */
static inline int psm_channel_refuse(struct psm_channel *c, int outcome) { psm_unlock(&c->roster, c->mutex); psm_leave(&c->roster); return outcome; }
static inline void psm_channel_close(struct psm_channel *c) {
  if (!c->roster.me) return;
  PSM_WINDOW(1); if (c->mutex) psm_unlock(&c->roster, c->mutex);
  PSM_WINDOW(2); psm_channel_notify(c); PSM_WINDOW(3); psm_leave(&c->roster);
}
/* Stores that the writer has completed the channel, with an error or 0. */
static inline void psm_channel_complete(struct psm_channel *c, int32_t error) {
  unsigned char *line = c->base + c->lines + PSM_CHANNEL_W;
  PSM_WINDOW(15); psm_put4(line + 36, (uint32_t)error); PSM_WINDOW(16); psm_put4(line + 32, error ? 2 : 1); PSM_WINDOW(17); psm_channel_notify(c);
}
/* The error that the writer has completed the channel with. */
static inline int32_t psm_channel_error(const struct psm_channel *c) { return (int32_t)psm_get4(c->base + c->lines + PSM_CHANNEL_W + 36); }
/* What has become of an endpoint: a state of the enum; with confirm, a dead owner stores nothing more when this returns. */
static inline int psm_look(struct psm_channel *c, uint32_t *mutex, int confirm) {
  uint32_t word = psm_load(mutex), owner = word & PSM_OWNER, *life, value;
  if (owner & 1u << 28) {
    int alive = psm_alive(&c->roster, owner, &life, &value); if (alive < 0) return alive;
    /* A successor of a publisher of frames has entered the mutex, and does not open the endpoint; it stores the mark afterwards. */
    if (alive && mutex == psm_endpoint(c, 0) && (psm_get4((unsigned char *)mutex + 28) & 2)) return word & PSM_INCONSISTENT ? PSM_DIED : PSM_LEFT;
    if (alive) { c->life = life; c->life_value = value; return PSM_ALIVE; }
    if (confirm) psm_confirm_end(&c->roster, owner);
    return PSM_DIED;
  }
  return word & PSM_INCONSISTENT ? PSM_DIED : psm_get4((unsigned char *)mutex + 16) ? PSM_LEFT : PSM_NEVER;
}
/* Looks for ends that the kernel could not mark, after a sleep, and not more often than 20 times a second. */
static inline void psm_channel_witness(struct psm_channel *c, struct psm_waitv *lives, int count, int64_t *looked) {
  if (psm_now() - *looked < 50000000) return;
  for (int i = 0; i < count; i++) psm_witness(&c->roster, (uint32_t)(((unsigned char *)(uintptr_t)lives[i].addr - c->roster.base - 64) / 32) + 1);
  *looked = psm_now();
}
/* Sleeps until what is waited for is ready (1, or an error). 0: the other side has ended the channel. The deadline is one of psm_now(). */
static inline int psm_channel_wait(struct psm_channel *c, int (*ready)(void *end, uint64_t what), void *end, uint64_t what, int64_t deadline, int restart) {
  for (int64_t looked = psm_now();;) {
    PSM_WINDOW(13); uint32_t key = psm_prepare_wait(c->wakes), state = c->peer_state ? psm_get4(c->peer_state) : 0, generation = c->peer_mutex ? psm_get4((unsigned char *)c->peer_mutex + 16) : 0;
    int r, peer = PSM_ALIVE; c->life = 0;
    if (state > c->most_state) return -EILSEQ;
    if (!state && c->peer_mutex && (peer = psm_look(c, c->peer_mutex, 1)) < 0) return peer; /* the end and the life before the index */
    if ((r = ready(end, what))) return r;
    if (state) return 0;
    if ((peer == PSM_DIED || peer == PSM_LEFT) && !restart && (c->told != generation || c->is_for_two)) { c->told = generation; return peer == PSM_DIED ? -EOWNERDEAD : -ENOTCONN; }
    int64_t now = psm_now(), until = psm_fences_refused && deadline - now > 1000000 ? now + 1000000 : deadline; if (now >= deadline) return -ETIMEDOUT;
    PSM_WINDOW(14);
    /* The end of the process that is waited for wakes too. Where membarrier is refused, whoever notifies without a fence may not see the sleeper: it looks every millisecond. */
    struct psm_waitv words[2] = {{key, (uintptr_t)c->wakes, 2, 0}, {c->life_value, (uintptr_t)c->life, 2, 0}};
    if (psm_load(c->wakes) == key && psm_sleep(words, c->life ? 2 : 1, until)) psm_channel_witness(c, words + 1, c->life ? 1 : 0, &looked);
  }
}

/* -- one writer, one reader -- */
static inline void psm_end_close(struct psm_end *e) { psm_channel_close(&e->c); }
/* Opens the writer or the reader of a ring: of a connection, of one of its two. */
static inline int psm_end_open_in(struct psm_end *e, void *base, uint64_t length, uint16_t kind, uint32_t direction, int is_reader, const char *label) {
  struct psm_channel *c = &e->c; memset(e, 0, sizeof *e);
  int r = psm_channel_check(c, base, length, kind); if (r) return r;
  c->lines = 1024 * direction; c->data += c->capacity * direction; e->has_objects = kind == PSM_CONNECTION_KIND;
  if ((r = psm_channel_join(c, is_reader))) return r;
  unsigned char *w = c->base + c->lines + PSM_CHANNEL_W, *rd = c->base + c->lines + PSM_CHANNEL_R;
  e->is_reader = is_reader; e->round = c->align - 1; e->line = is_reader ? rd : w; e->peer_line = is_reader ? w : rd;
  if ((r = psm_channel_face(c, 2 * direction + !is_reader, is_reader ? PSM_CHANNEL_W : PSM_CHANNEL_R, is_reader ? 3 : 1)) || (r = psm_channel_enter(c, 2 * direction + (uint32_t)is_reader)) < 0) { psm_leave(&c->roster); return r; }
  int entered = r;
  /* A former owner's end is confirmed by the entry: it stores nothing more. */
  uint64_t head = psm_get8(rd), tail = psm_get8(w);
  if (tail > 1ull << 63 || (tail & e->round) || (head & e->round) || head > tail || tail - head > c->capacity) return psm_channel_refuse(c, -EILSEQ);
  if (!is_reader && psm_get4(w + 32)) return psm_channel_refuse(c, -EPIPE);
  e->own = e->published = is_reader ? head : tail; e->seen = is_reader ? tail : head;
  e->messages = psm_get8(e->line + 8); e->bytes = psm_get8(e->line + 16); e->waits = psm_get8(e->line + 24);
  e->redelivered_before = is_reader && (psm_channel_generation(c) || entered == PSM_OWNER_DIED) ? tail : 0;
  psm_channel_occupy(c, is_reader, label, entered); return 0;
}
static inline int psm_end_open(struct psm_end *e, void *base, uint64_t length, int is_reader, const char *label) { return psm_end_open_in(e, base, length, PSM_MESSAGE_KIND, 0, is_reader, label); }
static inline int psm_writer_open(struct psm_end *e, void *base, uint64_t length, const char *label) { return psm_end_open(e, base, length, 0, label); }
static inline int psm_reader_open(struct psm_end *e, void *base, uint64_t length, const char *label) { return psm_end_open(e, base, length, 1, label); }
/* What has become of the other side. */
static inline int psm_peer(struct psm_end *e, int confirm) { return psm_look(&e->c, e->c.peer_mutex, confirm); }

/* -- writer -- */
static inline int psm_load_head(struct psm_end *e) {
  uint64_t head = psm_get8(e->peer_line); if (head < e->seen || head > e->published || (head & e->round)) return -EILSEQ;
  e->seen = head; return 0;
}
/* Room for a message of up to length bytes, in place. 1: *payload is it; 0: there is none now. Nothing is sent before commit and publish. */
static inline int psm_reserve(struct psm_end *e, uint32_t length, void **payload) {
  if (!psm_channel_fits(&e->c, length)) return -EMSGSIZE;
  uint64_t need = psm_record(e, length), at = e->own, room = e->c.capacity - (at & (e->c.capacity - 1)), total = need <= room ? need : room + need;
  if (at + total - e->seen > e->c.capacity) { int r = psm_load_head(e); if (r) return r; if (at + total - e->seen > e->c.capacity) return 0; }
  if (need > room) { *(uint64_t *)(void *)(e->c.data + (at & (e->c.capacity - 1))) = PSM_PADDING; at += room; }
  e->claimed = at; *payload = e->c.data + (at & (e->c.capacity - 1)) + e->c.align; return 1;
}
static inline void psm_commit(struct psm_end *e, uint32_t length, uint16_t type) {
  PSM_WINDOW(9); *(uint64_t *)(void *)(e->c.data + (e->claimed & (e->c.capacity - 1))) = length | (uint64_t)type << 32;
  e->own = e->claimed + psm_record(e, length); e->messages++; e->bytes += length;
}
static inline void psm_publish(struct psm_end *e) {
  PSM_WINDOW(10); psm_put8(e->line + 8, e->messages); psm_put8(e->line + 16, e->bytes); e->published = e->own;
  PSM_WINDOW(11); psm_put8(e->line, e->own); PSM_WINDOW(12); psm_channel_wake(&e->c);
}
/* 1: written; 0: there is no room now; -EINVAL: types from 0xff00 are reserved. */
static inline int psm_try_write(struct psm_end *e, const void *bytes, uint32_t length, uint16_t type) {
  void *payload; int r = type >= PSM_OBJECT ? -EINVAL : psm_reserve(e, length, &payload); if (r <= 0) return r;
  memcpy(payload, bytes, length); psm_commit(e, length, type); psm_publish(e); return 1;
}
static inline void psm_complete(struct psm_end *e, int32_t error) { psm_channel_complete(&e->c, error); }

/* -- reader -- */
static inline int psm_load_tail(struct psm_end *e) {
  uint64_t tail = psm_get8(e->peer_line); if (tail < e->seen || tail - e->own > e->c.capacity || (tail & e->round)) return -EILSEQ;
  e->seen = tail; return 0;
}
/* The next message, in place. 1: it is valid until psm_release; 0: there is none now. A writer that is not trusted can change it meanwhile. */
static inline int psm_try_read(struct psm_end *e, struct psm_message *m) {
  for (;;) {
    if (e->own == e->seen) { int r = psm_load_tail(e); if (r) return r; if (e->own == e->seen) return 0; }
    uint64_t offset = e->own & (e->c.capacity - 1), room = e->c.capacity - offset, left = e->seen - e->own, header = psm_get8(e->c.data + offset), length = header & 0xffffffff, need = psm_record(e, length);
    if (header == PSM_PADDING && offset && room <= left) { e->own += room; continue; }
    if (header >> 48 || length > e->c.most || need > left || need > room) return -EILSEQ;
    /* The record of an object has its number, which is one more than the last. */
    uint64_t type = header >> 32; int is_call = e->has_calls && (type == 0xff01 || type == 0xff02 || type == 0xff04);
    if (type >= 0xff00 && !is_call && (!e->has_objects || header != (8 | (uint64_t)PSM_OBJECT << 32) || psm_get8(e->c.data + offset + e->c.align) != e->objects + 1)) return -EILSEQ;
    *m = (struct psm_message){e->c.data + offset + e->c.align, (uint32_t)length, (uint16_t)(header >> 32), e->own < e->redelivered_before, e->own + need, 0}; return 1;
  }
}
/* Passes over a message; its room is given back by psm_release. */
static inline void psm_pass(struct psm_end *e, const struct psm_message *m) { e->own = m->next; e->messages++; e->bytes += m->length; e->objects += m->type == PSM_OBJECT; }
static inline void psm_release(struct psm_end *e) {
  PSM_WINDOW(10); psm_put8(e->line + 8, e->messages); psm_put8(e->line + 16, e->bytes); PSM_WINDOW(11); psm_put8(e->line, e->own); PSM_WINDOW(12); psm_channel_wake(&e->c);
}

/* -- waiting -- */
static inline int psm_end_ready(void *end, uint64_t length) {
  struct psm_end *e = end; int r;
  if (e->is_reader) return e->own != e->seen ? 1 : (r = psm_load_tail(e)) ? r : e->own != e->seen;
  uint64_t need = psm_record(e, length), room = e->c.capacity - (e->own & (e->c.capacity - 1)), total = need <= room ? need : room + need;
  if (e->own + total - e->seen <= e->c.capacity) return 1;
  return (r = psm_load_head(e)) ? r : e->own + total - e->seen <= e->c.capacity;
}
/* Sleeps until there is a message, or room for one of the given length. 1: there is; 0: the channel was completed and drained, or the reader takes no more;
   -EOWNERDEAD, -ENOTCONN: once for each peer, unless restart is set; on a connection, where no other can come, each time; -ETIMEDOUT. The deadline is one of psm_now(). */
static inline int psm_end_wait(struct psm_end *e, uint32_t length, int64_t deadline, int restart) {
  int r; if ((r = psm_end_ready(e, length))) return r;
  psm_put8(e->line + 24, ++e->waits); return psm_channel_wait(&e->c, psm_end_ready, e, length, deadline, restart);
}
#endif

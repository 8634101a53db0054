/* psm_frames.h: the ends of a frame channel of Posix.SharedMemory.Channels (kind 5: one publisher, up to 64 readers that read big frames where they are), over psm_channel.h, whose outcomes these functions have
   too. Further: -EAGAIN, opening a reader: all are open, or ended and the publisher has yet to notice; -ECANCELED: the publisher has evicted this reader; -ESTALE, opening the publisher: there was one before,
   and only it knew which slots are in use: create another channel under the name. After -EOWNERDEAD or -ENOTCONN a reader closes and opens the name again: the next publisher has another object.
   Frames of a publisher that is not trusted may change while they are read. The bytes and the protocol are in docs/spec/channels/frames.md. */
#ifndef PSM_FRAMES_H
#define PSM_FRAMES_H
#include "psm_channel.h"
#include <stdlib.h>

enum { PSM_FRAME_MODE = 24, PSM_FRAME_FIRST = 32, PSM_FRAME_MISSED = 40, PSM_SENT_TAIL = 128, PSM_RETURN_HEAD = 256, PSM_RETURN_TAIL = 384, PSM_FRAME_RINGS = 512, PSM_SLOTS_IN_USE = 768, PSM_FRAME_ATTEMPTS = 1000 };
/* What becomes of a frame when too many wait for a reader already. */
enum { PSM_DROP_OLDEST = 1, PSM_DROP_NEWEST = 2, PSM_WAIT_FOR_ROOM = 3, PSM_FRAME_EVICTED = 4 };
#define PSM_ENTRY_MASK 0xffffffull

/* What a frame is, as its publisher says: of an array of up to four dimensions the element type as NumPy spells it, with strides in bytes. */
struct psm_frame_header { char dtype[8]; uint32_t format, dimensions, width, height, shape[4]; int32_t strides[4]; uint64_t tag; };
/* A frame that was read, valid until psm_frames_give_back; or a loaned one, to be filled. */
struct psm_frame { unsigned char *bytes; uint32_t length, room, slot; uint16_t type; uint64_t sequence, timestamp, missed; struct psm_frame_header header; uint64_t entry; };
struct psm_slot_class { uint32_t first, number, free; uint64_t length, at; };
/* A subscriber as its publisher sees it: what was sent to it, and what it has not returned, stands here. */
struct psm_subscriber { unsigned char *place, *block; uint64_t *sent, sent_tail, sent_head, return_head; uint32_t generation, held; int is_evicted; };
struct psm_frames {
  struct psm_channel c; uint32_t depth, classes, slots; uint64_t sent_ring, return_ring, block, headers; struct psm_slot_class of[8];
  unsigned char *own, *mine; uint64_t head, returned, expected, missed; int knows, mode; unsigned char held[(1 << 16) / 8];   /* reader */
  struct psm_subscriber *readers; uint64_t *holders, *copies, sequence, bytes, waits, in_use; uint32_t *generations, *free; unsigned char *loaned;   /* publisher */
};

/* -- layout -- */
static inline uint64_t psm_frames_ring(uint64_t least) { uint64_t n = 1; while (n < least) n *= 2; return n; }
/* Copies and checks what the header says of the slots. */
static inline int psm_frames_check(struct psm_frames *f, void *base, uint64_t length) {
  memset(f, 0, sizeof *f); struct psm_channel *c = &f->c; int r = psm_channel_check(c, base, length, PSM_FRAMES_KIND); if (r) return r;
  uint32_t h[19]; memcpy(h, c->base + 148, sizeof h);                                      /* depth, alignment, 0, and the classes: number and length in units of 64 bytes */
  uint64_t align = h[1], slots = 0, bytes = 0, least = 0; f->depth = h[0];
  if (!f->depth || f->depth > 1024 || align < 64 || align > 2u << 20 || (align & (align - 1))) return -EILSEQ;
  for (uint32_t i = 0; i < 8 && h[3 + 2 * i]; i++, f->classes++) {
    struct psm_slot_class *k = &f->of[i]; k->number = h[3 + 2 * i]; k->length = 64ull * h[4 + 2 * i]; k->first = (uint32_t)slots; k->at = bytes;
    if (k->length <= least || k->length > 1u << 30 || k->length % align || k->number > 1u << 16 || (slots += k->number) > 1u << 16) return -EILSEQ;
    least = k->length; bytes += k->number * k->length;
  }
  if (!slots || slots != c->buffers || least != c->most) return -EILSEQ;
  f->slots = (uint32_t)slots; f->sent_ring = psm_frames_ring(f->depth); f->return_ring = psm_frames_ring(slots); f->block = (PSM_FRAME_RINGS + 8 * (f->sent_ring + f->return_ring) + 127) & ~127ull;
  f->headers = (uint64_t)(c->data - c->base) + (c->count - 1) * f->block;
  uint64_t first = (f->headers + 128 * slots + align - 1) & ~(align - 1); if (first > length || bytes > length - first) return -EILSEQ;
  for (uint32_t i = 0; i < f->classes; i++) f->of[i].at += first;
  return 0;
}
static inline const struct psm_slot_class *psm_frames_class(const struct psm_frames *f, uint32_t slot) { uint32_t i = f->classes - 1; while (slot < f->of[i].first) i--; return &f->of[i]; }
static inline unsigned char *psm_frames_slot(const struct psm_frames *f, uint32_t slot) { const struct psm_slot_class *k = psm_frames_class(f, slot); return f->c.base + k->at + (slot - k->first) * k->length; }
static inline unsigned char *psm_frames_header(const struct psm_frames *f, uint32_t slot) { return f->c.base + f->headers + 128ull * slot; }
static inline unsigned char *psm_frames_block(const struct psm_frames *f, uint32_t endpoint) { return f->c.data + (endpoint - 1) * f->block; }
static inline int psm_frames_swap4(unsigned char *p, uint32_t from, uint32_t to) { return __atomic_compare_exchange_n((uint32_t *)(void *)p, &from, to, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); }
static inline int psm_frames_swap8(unsigned char *p, uint64_t from, uint64_t to) { return __atomic_compare_exchange_n((uint64_t *)(void *)p, &from, to, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); }

/* -- reader -- */
static inline int psm_frames_is_evicted(const struct psm_frames *f) { return psm_get4(f->own + PSM_FRAME_MODE) == PSM_FRAME_EVICTED; }
/* Takes the oldest entry that waits. 1; 0: there is none; -EILSEQ: the ring has indices that cannot be. */
static inline int psm_frames_take(struct psm_frames *f, uint64_t *entry) {
  for (int attempt = 0; attempt < PSM_FRAME_ATTEMPTS; attempt++) {
    uint64_t head = psm_get8(f->mine), tail = psm_get8(f->mine + PSM_SENT_TAIL); if (head < f->head) return -EILSEQ;
    if (head == tail) return 0;
    if (tail - head > f->sent_ring) { if (psm_get8(f->mine) == head) return -EILSEQ; continue; } /* the publisher has dropped some, and sent more, between the two looks */
    uint64_t found = psm_get8(f->mine + PSM_FRAME_RINGS + 8 * (head & (f->sent_ring - 1)));
    if (psm_frames_swap8(f->mine, head, head + 1)) { PSM_WINDOW(65); f->head = head + 1; *entry = found; return 1; }
  }
  return -EILSEQ;
}
static inline void psm_frames_return(struct psm_frames *f, uint64_t entry) {
  psm_put8(f->mine + PSM_FRAME_RINGS + 8 * (f->sent_ring + (f->returned & (f->return_ring - 1))), entry); PSM_WINDOW(66); psm_put8(f->mine + PSM_RETURN_TAIL, ++f->returned); PSM_WINDOW(67);
}
/* Returns what waits. The mode is 0: a correct publisher sends one frame more, if it was about to. */
static inline int psm_frames_return_waiting(struct psm_frames *f) {
  uint64_t entry; for (uint64_t round = 0; round < f->sent_ring + 2; round++) { int r = psm_frames_take(f, &entry); if (r <= 0) return r; psm_frames_return(f, entry); }
  return -EILSEQ;
}
/* Enters a reader's endpoint that is free; one whose owner died is for the publisher to put in order. */
static inline int psm_frames_enter(struct psm_frames *f, uint32_t index) {
  struct psm_channel *c = &f->c; unsigned char *place = (unsigned char *)psm_endpoint(c, index); int r = psm_mutex_at(place), life; if (r) return r;
  if ((life = psm_look(c, psm_endpoint(c, index), 0)) < 0) return life;
  if (life == PSM_DIED || psm_get4(place + PSM_FRAME_MODE) == PSM_FRAME_EVICTED) return -EBUSY;
  if ((r = psm_channel_enter(c, index)) < 0) return r;
  if (r != PSM_OWNER_DIED && psm_get4(place + PSM_FRAME_MODE) != PSM_FRAME_EVICTED) return r;
  psm_unlock(&c->roster, c->mutex); psm_channel_notify(c); return -EBUSY;
}
/* Opens a reader: PSM_DROP_OLDEST, PSM_DROP_NEWEST or PSM_WAIT_FOR_ROOM says what becomes of frames for which it has no room. */
static inline int psm_frames_reader_open(struct psm_frames *f, void *base, uint64_t length, int mode, const char *label) {
  struct psm_channel *c = &f->c; int r = psm_frames_check(f, base, length), entered = -EBUSY; uint32_t i = 0; if (r) return r;
  if (mode < PSM_DROP_OLDEST || mode > PSM_WAIT_FOR_ROOM) return -EINVAL;
  if ((r = psm_channel_join(c, 1))) return r;
  if ((r = psm_channel_face(c, 0, PSM_CHANNEL_W, 3))) { psm_leave(&c->roster); return r; }
  /* The publisher enters the mutex of one that left for an instant. */
  for (int attempt = 0; attempt < 100 && entered == -EBUSY; attempt++) {
    for (i = 1; i < c->count && (entered = psm_frames_enter(f, i)) == -EBUSY;) i++;
    if (entered == -EBUSY) sched_yield();
  }
  if (entered < 0) { psm_leave(&c->roster); return entered == -EBUSY ? -EAGAIN : entered; }
  f->own = (unsigned char *)c->mutex; f->mine = psm_frames_block(f, i); f->head = psm_get8(f->mine); f->returned = psm_get8(f->mine + PSM_RETURN_TAIL);
  if (f->returned - psm_get8(f->mine + PSM_RETURN_HEAD) > f->return_ring || psm_frames_return_waiting(f)) {
    psm_frames_swap4(f->own + PSM_FRAME_MODE, 0, PSM_FRAME_EVICTED); return psm_channel_refuse(c, -EILSEQ); /* nobody else takes the place until the publisher has put it in order */
  }
  psm_put8(f->own + PSM_FRAME_MISSED, 0); psm_put8(f->own + PSM_FRAME_FIRST, UINT64_MAX);
  psm_channel_occupy(c, 1, label, entered); PSM_WINDOW(21);                                /* the generation comes first: the publisher says of each new one which frame is its first */
  int joined = psm_frames_swap4(f->own + PSM_FRAME_MODE, 0, (uint32_t)mode); PSM_WINDOW(22); f->mode = mode;
  if (!joined) { psm_channel_close(c); return -ECANCELED; }
  return 0;
}
/* Takes the next frame, in place: it is valid until psm_frames_give_back. 1; 0: there is none now. */
static inline int psm_frames_read(struct psm_frames *f, struct psm_frame *m) {
  uint64_t entry, expected = 0; unsigned char h[128]; uint32_t life = 0; int r, fits; if (psm_frames_is_evicted(f)) return -ECANCELED;
  if ((r = psm_frames_take(f, &entry)) > 0) {
    uint32_t slot = (uint32_t)(entry & PSM_ENTRY_MASK); fits = !(entry >> 48) && slot < f->slots && !(f->held[slot / 8] >> slot % 8 & 1);
    if (fits) {
      memcpy(h, psm_frames_header(f, slot), sizeof h); memset(m, 0, sizeof *m);             /* each field is loaded once */
      memcpy(&m->sequence, h, 8); memcpy(&m->timestamp, h + 8, 8); memcpy(&m->length, h + 16, 4); memcpy(&m->type, h + 20, 2); memcpy(&life, h + 24, 4); memcpy(&m->header, h + 32, 64);
      /* The first may have been on its way to a former owner: it comes before the one that is named, or none is named yet, and nothing was missed. */
      expected = f->knows ? f->expected : psm_get8(f->own + PSM_FRAME_FIRST); if (!f->knows && expected > m->sequence) expected = m->sequence;
      m->room = (uint32_t)psm_frames_class(f, slot)->length; fits = (life & PSM_ENTRY_MASK) == entry >> 24 && m->length <= m->room && m->sequence >= expected && m->sequence <= 1ull << 63;
    }
    if (fits) {
      m->bytes = psm_frames_slot(f, slot); m->slot = slot; m->entry = entry; m->missed = m->sequence - expected; f->expected = m->sequence + 1; f->knows = 1; f->held[slot / 8] |= (unsigned char)(1u << slot % 8);
      if (m->missed) psm_put8(f->own + PSM_FRAME_MISSED, f->missed += m->missed);
      psm_notify_all(&f->c.roster, f->c.peer_wakes); return 1;
    }
    r = -EILSEQ;
  }
  /* What an evicted reader sees may be of a later frame: the eviction was stored before it. */
  __atomic_thread_fence(__ATOMIC_ACQUIRE); return r && psm_frames_is_evicted(f) ? -ECANCELED : r;
}
/* Gives a frame back that was read. */
static inline void psm_frames_give_back(struct psm_frames *f, const struct psm_frame *m) {
  unsigned char bit = (unsigned char)(1u << m->slot % 8); if (!(f->held[m->slot / 8] & bit)) return;
  f->held[m->slot / 8] &= (unsigned char)~bit; psm_frames_return(f, m->entry); psm_notify_all(&f->c.roster, f->c.peer_wakes);
}
static inline int psm_frames_ready(void *end, uint64_t what) {
  struct psm_frames *f = end; (void)what; return psm_frames_is_evicted(f) ? -ECANCELED : psm_get8(f->mine) != psm_get8(f->mine + PSM_SENT_TAIL);
}
/* Sleeps until there is a frame: 1. 0: the publisher has completed the channel, and everything was read; -EOWNERDEAD, -ENOTCONN: once, unless restart is set; -ETIMEDOUT. */
static inline int psm_frames_wait(struct psm_frames *f, int64_t deadline, int restart) { int r = psm_frames_ready(f, 0); return r ? r : psm_channel_wait(&f->c, psm_frames_ready, f, 0, deadline, restart); }
/* What has become of the publisher. */
static inline int psm_frames_peer(struct psm_frames *f) { return psm_look(&f->c, psm_endpoint(&f->c, 0), 0); }
/* Leaves: what a reader holds, and what waits for it, goes back. */
static inline void psm_frames_reader_close(struct psm_frames *f) {
  if (!f->c.roster.me) return;
  uint32_t mode = psm_get4(f->own + PSM_FRAME_MODE);
  if (mode != PSM_FRAME_EVICTED && psm_frames_swap4(f->own + PSM_FRAME_MODE, mode, 0)) {
    (void)psm_frames_return_waiting(f);                                                    /* what cannot be returned, the publisher has back when the place has no owner */
    for (uint32_t slot = 0; slot < f->slots; slot++) if (f->held[slot / 8] >> slot % 8 & 1) {
      uint32_t life = psm_get4(psm_frames_header(f, slot) + 24); psm_frames_return(f, slot | (life & PSM_ENTRY_MASK) << 24);
    }
    PSM_WINDOW(68);
  }
  memset(f->held, 0, sizeof f->held); psm_channel_close(&f->c);
}

/* -- publisher -- */
static inline void psm_frames_free_if_unused(struct psm_frames *f, uint32_t slot) {
  if (f->holders[slot] || f->loaned[slot]) return;
  struct psm_slot_class *k = (struct psm_slot_class *)psm_frames_class(f, slot); f->free[k->first + k->free++] = slot; f->in_use -= k->length;
}
static inline void psm_frames_show(struct psm_frames *f) { psm_put8(f->c.base + PSM_SLOTS_IN_USE, f->in_use); }
static inline uint64_t psm_frames_bit(const struct psm_frames *f, const struct psm_subscriber *s) { return 1ull << (s - f->readers); }
static inline void psm_frames_release(struct psm_frames *f, struct psm_subscriber *s, uint32_t slot) { f->holders[slot] &= ~psm_frames_bit(f, s); s->held--; psm_frames_free_if_unused(f, slot); }
static inline int psm_frames_try_release(struct psm_frames *f, struct psm_subscriber *s, uint64_t entry) {
  uint32_t slot = (uint32_t)(entry & PSM_ENTRY_MASK);
  if (entry >> 48 || slot >= f->slots || !(f->holders[slot] & psm_frames_bit(f, s)) || (f->generations[slot] & PSM_ENTRY_MASK) != entry >> 24) return 0;
  psm_frames_release(f, s, slot); return 1;
}
static inline void psm_frames_release_all(struct psm_frames *f, struct psm_subscriber *s) { for (uint32_t slot = 0; slot < f->slots && s->held; slot++) if (f->holders[slot] & psm_frames_bit(f, s)) psm_frames_release(f, s, slot); }
/* Sends a reader nothing more, and has back what it held: whatever it returns is ignored until it is gone. */
static inline void psm_frames_drop_reader(struct psm_frames *f, struct psm_subscriber *s) {
  s->is_evicted = 1; __atomic_exchange_n((uint32_t *)(void *)(s->place + PSM_FRAME_MODE), PSM_FRAME_EVICTED, __ATOMIC_SEQ_CST); psm_frames_release_all(f, s);
}
static inline void psm_frames_drain(struct psm_frames *f, struct psm_subscriber *s) {
  uint64_t tail = psm_get8(s->block + PSM_RETURN_TAIL); if (tail == s->return_head) return;
  if (tail - s->return_head > f->return_ring) { psm_frames_drop_reader(f, s); return; }
  for (; s->return_head != tail; s->return_head++)
    if (!psm_frames_try_release(f, s, psm_get8(s->block + PSM_FRAME_RINGS + 8 * (f->sent_ring + (s->return_head & (f->return_ring - 1)))))) { psm_frames_drop_reader(f, s); return; }
  psm_put8(s->block + PSM_RETURN_HEAD, s->return_head);
}
/* Has back all that one had which died or left, and puts its rings in order: only under its mutex, since another one may have come meanwhile. */
static inline int psm_frames_settle(struct psm_frames *f, struct psm_subscriber *s) {
  uint32_t *mutex = (uint32_t *)(void *)s->place; int r = psm_lock_until(&f->c.roster, mutex, 0); if (r == PSM_TIMED_OUT) return 0;
  if (r < 0) return -EILSEQ;
  if (!s->is_evicted) psm_frames_drain(f, s);                                              /* an entry that stayed would be taken for one of the next reader */
  PSM_WINDOW(69); psm_frames_release_all(f, s); psm_put8(s->block + PSM_SENT_TAIL, s->sent_tail); psm_put8(s->block, s->sent_head = s->sent_tail);
  psm_put8(s->block + PSM_RETURN_TAIL, s->return_head); psm_put8(s->block + PSM_RETURN_HEAD, s->return_head); psm_put4(s->place + PSM_FRAME_MODE, 0); s->is_evicted = 0;
  if (r == PSM_OWNER_DIED) psm_consistent(mutex);
  psm_unlock(&f->c.roster, mutex); return 0;
}
/* Looks after a reader: what it has returned is free again, and what it had when it died or left. Its mode; 0: it has not joined, or is gone. */
static inline int psm_frames_tend(struct psm_frames *f, struct psm_subscriber *s) {
  uint32_t mode = psm_get4(s->place + PSM_FRAME_MODE), *mutex = (uint32_t *)(void *)s->place; int life, r;
  if (!mode && !s->is_evicted && !s->held && !(psm_load(mutex) & PSM_INCONSISTENT)) { if ((life = psm_look(&f->c, mutex, 0)) < 0) return life; if (life != PSM_DIED) return 0; }
  if (!s->is_evicted) psm_frames_drain(f, s);
  if ((life = psm_look(&f->c, mutex, 0)) < 0) return life;
  if (life != PSM_ALIVE) return (r = psm_frames_settle(f, s)) ? r : 0;
  if (mode > PSM_FRAME_EVICTED) psm_frames_drop_reader(f, s);
  return s->is_evicted || mode == PSM_FRAME_EVICTED ? 0 : (int)mode;
}
static inline int psm_frames_tend_all(struct psm_frames *f) {
  for (uint32_t i = 0; i < f->c.count - 1; i++) { int r = psm_frames_tend(f, &f->readers[i]); if (r < 0) return r; }
  psm_frames_show(f); return 0;
}
/* Whether one more frame fits into a reader's ring. Its index is loaded once: it never falls, and never passes the tail. */
static inline int psm_frames_reader_has_room(struct psm_frames *f, struct psm_subscriber *s, uint64_t *head) {
  *head = psm_get8(s->block); if (*head < s->sent_head || *head > s->sent_tail) { psm_frames_drop_reader(f, s); return 0; }
  s->sent_head = *head; return s->sent_tail - *head < f->depth;
}
static inline int psm_frames_push(struct psm_frames *f, struct psm_subscriber *s, int mode, uint64_t entry) {
  uint32_t generation = psm_get4(s->place + 16), slot = (uint32_t)(entry & PSM_ENTRY_MASK); uint64_t head;
  if (generation != s->generation) { s->generation = generation; psm_put8(s->place + PSM_FRAME_FIRST, f->sequence); } /* what was sent before, it did not miss */
  for (int attempt = 0; !psm_frames_reader_has_room(f, s, &head); attempt++) {
    if (s->is_evicted || mode != PSM_DROP_OLDEST) return 0;
    if (attempt == PSM_FRAME_ATTEMPTS) { psm_frames_drop_reader(f, s); return 0; }
    if (head != s->sent_tail && psm_frames_swap8(s->block, head, head + 1)) { PSM_WINDOW(63); s->sent_head = head + 1; psm_frames_try_release(f, s, s->sent[head & (f->sent_ring - 1)]); }
  }
  s->sent[s->sent_tail & (f->sent_ring - 1)] = entry; f->holders[slot] |= psm_frames_bit(f, s); s->held++;
  psm_put8(s->block + PSM_FRAME_RINGS + 8 * (s->sent_tail & (f->sent_ring - 1)), entry); PSM_WINDOW(61); psm_put8(s->block + PSM_SENT_TAIL, ++s->sent_tail); PSM_WINDOW(62); return 1;
}
static inline int psm_frames_writer_open(struct psm_frames *f, void *base, uint64_t length, const char *label) {
  struct psm_channel *c = &f->c; int r = psm_frames_check(f, base, length), entered; if (r) return r;
  uint64_t readers = c->count - 1, slots = f->slots; unsigned char *line = c->base + PSM_CHANNEL_W;
  if ((r = psm_channel_join(c, 0))) return r;
  for (uint32_t i = 1; i < c->count; i++) if ((r = psm_mutex_at(psm_endpoint(c, i)))) { psm_leave(&c->roster); return r; }
  if ((entered = psm_channel_enter(c, 0)) < 0) { psm_leave(&c->roster); return entered; }
  if (psm_get4(line + 32)) return psm_channel_refuse(c, -EPIPE);
  if (psm_channel_generation(c) || entered == PSM_OWNER_DIED) return psm_channel_refuse(c, -ESTALE);
  if (psm_get8(line)) return psm_channel_refuse(c, -EILSEQ);
  f->readers = calloc(1, readers * sizeof *f->readers + 8 * readers * f->sent_ring + slots * (sizeof *f->holders + sizeof *f->generations + sizeof *f->free + 1));
  if (!f->readers) return psm_channel_refuse(c, -ENOMEM);
  f->holders = (uint64_t *)(void *)(f->readers + readers); f->copies = f->holders + slots; f->generations = (uint32_t *)(void *)(f->copies + readers * f->sent_ring); f->free = f->generations + slots; f->loaned = (unsigned char *)(f->free + slots);
  for (uint32_t i = 0; i < readers; i++) {
    struct psm_subscriber *s = &f->readers[i]; s->place = (unsigned char *)psm_endpoint(c, i + 1); s->block = psm_frames_block(f, i + 1); s->sent = f->copies + i * f->sent_ring;
    if (psm_get8(s->block) || psm_get8(s->block + PSM_SENT_TAIL) || psm_get8(s->block + PSM_RETURN_HEAD)) { free(f->readers); f->readers = 0; return psm_channel_refuse(c, -EILSEQ); }
  }
  for (uint32_t i = 0; i < f->classes; i++) for (struct psm_slot_class *k = &f->of[i]; k->free < k->number; k->free++) f->free[k->first + k->free] = k->first + k->number - 1 - k->free; /* the first slot comes out first */
  psm_channel_occupy(c, 0, label, entered); return 0;
}
static inline uint32_t psm_frames_class_for(const struct psm_frames *f, uint32_t length) { uint32_t i = 0; while (f->of[i].length < length) i++; return i; }
static inline int psm_frames_has_slot(struct psm_frames *f, uint64_t length) {
  uint32_t i = psm_frames_class_for(f, (uint32_t)length); int r; if (!f->of[i].free && (r = psm_frames_tend_all(f))) return r;
  for (; i < f->classes; i++) if (f->of[i].free) return 1;
  return 0;
}
/* Loans a slot of the smallest class that has a free one and is long enough. 1: fill m->bytes, and send it or give it up; 0: there is none now. */
static inline int psm_frames_loan(struct psm_frames *f, uint32_t length, struct psm_frame *m) {
  if (length > f->c.most) return -EMSGSIZE;
  int r = psm_frames_has_slot(f, length); if (r <= 0) return r;
  uint32_t i = psm_frames_class_for(f, length); while (!f->of[i].free) i++;
  struct psm_slot_class *k = &f->of[i]; uint32_t slot = f->free[k->first + --k->free]; f->loaned[slot] = 1; f->generations[slot]++; f->in_use += k->length; psm_frames_show(f);
  memset(m, 0, sizeof *m); m->bytes = psm_frames_slot(f, slot); m->length = length; m->room = (uint32_t)k->length; m->slot = slot; m->entry = slot | (f->generations[slot] & PSM_ENTRY_MASK) << 24; return 1;
}
/* Gives a loan up that was not sent. */
static inline void psm_frames_give_up(struct psm_frames *f, const struct psm_frame *m) { if (!f->loaned[m->slot]) return; f->loaned[m->slot] = 0; psm_frames_free_if_unused(f, m->slot); psm_frames_show(f); }
static inline int psm_frames_room(struct psm_frames *f, uint64_t what) {
  (void)what; uint64_t head;
  for (uint32_t i = 0; i < f->c.count - 1; i++) {
    struct psm_subscriber *s = &f->readers[i]; int mode; if (psm_get4(s->place + PSM_FRAME_MODE) != PSM_WAIT_FOR_ROOM) continue;
    if ((mode = psm_frames_tend(f, s)) < 0) return mode;
    if (mode == PSM_WAIT_FOR_ROOM && !psm_frames_reader_has_room(f, s, &head) && !s->is_evicted) return 0;
  }
  return 1;
}
/* Sends a loan to all readers. How many it was sent to; -EAGAIN: one that is waited for has no room, and nothing was sent. */
static inline int psm_frames_send(struct psm_frames *f, const struct psm_frame *m) {
  unsigned char *h = psm_frames_header(f, m->slot), *line = f->c.base + PSM_CHANNEL_W; int r, reached = 0; if (!f->loaned[m->slot] || m->length > m->room || m->type >= 0xff00) return -EINVAL;
  if ((r = psm_frames_room(f, 0)) <= 0) return r ? r : -EAGAIN;
  uint64_t timestamp = m->timestamp ? m->timestamp : (uint64_t)psm_now(); uint32_t life = f->generations[m->slot];
  memcpy(h, &f->sequence, 8); memcpy(h + 8, &timestamp, 8); memcpy(h + 16, &m->length, 4); memcpy(h + 20, &m->type, 2); memcpy(h + 24, &life, 4); memcpy(h + 32, &m->header, 64); PSM_WINDOW(60);
  for (uint32_t i = 0; i < f->c.count - 1; i++) { int mode = psm_frames_tend(f, &f->readers[i]); if (mode < 0) return mode; if (mode) reached += psm_frames_push(f, &f->readers[i], mode, m->entry); }
  psm_put8(line + 8, ++f->sequence); psm_put8(line + 16, f->bytes += m->length); psm_put8(line, f->sequence); PSM_WINDOW(64);
  f->loaned[m->slot] = 0; psm_frames_free_if_unused(f, m->slot); psm_frames_show(f); psm_notify_all(&f->c.roster, f->c.peer_wakes); return reached;
}
/* Sleeps until something is so; the death of any reader wakes too. */
static inline int psm_frames_sleep(struct psm_frames *f, int (*ready)(struct psm_frames *f, uint64_t what), uint64_t what, int64_t deadline) {
  struct psm_channel *c = &f->c; int r; if ((r = ready(f, what))) return r;
  psm_put8(c->base + PSM_CHANNEL_W + 24, ++f->waits);
  for (int64_t looked = psm_now();;) {
    struct psm_waitv words[66]; int count = 1; uint32_t key = psm_prepare_wait(c->wakes); if ((r = ready(f, what))) return r;
    int64_t now = psm_now(), until = psm_fences_refused && deadline - now > 1000000 ? now + 1000000 : deadline; if (now >= deadline) return -ETIMEDOUT;
    words[0] = (struct psm_waitv){key, (uintptr_t)c->wakes, 2, 0};
    for (uint32_t i = 0; i < c->count - 1; i++) {
      if (!f->readers[i].held && !psm_get4(f->readers[i].place + PSM_FRAME_MODE)) continue;
      if ((r = psm_look(c, (uint32_t *)(void *)f->readers[i].place, 0)) < 0) return r;
      if (r != PSM_ALIVE) { if ((r = psm_frames_tend(f, &f->readers[i])) < 0) return r; count = 0; break; } /* it ended since the look */
      words[count++] = (struct psm_waitv){c->life_value, (uintptr_t)c->life, 2, 0};
    }
    if (count && psm_load(c->wakes) == key && psm_sleep(words, count, until)) psm_channel_witness(c, words + 1, count - 1, &looked);
    for (int i = 2; i < count; i++) if (psm_load((uint32_t *)(uintptr_t)words[i].addr) & 0x40000000u) psm_wake((uint32_t *)(uintptr_t)words[i].addr, INT_MAX); /* the kernel wakes one of those that wait for a death */
  }
}
/* Sleeps until a slot of a length is free: 1; -ETIMEDOUT. */
static inline int psm_frames_wait_slot(struct psm_frames *f, uint32_t length, int64_t deadline) { return length > f->c.most ? -EMSGSIZE : psm_frames_sleep(f, psm_frames_has_slot, length, deadline); }
/* Sleeps until all readers that are waited for have room: 1; -ETIMEDOUT. */
static inline int psm_frames_wait_room(struct psm_frames *f, int64_t deadline) { return psm_frames_sleep(f, psm_frames_room, 0, deadline); }
/* Takes back what a reader holds, whose endpoint has the index, and sends it nothing more. */
static inline void psm_frames_evict(struct psm_frames *f, uint32_t index) {
  if (!index || index >= f->c.count) return;
  struct psm_subscriber *s = &f->readers[index - 1]; uint32_t mode = psm_get4(s->place + PSM_FRAME_MODE); if (!s->is_evicted && (mode < PSM_DROP_OLDEST || mode > PSM_WAIT_FOR_ROOM)) psm_frames_drain(f, s);
  if ((mode >= PSM_DROP_OLDEST && mode <= PSM_WAIT_FOR_ROOM) || s->held) psm_frames_drop_reader(f, s);
  psm_frames_show(f); psm_channel_notify(&f->c);
}
/* Ends the channel: readers read what was sent, and then see the end. */
static inline void psm_frames_complete(struct psm_frames *f, int32_t error) { psm_channel_complete(&f->c, error); }
static inline void psm_frames_writer_close(struct psm_frames *f) { psm_channel_close(&f->c); free(f->readers); f->readers = 0; }
#endif

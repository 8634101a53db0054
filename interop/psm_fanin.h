/* psm_fanin.h: the ends of a fan-in of Posix.SharedMemory.Channels (kind 6: many writers, one reader, one order), over psm_channel.h, whose outcomes these functions have too.
   Further: -EAGAIN, opening a writer: all are open, or were killed and the reader has yet to pass their last messages. The bytes and protocol are in docs/spec/channels/fanin.md. */
#ifndef PSM_FANIN_H
#define PSM_FANIN_H
#include "psm_channel.h"

enum { PSM_CLAIM = 768, PSM_SKIPPED = 896, PSM_LINE = 64, PSM_BATCH_LINES = 32, PSM_MOST_ATTEMPTS = 1000000 };
/* Positions count lines modulo 2^46; a record's header has them modulo 2^38. */
#define PSM_POSITIONS ((1ull << 46) - 1)
#define PSM_RECORD_TAG ((1ull << 38) - 1)
#define PSM_COMMITTED (1ull << 63)
#define PSM_PAD (1ull << 62)

struct psm_fanin_writer {
  struct psm_channel c; uint64_t lines, head, at, taken;                                 /* taken: how many lines the open claim has; 0: none is open */
  uint64_t used, first; uint32_t me, room;
};
struct psm_fanin_reader {
  struct psm_channel c; uint64_t lines, head, released, redelivered; int had_predecessor;
  uint64_t messages, bytes, waits, skipped, skipped_bytes, lost_claims;                  /* lost_claims: messages whose writers died before they committed them, since this opening */
};

static inline uint64_t psm_lines_for(uint64_t length) { return (length + 16 + PSM_LINE - 1) / PSM_LINE; }
static inline uint64_t psm_distance(uint64_t from, uint64_t to) { return (to - from) & PSM_POSITIONS; }
static inline int psm_is_before(uint64_t position, uint64_t other) { uint64_t d = psm_distance(position, other); return d && d < 1ull << 45; }
/* The claim word: position << 18, lines << 6, writer. An endpoint's last claim is the same without the writer. */
static inline uint64_t psm_claim_lines(uint64_t word) { return word >> 6 & 0xfff; }
static inline uint64_t psm_claim_end(uint64_t word) { return ((word >> 18) + psm_claim_lines(word)) & PSM_POSITIONS; }
static inline unsigned char *psm_last_claim(struct psm_channel *c, uint32_t writer) { return (unsigned char *)psm_endpoint(c, writer) + 32; }
static inline unsigned char *psm_line_at(struct psm_channel *c, uint64_t lines, uint64_t position) { return c->data + (position & (lines - 1)) * PSM_LINE; }
static inline uint64_t psm_fanin_head(const struct psm_channel *c) { return psm_get8(c->base + PSM_CHANNEL_R) & PSM_POSITIONS; }

/* -- writer -- */
/* Whether the reader has passed all that a dead owner of an endpoint had claimed. The claim word comes before the last claim, which stands there before the word moves on. */
static inline int psm_fanin_settled(struct psm_channel *c, uint32_t writer) {
  uint64_t word = psm_get8(c->base + PSM_CLAIM), last = psm_get8(psm_last_claim(c, writer)), head = psm_fanin_head(c);
  return ((word & 0x3f) != writer || !psm_claim_lines(word) || psm_is_before(word >> 18, head)) && (!(last & 0xfff) || psm_is_before(last >> 12 & PSM_POSITIONS, head));
}
static inline void psm_fanin_pad(struct psm_fanin_writer *w, uint64_t at, uint64_t lines) {
  psm_put8(psm_line_at(&w->c, w->lines, at), PSM_COMMITTED | PSM_PAD | (uint64_t)w->me << 56 | (lines * PSM_LINE - 16) << 38 | (at & PSM_RECORD_TAG));
}
static inline void psm_fanin_notify(struct psm_fanin_writer *w) { PSM_WINDOW(12); psm_notify_all(&w->c.roster, w->c.peer_wakes); }
static inline int psm_fanin_writer_open(struct psm_fanin_writer *w, void *base, uint64_t length, const char *label) {
  struct psm_channel *c = &w->c; memset(w, 0, sizeof *w);
  int r = psm_channel_check(c, base, length, PSM_FANIN_KIND); if (r) return r;
  if ((r = psm_channel_join(c, 0))) return r;
  if ((r = psm_channel_face(c, c->count - 1, PSM_CHANNEL_R, 1))) { psm_leave(&c->roster); return r; }
  w->lines = c->capacity / PSM_LINE;
  /* First one whose last owner's messages were read: what is still to be read keeps its writer's label. */
  for (uint32_t i = 0; i < 2 * (c->count - 1); i++) {
    uint32_t writer = i % (c->count - 1); int is_first = i < c->count - 1, state = is_first ? PSM_NEVER : psm_look(c, psm_endpoint(c, writer), 1);
    if (state < 0) { psm_leave(&c->roster); return state; }
    if ((is_first || state == PSM_DIED) && !psm_fanin_settled(c, writer)) continue;
    r = psm_channel_enter(c, writer); if (r == -EBUSY) continue;
    if (r < 0) { psm_leave(&c->roster); return r; }
    /* Another process may have taken it, used it and died between the two looks: it stays as it was found. */
    if (r == PSM_OWNER_DIED && !psm_fanin_settled(c, writer)) { psm_unlock(&c->roster, c->mutex); psm_channel_notify(c); continue; }
    /* The last claim may be so old that it would compare as newer than the next one. */
    w->me = writer; psm_put8(psm_last_claim(c, writer), psm_claim_end(psm_get8(base + PSM_CLAIM)) << 12);
    w->head = psm_fanin_head(c); psm_channel_occupy(c, 0, label, r); return 0;
  }
  psm_leave(&c->roster); return -EAGAIN;
}
/* Makes the last claim stand in its owner's endpoint, before the claim word moves on. 0: it has moved on already. */
static inline int psm_fanin_help(struct psm_fanin_writer *w, uint64_t seen) {
  if ((seen & 0x3f) >= w->c.count - 1) return -EILSEQ;
  uint64_t *last = (uint64_t *)(void *)psm_last_claim(&w->c, seen & 0x3f), current = __atomic_load_n(last, __ATOMIC_ACQUIRE);
  for (uint64_t later; (later = ((seen >> 6) - current) & ((1ull << 58) - 1)) && later < 1ull << 57;) {
    if ((seen & 0x3f) == w->me) { __atomic_store_n(last, seen >> 6, __ATOMIC_RELEASE); return 1; }
    if (psm_get8(w->c.base + PSM_CLAIM) != seen) return 0;
    if (__atomic_compare_exchange_n(last, &current, seen >> 6, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) return 1;
  }
  return 1;
}
/* Whether the reader has made room past the claims that were seen. 1: it has; 0: there is none now; 2: other claims have come meanwhile. */
static inline int psm_fanin_has_room(struct psm_fanin_writer *w, uint64_t seen, uint64_t total) {
  w->head = psm_fanin_head(&w->c); uint64_t end = psm_claim_end(seen), used = psm_distance(w->head, end);
  if (used > w->lines) return psm_get8(w->c.base + PSM_CLAIM) != seen ? 2 : -EILSEQ;
  /* A writer that has been idle for long: its last claim must not be so old that it compares as a later one. */
  uint64_t last = psm_get8(psm_last_claim(&w->c, w->me));
  if ((seen & 0x3f) != w->me && psm_distance(last >> 12, end) > 1ull << 40) psm_put8(psm_last_claim(&w->c, w->me), end << 12);
  return used + total <= w->lines;
}
static inline int psm_fanin_claim(struct psm_fanin_writer *w, uint64_t need) {
  for (int attempt = 0, r; attempt < PSM_MOST_ATTEMPTS; attempt++) {
    uint64_t seen = psm_get8(w->c.base + PSM_CLAIM);
    if (psm_claim_lines(seen)) { if ((r = psm_fanin_help(w, seen)) < 0) return r; if (!r) continue; }
    PSM_WINDOW(21);
    uint64_t at = psm_claim_end(seen), room = w->lines - (at & (w->lines - 1)), total = need <= room ? need : room + need, lines = need <= room ? need : room;
    if (psm_distance(w->head, at) + total > w->lines && (r = psm_fanin_has_room(w, seen, total)) != 1) { if (r == 2) continue; return r; }
    if (!__atomic_compare_exchange_n((uint64_t *)(void *)(w->c.base + PSM_CLAIM), &seen, at << 18 | lines << 6 | w->me, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) continue;
    PSM_WINDOW(22);
    if (lines == need) { w->at = at; w->taken = lines; w->used = 0; return 1; }
    psm_fanin_pad(w, at, lines); psm_fanin_notify(w); /* what was left before the end of the data: the message is at its beginning, if there is still room */
  }
  return -EILSEQ;
}
/* Room for a message of up to length bytes, in place. 1: *payload is it; 0: there is none now; -EINVAL: a reservation or batch is open. Messages that others claim later wait for it:
   commit or cancel it soon. */
static inline int psm_fanin_reserve(struct psm_fanin_writer *w, uint32_t length, void **payload) {
  if (w->taken) return -EINVAL;
  if (!psm_channel_fits(&w->c, length)) return -EMSGSIZE;
  int r = psm_fanin_claim(w, psm_lines_for(length)); if (r <= 0) return r;
  *payload = psm_line_at(&w->c, w->lines, w->at) + 16; w->room = length; return 1;
}
static inline uint64_t psm_fanin_header(struct psm_fanin_writer *w, uint64_t at, uint32_t length, uint16_t type) {
  *(uint64_t *)(void *)(psm_line_at(&w->c, w->lines, at) + 8) = type; return PSM_COMMITTED | (uint64_t)w->me << 56 | (uint64_t)length << 38 | (at & PSM_RECORD_TAG);
}
/* Sends what a batch has in its claim: the first header comes last, and the reader sees all of them or none. Lines that are left become padding. */
static inline void psm_fanin_send(struct psm_fanin_writer *w) {
  uint64_t taken = w->taken, used = w->used; if (!taken) return;
  w->taken = w->used = 0; if (used < taken) psm_fanin_pad(w, w->at + used, taken - used);
  PSM_WINDOW(9); if (used) psm_put8(psm_line_at(&w->c, w->lines, w->at), w->first);
  psm_fanin_notify(w);
}
/* Sends the message that was written to the room that is reserved. -EMSGSIZE: it is longer than that, and nothing was sent. */
static inline int psm_fanin_commit(struct psm_fanin_writer *w, uint32_t length, uint16_t type) {
  if (!w->taken || length > w->room) return -EMSGSIZE;
  w->first = psm_fanin_header(w, w->at, length, type); w->used = psm_lines_for(length); psm_fanin_send(w); return 0;
}
/* Gives a reservation up, or a batch: it becomes padding. */
static inline void psm_fanin_cancel(struct psm_fanin_writer *w) { w->used = 0; psm_fanin_send(w); }
/* 1: written; 0: there is no room now; -EINVAL: types from 0xff00 are reserved. */
static inline int psm_fanin_try_write(struct psm_fanin_writer *w, const void *bytes, uint32_t length, uint16_t type) {
  void *payload; int r = type >= PSM_OBJECT ? -EINVAL : psm_fanin_reserve(w, length, &payload); if (r <= 0) return r;
  memcpy(payload, bytes, length); psm_fanin_commit(w, length, type); return 1;
}
/* Room for one more message of a batch, in place; psm_fanin_batch_add adds it, and psm_fanin_send sends what was added. The messages before are sent when their claim is used up,
   or is followed by a claim that finds no room: 0. */
static inline int psm_fanin_batch_reserve(struct psm_fanin_writer *w, uint32_t length, void **payload) {
  if (!psm_channel_fits(&w->c, length)) return -EMSGSIZE;
  uint64_t need = psm_lines_for(length), several = w->lines / 8 < PSM_BATCH_LINES ? w->lines / 8 : PSM_BATCH_LINES; int r;
  if (w->used + need > w->taken) {
    psm_fanin_send(w); /* one claim at a time: only the last one of a writer can be put down to it */
    if ((r = psm_fanin_claim(w, need > several ? need : several)) < 0 || (!r && (r = psm_fanin_claim(w, need)) <= 0)) return r;
  }
  *payload = psm_line_at(&w->c, w->lines, w->at + w->used) + 16; w->room = length; return 1;
}
static inline int psm_fanin_batch_add(struct psm_fanin_writer *w, uint32_t length, uint16_t type) {
  if (!w->taken || length > w->room) return -EMSGSIZE;
  uint64_t header = psm_fanin_header(w, w->at + w->used, length, type);
  if (w->used) *(uint64_t *)(void *)psm_line_at(&w->c, w->lines, w->at + w->used) = header; else w->first = header;
  w->used += psm_lines_for(length); w->room = 0; return 0;
}
static inline int psm_fanin_writer_ready(void *end, uint64_t length) {
  struct psm_fanin_writer *w = end; uint64_t seen = psm_get8(w->c.base + PSM_CLAIM), need = psm_lines_for(length), room = w->lines - (psm_claim_end(seen) & (w->lines - 1)), total = need <= room ? need : room + need;
  if (psm_distance(w->head, psm_claim_end(seen)) + total <= w->lines) return 1;
  int r = psm_fanin_has_room(w, seen, total); return r == 2 ? 1 : r;
}
/* Sleeps until there was room for a message, which another writer may take. 1; 0: the reader takes no more; -EOWNERDEAD, -ENOTCONN: once for each reader, unless restart is set; -ETIMEDOUT. */
static inline int psm_fanin_writer_wait(struct psm_fanin_writer *w, uint32_t length, int64_t deadline, int restart) {
  int r; if ((r = psm_fanin_writer_ready(w, length))) return r;
  return psm_channel_wait(&w->c, psm_fanin_writer_ready, w, length, deadline, restart);
}
/* Leaves. A reservation that is open, and a batch that was not sent, become padding. */
static inline void psm_fanin_writer_close(struct psm_fanin_writer *w) { if (w->c.roster.me) { psm_fanin_cancel(w); psm_channel_close(&w->c); } }

/* -- reader -- */
/* Gives the room of what was passed back to the writers. Headers are zero before. */
static inline void psm_fanin_release(struct psm_fanin_reader *r) {
  unsigned char *line = r->c.base + PSM_CHANNEL_R;
  PSM_WINDOW(10); psm_put8(line + 40, r->head); PSM_WINDOW(23);
  for (uint64_t at = r->released; at != r->head; at = (at + 1) & PSM_POSITIONS) { *(uint64_t *)(void *)psm_line_at(&r->c, r->lines, at) = 0; PSM_WINDOW(24); }
  psm_put8(line + 8, r->messages); psm_put8(line + 16, r->bytes); r->released = r->head;
  PSM_WINDOW(11); psm_put8(line, r->head); PSM_WINDOW(12); psm_notify_all(&r->c.roster, r->c.peer_wakes);
}
static inline void psm_fanin_skip(struct psm_fanin_reader *r, uint64_t lines) { r->head = (r->head + lines) & PSM_POSITIONS; psm_fanin_release(r); }
static inline int psm_fanin_reader_open(struct psm_fanin_reader *r, void *base, uint64_t length, const char *label) {
  struct psm_channel *c = &r->c; memset(r, 0, sizeof *r); unsigned char *line;
  int e = psm_channel_check(c, base, length, PSM_FANIN_KIND); if (e) return e;
  if ((e = psm_channel_join(c, 1))) return e;
  for (uint32_t i = 0; i + 1 < c->count && !e; i++) e = psm_mutex_at(psm_endpoint(c, i));
  if (e || (e = psm_channel_enter(c, c->count - 1)) < 0) { psm_leave(&c->roster); return e; }
  /* A former reader's end is confirmed by the entry: it stores nothing more. */
  line = c->base + PSM_CHANNEL_R; r->lines = c->capacity / PSM_LINE; r->head = r->released = psm_fanin_head(c);
  uint64_t releasing = psm_get8(line + 40) & PSM_POSITIONS, end = psm_claim_end(psm_get8(c->base + PSM_CLAIM)), claimed = psm_distance(r->head, end);
  if (claimed > r->lines || psm_distance(r->head, releasing) > claimed) return psm_channel_refuse(c, -EILSEQ);
  r->messages = psm_get8(line + 8); r->bytes = psm_get8(line + 16); r->waits = psm_get8(line + 24); r->skipped = psm_get8(c->base + PSM_SKIPPED); r->skipped_bytes = psm_get8(c->base + PSM_SKIPPED + 8);
  r->had_predecessor = psm_channel_generation(c) != 0 || e == PSM_OWNER_DIED;
  if (releasing != r->head) psm_fanin_skip(r, psm_distance(r->head, releasing)); /* a living writer has long committed these, and would be waited for */
  psm_channel_occupy(c, 1, label, e); r->redelivered = psm_claim_end(psm_get8(c->base + PSM_CLAIM)); return 0;
}
/* Looks whose the claim at the head is, and passes over it if its writer will never commit it. 1: the head is worth another look; 0: there is nothing now. */
static inline int psm_fanin_pass_dead(struct psm_fanin_reader *r) {
  struct psm_channel *c = &r->c; unsigned char *record = psm_line_at(c, r->lines, r->head); uint32_t writers = c->count - 1, owner = writers;
  uint64_t seen = psm_get8(c->base + PSM_CLAIM), lines = psm_claim_lines(seen); if (psm_claim_end(seen) == r->head) return 0;
  if (seen >> 18 == r->head && lines) { if ((owner = seen & 0x3f) >= writers) return -EILSEQ; }
  else for (uint32_t i = 0; i < writers && owner == writers; i++) { uint64_t last = psm_get8(psm_last_claim(c, i)); if ((last >> 12 & PSM_POSITIONS) == r->head && (last & 0xfff)) { owner = i; lines = last & 0xfff; } }
  if (owner == writers) return psm_get8(record) & PSM_COMMITTED || psm_get8(c->base + PSM_CLAIM) != seen ? 1 : -EILSEQ; /* committed meanwhile, and its writer has claimed again */
  int state = psm_look(c, psm_endpoint(c, owner), 1); if (state < 0) return state;
  if (psm_get8(record) & PSM_COMMITTED) return 1; /* it may have committed, and died or left then */
  if (state == PSM_ALIVE) return 0;
  if (lines > r->lines - (r->head & (r->lines - 1))) return -EILSEQ;
  r->lost_claims++; psm_put8(c->base + PSM_SKIPPED, ++r->skipped); psm_put8(c->base + PSM_SKIPPED + 8, r->skipped_bytes += lines * PSM_LINE);
  psm_fanin_skip(r, lines); return 1;
}
/* The next message, in place. 1: it is valid until it was passed and the next call; 0: there is none now. m->writer is its writer's endpoint. */
static inline int psm_fanin_try_read(struct psm_fanin_reader *r, struct psm_message *m) {
  if (psm_distance(r->released, r->head) >= r->lines / 4) psm_fanin_release(r); /* once around, the headers that were passed would be found again */
  for (;;) {
    unsigned char *record = psm_line_at(&r->c, r->lines, r->head); uint64_t header = psm_get8(record), length = header >> 38 & 0x3ffff, need = psm_lines_for(length); uint32_t writer = header >> 56 & 0x3f;
    if (!(header & PSM_COMMITTED)) { int passed = psm_fanin_pass_dead(r); if (passed <= 0) return passed; continue; }
    if (((header ^ r->head) & PSM_RECORD_TAG) || need > r->lines - (r->head & (r->lines - 1)) || writer >= r->c.count - 1) return -EILSEQ;
    if (header & PSM_PAD) { psm_fanin_skip(r, need); continue; }
    if (length > r->c.most) return -EILSEQ;
    *m = (struct psm_message){record + 16, (uint32_t)length, *(uint16_t *)(void *)(record + 8), r->had_predecessor && psm_is_before(r->head, r->redelivered), (r->head + need) & PSM_POSITIONS, writer}; return 1;
  }
}
/* Passes over a message; its room is given back by psm_fanin_release, or before. */
static inline void psm_fanin_pass(struct psm_fanin_reader *r, const struct psm_message *m) { r->head = m->next; r->messages++; r->bytes += m->length; }
static inline int psm_fanin_reader_ready(void *end, uint64_t what) { struct psm_message m; (void)what; return psm_fanin_try_read(end, &m); }
/* Sleeps until there is a message. 1; -ETIMEDOUT. A fan-in never ends. What was passed is released. */
static inline int psm_fanin_reader_wait(struct psm_fanin_reader *r, int64_t deadline) {
  if (r->head != r->released) psm_fanin_release(r);
  int e = psm_fanin_reader_ready(r, 0); if (e) return e;
  psm_put8(r->c.base + PSM_CHANNEL_R + 24, ++r->waits); return psm_channel_wait(&r->c, psm_fanin_reader_ready, r, 0, deadline, 1);
}
static inline void psm_fanin_reader_close(struct psm_fanin_reader *r) { psm_channel_close(&r->c); }
#endif

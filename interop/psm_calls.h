/* psm_calls.h: calls over a connection of Posix.SharedMemory.Channels, both as the one that calls and as the one that answers, over psm_connection.h. C11, Linux, 64-bit, little-endian, header-only.
   For one thread: it calls one after the other, and keeps what the peer calls meanwhile. The ends of the connection are read and written through the calls only. The bytes and rules are in docs/spec/channels/calls.md.
   Functions return 0 or a positive outcome, or a negative errno, as those of psm_channel.h; -EILSEQ also for a record that is not one of calls, -EPIPE: the peer takes no more. What ends the calls, each later function returns too. Deadlines are those of psm_now(); INT64_MAX: without an end. */
#ifndef PSM_CALLS_H
#define PSM_CALLS_H
#include "psm_connection.h"
#include <stdlib.h>

enum { PSM_CALL = 0xff01, PSM_CANCEL = 0xff02, PSM_ANSWER = 0xff04, PSM_PLACES = 256, PSM_CALL_HEADER = 16 };
enum { PSM_REPLIED = 0, PSM_FAILED = 1, PSM_CANCELLED = 2 };                              /* outcomes of an answer */
/* A call of the peer. It is answered once, by psm_calls_reply or psm_calls_fail, which free it when they succeed. */
struct psm_request { struct psm_request *next; uint64_t number, size; int64_t deadline; uint32_t length; uint16_t place, type; int is_cancelled; unsigned char bytes[]; };
/* What a call gets: the reply, or of a failure the error and a text. If it is longer than the room, length says how long, and the bytes are its beginning. */
struct psm_reply { void *bytes; uint32_t room, length; int32_t error; uint16_t outcome; };
struct psm_calls {
  struct psm_connection *k; uint64_t sent, came, under_way, kept, awaited; struct psm_reply *reply; int is_answered, failure; uint32_t due;
  struct { uint64_t number, size; int is_given_up, is_due; } mine[PSM_PLACES]; struct psm_request *theirs[PSM_PLACES], *first, **last;
};

static inline void psm_calls_open(struct psm_calls *c, struct psm_connection *k) { memset(c, 0, sizeof *c); c->k = k; c->last = &c->first; k->input.has_calls = 1; }
/* Frees all calls that were not answered, also those that were received; the connection stays open. */
static inline void psm_calls_close(struct psm_calls *c) { for (int p = 0; p < PSM_PLACES; p++) { free(c->theirs[p]); c->theirs[p] = 0; } c->first = 0; c->last = &c->first; c->kept = 0; }
/* The longest request or reply. */
static inline uint32_t psm_calls_most(const struct psm_calls *c) { uint32_t most = c->k->output.c.most; return most < PSM_CALL_HEADER ? 0 : most - PSM_CALL_HEADER; }
/* Keeps what ends everything: each later function returns it. */
static inline int psm_calls_keep(struct psm_calls *c, int r) { if (r < 0 && r != -ETIMEDOUT && r != -ENOMEM && r != -EMSGSIZE) c->failure = r; return r; }
static inline int psm_calls_add(struct psm_calls *c, uint64_t number, uint16_t place, uint16_t type, uint32_t wait, const unsigned char *bytes, uint32_t length) {
  uint64_t size = psm_record(&c->k->input, PSM_CALL_HEADER + length);
  if (number != c->came + 1 || place >= PSM_PLACES || c->theirs[place] || type >= 0xff00 || c->kept + size > c->k->input.c.capacity) return -EILSEQ;
  struct psm_request *q = malloc(sizeof *q + length); if (!q) return -ENOMEM;
  *q = (struct psm_request){0, number, size, wait ? psm_now() + wait * 1000000ll : INT64_MAX, length, place, type, 0}; memcpy(q->bytes, bytes, length);
  c->came = number; c->kept += size; c->theirs[place] = *c->last = q; c->last = &q->next; return 1;
}
static inline int psm_calls_end(struct psm_calls *c, uint64_t number, uint16_t place, uint16_t outcome, uint32_t error, const unsigned char *bytes, uint32_t length) {
  if (place >= PSM_PLACES || !number || c->mine[place].number != number || outcome > (c->mine[place].is_given_up ? PSM_CANCELLED : PSM_FAILED)) return -EILSEQ;
  c->mine[place].number = 0; c->under_way -= c->mine[place].size; if (c->mine[place].is_due) { c->mine[place].is_due = 0; c->due--; }
  if (c->awaited == number) {
    struct psm_reply *r = c->reply; uint32_t fits = length < r->room ? length : r->room; r->outcome = outcome; r->error = (int32_t)error; r->length = length; if (fits) memcpy(r->bytes, bytes, fits);
    c->is_answered = 1;
  }
  return 1;
}
static inline int psm_calls_cancelled(struct psm_calls *c, uint64_t number, uint16_t place) {
  if (!number || number > c->came || place >= PSM_PLACES) return -EILSEQ;
  if (c->theirs[place] && c->theirs[place]->number == number) c->theirs[place]->is_cancelled = 1;
  return 1;
}
/* Reads a record. 1: one was there; 0: there is none now. */
static inline int psm_calls_read(struct psm_calls *c) {
  struct psm_message m; struct psm_end *e = &c->k->input; int r; if (c->failure) return c->failure;
  if ((r = psm_try_read(e, &m)) <= 0) return psm_calls_keep(c, r);
  if (m.type != PSM_OBJECT) {
    if (m.type < 0xff00 || m.length < PSM_CALL_HEADER) return psm_calls_keep(c, -EILSEQ);
    /* Each word is read once: what a peer stores later changes nothing. */
    const unsigned char *at = m.bytes; uint64_t number = psm_get8(at), rest = psm_get8(at + 8);
    uint16_t place = (uint16_t)rest, word = (uint16_t)(rest >> 16); uint32_t value = (uint32_t)(rest >> 32), length = m.length - PSM_CALL_HEADER; at += PSM_CALL_HEADER;
    r = m.type == PSM_CALL ? psm_calls_add(c, number, place, word, value, at, length) : m.type == PSM_ANSWER ? psm_calls_end(c, number, place, word, value, at, length) : psm_calls_cancelled(c, number, place);
    if (r < 0) return psm_calls_keep(c, r);
  }
  psm_pass(e, &m); psm_release(e); return 1;
}
/* Writes a record. 0: there is no room now. */
static inline int psm_calls_store(struct psm_calls *c, uint16_t record, uint64_t number, uint16_t place, uint16_t word, uint32_t value, const void *body, uint32_t length) {
  struct psm_end *e = &c->k->output; void *payload; int r = psm_reserve(e, PSM_CALL_HEADER + length, &payload); if (r <= 0) return psm_calls_keep(c, r);
  unsigned char *at = payload; memcpy(at, &number, 8); memcpy(at + 8, &place, 2); memcpy(at + 10, &word, 2); memcpy(at + 12, &value, 4); if (length) memcpy(at + PSM_CALL_HEADER, body, length);
  psm_commit(e, PSM_CALL_HEADER + length, record); psm_publish(e); return 1;
}
/* Sends the cancellations that there was no room for. 0: there is none now. */
static inline int psm_calls_flush(struct psm_calls *c) {
  for (uint32_t p = 0; c->due && p < PSM_PLACES; p++) {
    if (!c->mine[p].is_due) continue;
    int r = psm_calls_store(c, PSM_CANCEL, c->mine[p].number, (uint16_t)p, 0, 0, 0, 0); if (r <= 0) return r;
    c->mine[p].is_due = 0; c->due--;
  }
  return 1;
}
/* Reads a record, or waits for one. 0: the peer has completed its output; -ETIMEDOUT also where the peer sends without a pause. */
static inline int psm_calls_step(struct psm_calls *c, int64_t deadline) {
  int r = c->failure ? c->failure : psm_calls_flush(c); if (r < 0 || (r = psm_calls_read(c)) < 0) return r;
  int64_t now = psm_now(); if (r) return now < deadline ? 1 : -ETIMEDOUT;
  /* Cancellations that wait for room look for it every millisecond. */
  r = psm_end_wait(&c->k->input, 0, c->due && deadline - now > 1000000 ? now + 1000000 : deadline, 0);
  return r == -ETIMEDOUT && psm_now() < deadline ? 1 : psm_calls_keep(c, r);
}
static inline int psm_calls_put(struct psm_calls *c, uint16_t record, uint64_t number, uint16_t place, uint16_t word, uint32_t value, const void *body, uint32_t length, int64_t deadline) {
  for (;;) {
    int r = c->failure ? c->failure : psm_calls_flush(c); if (r > 0) r = psm_calls_store(c, record, number, place, word, value, body, length);
    if (r) return r;
    /* The peer reads on while this side does: neither waits for the other with both rings full. */
    for (int n = 0; n < PSM_PLACES && (r = psm_calls_read(c)) > 0; n++) { }
    if (r < 0) return r;
    int64_t now = psm_now(); if (now >= deadline) return -ETIMEDOUT;
    r = psm_end_wait(&c->k->output, PSM_CALL_HEADER + length, deadline - now > 1000000 ? now + 1000000 : deadline, 0); if (r <= 0 && r != -ETIMEDOUT) return psm_calls_keep(c, r ? r : -EPIPE);
  }
}
/* Calls, and waits for the answer. 1: it is in *reply, whose bytes and room are the caller's; -ETIMEDOUT: it is cancelled at the peer; -ENOTCONN, -EOWNERDEAD: the peer has left or completed its output, or died; -EMSGSIZE: longer than psm_calls_most. */
static inline int psm_call(struct psm_calls *c, const void *request, uint32_t length, uint16_t type, struct psm_reply *reply, int64_t deadline) {
  if (type >= 0xff00) return -EINVAL;
  if (length > psm_calls_most(c)) return -EMSGSIZE;
  uint64_t size = psm_record(&c->k->output, PSM_CALL_HEADER + length); uint32_t place; int r = 1;
  for (;;) {
    for (place = 0; place < PSM_PLACES && c->mine[place].number; place++) { }
    if (place < PSM_PLACES && c->under_way + size <= c->k->output.c.capacity) break;
    if (r <= 0) return r ? r : -ENOTCONN;
    r = psm_calls_step(c, deadline);
  }
  int64_t left = deadline == INT64_MAX ? 0 : (deadline - psm_now()) / 1000000; uint32_t wait = deadline == INT64_MAX ? 0 : left < 1 ? 1 : left > UINT32_MAX ? UINT32_MAX : (uint32_t)left;
  if ((r = psm_calls_put(c, PSM_CALL, c->sent + 1, (uint16_t)place, type, wait, request, length, deadline)) < 0) return r;
  c->mine[place].number = ++c->sent; c->mine[place].size = size; c->mine[place].is_given_up = 0; c->under_way += size;
  c->awaited = c->sent; c->reply = reply; c->is_answered = 0;
  while (!c->is_answered && (r = psm_calls_step(c, deadline)) > 0) { }
  c->awaited = 0; if (c->is_answered) return 1;
  if (r != -ETIMEDOUT && r != -ENOMEM) return r ? r : -ENOTCONN;
  c->mine[place].is_given_up = c->mine[place].is_due = 1; c->due++; int sent = psm_calls_flush(c); return sent < 0 ? sent : r;
}
/* The next call of the peer. 1: it is *request, to be answered; 0: the peer has completed its output. */
static inline int psm_calls_receive(struct psm_calls *c, struct psm_request **request, int64_t deadline) {
  for (int r = 1; !c->first; r = psm_calls_step(c, deadline)) if (r <= 0) return r;
  *request = c->first; if (!(c->first = c->first->next)) c->last = &c->first;
  return 1;
}
static inline int psm_calls_answer(struct psm_calls *c, struct psm_request *q, uint16_t outcome, int32_t error, const void *bytes, uint32_t length, int64_t deadline) {
  int r = psm_calls_put(c, PSM_ANSWER, q->number, q->place, outcome, (uint32_t)error, bytes, length, deadline); if (r < 0) return r;
  c->kept -= q->size; c->theirs[q->place] = 0; free(q); return 1;
}
/* Answers a call, whose caller drops the answer if it has given it up. After -ETIMEDOUT, where the ring has no room, and -EMSGSIZE, longer than psm_calls_most, the call is still to be answered. */
static inline int psm_calls_reply(struct psm_calls *c, struct psm_request *q, const void *bytes, uint32_t length, int64_t deadline) {
  return length > psm_calls_most(c) ? -EMSGSIZE : psm_calls_answer(c, q, PSM_REPLIED, 0, bytes, length, deadline);
}
/* Answers a call with an error, and a UTF-8 text of at most 1,024 bytes: a longer one is cut. */
static inline int psm_calls_fail(struct psm_calls *c, struct psm_request *q, int32_t error, const char *text, int64_t deadline) {
  if (q->is_cancelled) return psm_calls_answer(c, q, PSM_CANCELLED, 0, 0, 0, deadline);
  uint32_t most = psm_calls_most(c) < 1024 ? psm_calls_most(c) : 1024, length = (uint32_t)strnlen(text, most); if (length == most) while (length && (text[length] & 0xc0) == 0x80) length--;
  return psm_calls_answer(c, q, PSM_FAILED, error, text, length, deadline);
}
#endif

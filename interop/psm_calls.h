/* psm_calls.h: calls over a connection of Posix.SharedMemory.Channels, both as the one that calls and as the one that answers, over psm_connection.h. C11, Linux, 64-bit, little-endian, header-only.
   For one thread: it calls one after the other, and keeps what the peer calls meanwhile. The ends of the connection are read and written through the calls only. The bytes and rules are in docs/spec/channels/calls.md.
   Functions return 0 or a positive outcome, or a negative errno, as those of psm_channel.h; -EILSEQ also for a record that is not one of calls. Deadlines are those of psm_now(); INT64_MAX: without an end. */
#ifndef PSM_CALLS_H
#define PSM_CALLS_H
#include "psm_connection.h"
#include <stdlib.h>

enum { PSM_CALL = 0xff01, PSM_CANCEL = 0xff02, PSM_ANSWER = 0xff04, PSM_PLACES = 256, PSM_CALL_HEADER = 16 };
enum { PSM_REPLIED = 0, PSM_FAILED = 1, PSM_CANCELLED = 2 };                              /* outcomes of an answer */
/* A call of the peer. It is answered once, by psm_calls_reply or psm_calls_fail, which free it. */
struct psm_request { struct psm_request *next; uint64_t number, size; int64_t deadline; uint32_t length; uint16_t place, type; int is_cancelled; unsigned char bytes[]; };
/* What a call gets: the reply, or of a failure the error and a text. If it is longer than the room, length says how long, and the bytes are its beginning. */
struct psm_reply { void *bytes; uint32_t room, length; int32_t error; uint16_t outcome; };
struct psm_calls {
  struct psm_connection *k; uint64_t sent, came, under_way, kept, awaited; struct psm_reply *reply; int is_answered;
  struct { uint64_t number, size; int is_given_up; } mine[PSM_PLACES]; struct psm_request *theirs[PSM_PLACES], *first, **last;
};

static inline void psm_calls_open(struct psm_calls *c, struct psm_connection *k) { memset(c, 0, sizeof *c); c->k = k; c->last = &c->first; k->input.has_calls = 1; }
/* Frees the calls that were not answered; the connection stays open. */
static inline void psm_calls_close(struct psm_calls *c) { for (int p = 0; p < PSM_PLACES; p++) { free(c->theirs[p]); c->theirs[p] = 0; } c->first = 0; }
static inline uint32_t psm_calls_most(const struct psm_calls *c) { return c->k->output.c.most - PSM_CALL_HEADER; }
static inline int psm_calls_add(struct psm_calls *c, uint64_t number, uint16_t place, uint16_t type, uint32_t wait, const unsigned char *bytes, uint32_t length) {
  uint64_t size = psm_record(&c->k->input, PSM_CALL_HEADER + length);
  if (number != c->came + 1 || place >= PSM_PLACES || c->theirs[place] || type >= 0xff00 || c->kept + size > c->k->input.c.capacity) return -EILSEQ;
  struct psm_request *q = malloc(sizeof *q + length); if (!q) return -ENOMEM;
  *q = (struct psm_request){0, number, size, wait ? psm_now() + wait * 1000000ll : INT64_MAX, length, place, type, 0}; memcpy(q->bytes, bytes, length);
  c->came = number; c->kept += size; c->theirs[place] = *c->last = q; c->last = &q->next; return 1;
}
static inline int psm_calls_end(struct psm_calls *c, uint64_t number, uint16_t place, uint16_t outcome, uint32_t error, const unsigned char *bytes, uint32_t length) {
  if (place >= PSM_PLACES || !number || c->mine[place].number != number || outcome > (c->mine[place].is_given_up ? PSM_CANCELLED : PSM_FAILED)) return -EILSEQ;
  c->mine[place].number = 0; c->under_way -= c->mine[place].size;
  if (c->awaited == number) {
    struct psm_reply *r = c->reply; r->outcome = outcome; r->error = (int32_t)error; r->length = length; memcpy(r->bytes, bytes, length < r->room ? length : r->room); c->is_answered = 1;
  }
  return 1;
}
/* Reads a record. 1: one was there; 0: there is none now. */
static inline int psm_calls_read(struct psm_calls *c) {
  struct psm_message m; struct psm_end *e = &c->k->input; int r = psm_try_read(e, &m); if (r <= 0) return r;
  if (m.type != PSM_OBJECT) {
    uint64_t number; uint16_t place, word; uint32_t value; const unsigned char *at = m.bytes; if (m.type < 0xff00 || m.length < PSM_CALL_HEADER) return -EILSEQ;
    /* Once: what a peer stores later changes nothing. */
    memcpy(&number, at, 8); memcpy(&place, at + 8, 2); memcpy(&word, at + 10, 2); memcpy(&value, at + 12, 4); at += PSM_CALL_HEADER; uint32_t length = m.length - PSM_CALL_HEADER;
    if (m.type == PSM_CALL) r = psm_calls_add(c, number, place, word, value, at, length);
    else if (m.type == PSM_ANSWER) r = psm_calls_end(c, number, place, word, value, at, length);
    else if (!number || number > c->came) r = -EILSEQ;
    else if (place < PSM_PLACES && c->theirs[place] && c->theirs[place]->number == number) c->theirs[place]->is_cancelled = 1;
    if (r < 0) return r;
  }
  psm_pass(e, &m); psm_release(e); return 1;
}
/* Reads a record, or waits for one. 0: the peer has completed its output. */
static inline int psm_calls_step(struct psm_calls *c, int64_t deadline) { int r = psm_calls_read(c); return r ? r : psm_end_wait(&c->k->input, 0, deadline, 0); }
static inline int psm_calls_put(struct psm_calls *c, uint16_t record, uint64_t number, uint16_t place, uint16_t word, uint32_t value, const void *body, uint32_t length, int64_t deadline) {
  struct psm_end *e = &c->k->output; void *payload; int r;
  while (!(r = psm_reserve(e, PSM_CALL_HEADER + length, &payload))) {
    /* The peer reads on while this side does: neither waits for the other with both rings full. */
    while ((r = psm_calls_read(c)) > 0) { }
    if (r < 0) return r;
    int64_t now = psm_now(); if (now >= deadline) return -ETIMEDOUT;
    if ((r = psm_end_wait(e, PSM_CALL_HEADER + length, now + 1000000, 0)) == 0) return -EPIPE;
    if (r < 0 && r != -ETIMEDOUT) return r;
  }
  if (r < 0) return r;
  unsigned char *at = payload; memcpy(at, &number, 8); memcpy(at + 8, &place, 2); memcpy(at + 10, &word, 2); memcpy(at + 12, &value, 4); if (length) memcpy(at + PSM_CALL_HEADER, body, length);
  psm_commit(e, PSM_CALL_HEADER + length, record); psm_publish(e); return 1;
}
/* Calls, and waits for the answer. 1: it is in *reply, whose bytes and room are the caller's; -ETIMEDOUT: it is cancelled at the peer; -ENOTCONN, -EOWNERDEAD: the peer has left, or died; -EMSGSIZE: longer than psm_calls_most. */
static inline int psm_call(struct psm_calls *c, const void *request, uint32_t length, uint16_t type, struct psm_reply *reply, int64_t deadline) {
  if (type >= 0xff00) return -EINVAL;
  if (length > psm_calls_most(c)) return -EMSGSIZE;
  uint64_t size = psm_record(&c->k->output, PSM_CALL_HEADER + length); uint32_t place; int r;
  for (;;) {
    for (place = 0; place < PSM_PLACES && c->mine[place].number; place++) { }
    if (place < PSM_PLACES && c->under_way + size <= c->k->output.c.capacity) break;
    if ((r = psm_calls_step(c, deadline)) <= 0) return r ? r : -ENOTCONN;
  }
  int64_t left = deadline == INT64_MAX ? 0 : (deadline - psm_now()) / 1000000; uint32_t wait = deadline == INT64_MAX ? 0 : left < 1 ? 1 : left > UINT32_MAX ? UINT32_MAX : (uint32_t)left;
  if ((r = psm_calls_put(c, PSM_CALL, c->sent + 1, (uint16_t)place, type, wait, request, length, deadline)) < 0) return r;
  c->mine[place].number = ++c->sent; c->mine[place].size = size; c->mine[place].is_given_up = 0; c->under_way += size;
  c->awaited = c->sent; c->reply = reply; c->is_answered = 0;
  while (!c->is_answered && (r = psm_calls_step(c, deadline)) > 0) { }
  c->awaited = 0; if (c->is_answered) return 1;
  if (r != -ETIMEDOUT) return r ? r : -ENOTCONN;
  c->mine[place].is_given_up = 1; r = psm_calls_put(c, PSM_CANCEL, c->mine[place].number, (uint16_t)place, 0, 0, 0, 0, INT64_MAX); return r < 0 ? r : -ETIMEDOUT;
}
/* The next call of the peer. 1: it is *request, to be answered; 0: the peer has completed its output. */
static inline int psm_calls_receive(struct psm_calls *c, struct psm_request **request, int64_t deadline) {
  while (!c->first) { int r = psm_calls_step(c, deadline); if (r <= 0) return r; }
  *request = c->first; if (!(c->first = c->first->next)) c->last = &c->first;
  return 1;
}
static inline int psm_calls_answer(struct psm_calls *c, struct psm_request *q, uint16_t outcome, int32_t error, const void *bytes, uint32_t length) {
  /* Before the peer can see the answer, and call again. */
  uint64_t number = q->number; uint16_t place = q->place; c->kept -= q->size; c->theirs[place] = 0; free(q);
  return psm_calls_put(c, PSM_ANSWER, number, place, outcome, (uint32_t)error, bytes, length, INT64_MAX);
}
/* Answers a call. A caller that has given it up drops the answer. -EMSGSIZE: longer than psm_calls_most; the call is still to be answered. */
static inline int psm_calls_reply(struct psm_calls *c, struct psm_request *q, const void *bytes, uint32_t length) { return length > psm_calls_most(c) ? -EMSGSIZE : psm_calls_answer(c, q, PSM_REPLIED, 0, bytes, length); }
/* Answers a call with an error, and a UTF-8 text of at most 1,024 bytes. */
static inline int psm_calls_fail(struct psm_calls *c, struct psm_request *q, int32_t error, const char *text) {
  uint32_t most = psm_calls_most(c) < 1024 ? psm_calls_most(c) : 1024, length = (uint32_t)strnlen(text, most);
  return q->is_cancelled ? psm_calls_answer(c, q, PSM_CANCELLED, 0, 0, 0) : psm_calls_answer(c, q, PSM_FAILED, error, text, length);
}
#endif

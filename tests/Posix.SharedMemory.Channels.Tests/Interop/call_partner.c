/* The C partner of the tests: call_partner PATH 0 call 0 0: calls 300 times, once for a failure (type 7) and once for what is never answered (type 9); serve: answers each call with its bytes in reverse, type 7 with an error, and type 9 once it is cancelled; refuse: calls what is not answered in time, then what is answered wrongly, and once more. */
#include "psm_calls.h"
#include <stdio.h>
static unsigned char request[2000], turned[2000];
static int call(struct psm_calls *c) {
  int count = 0, r;
  for (int n = 0; n < 300; n++) {
    uint32_t length = (uint32_t)(n * 7919 % 1900); memset(request, 'a' + n % 26, length); struct psm_reply reply = {turned, sizeof turned, 0, 0, 0};
    if ((r = psm_call(c, request, length, (uint16_t)(n % 5), &reply, INT64_MAX)) < 0) { printf("call %d\n", r); return 2; }
    count += reply.outcome == PSM_REPLIED && reply.length == length && !memcmp(request, turned, length);
  }
  struct psm_reply reply = {turned, sizeof turned, 0, 0, 0};
  r = psm_call(c, "x", 1, 7, &reply, INT64_MAX); if (r == 1 && reply.outcome == PSM_FAILED) printf("failed %d %.*s\n", reply.error, (int)reply.length, turned);
  if (psm_call(c, "x", 1, 9, &reply, psm_now() + 50000000) == -ETIMEDOUT) puts("late");
  printf("called %d\n", count); return 0;
}
static int serve(struct psm_calls *c) {
  struct psm_request *q, *held = 0; int r;
  while ((r = psm_calls_receive(c, &q, INT64_MAX)) > 0) {
    if (q->type == 9) { held = q; continue; }
    if (q->type == 7) r = psm_calls_fail(c, q, 7, "refused", INT64_MAX);
    else { for (uint32_t i = 0; i < q->length; i++) turned[i] = q->bytes[q->length - 1 - i]; r = psm_calls_reply(c, q, turned, q->length, INT64_MAX); }
    if (r < 0) { printf("answer %d\n", r); return 3; }
    if (held && held->is_cancelled) { psm_calls_fail(c, held, 1, "", INT64_MAX); held = 0; puts("cancelled"); fflush(stdout); }
  }
  printf("ended %d\n", r); return 0;
}
static int refuse(struct psm_calls *c) {
  struct psm_reply reply = {0};
  if (psm_call(c, "x", 1, 9, &reply, psm_now() + 50000000) == -ETIMEDOUT) { puts("late"); fflush(stdout); }
  for (int n = 0; n < 2; n++) if (psm_call(c, "x", 1, 9, &reply, INT64_MAX) == -EILSEQ) puts("refused");
  return 0;
}
int main(int argc, char **argv) {
  if (argc < 6) return 9;
  struct psm_connection k; struct psm_calls c; int r = psm_connection_connect(&k, argv[1], "C", psm_now() + 240000000000ll);
  if (r) { printf("connect %d\n", r); return 1; }
  psm_calls_open(&c, &k); puts("open"); fflush(stdout);
  r = !strcmp(argv[3], "call") ? call(&c) : !strcmp(argv[3], "serve") ? serve(&c) : refuse(&c); fflush(stdout);
  psm_complete(&k.output, 0); psm_calls_close(&c); psm_connection_close(&k); puts("closed"); return r;
}

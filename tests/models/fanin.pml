/* Many writers and one reader in one order: a claim word, the last claim of each writer, headers that are committed and zeroed. Writers and the reader may be killed anywhere;
   their endpoints are taken again. -DW=w writers, -DN=n lines, -DMESSAGES=m for each life, -DLIVES=l of writer 0, -DLR=l lives of the reader; claims take one line, with -DLONG one or two.
   -DBATCH: a claim takes one or two lines, and has a message in each; the header of the first is stored last.
   Mutants, each of which must fail: -DNOHELP: the claim word moves on before the last claim stands in its owner's endpoint; -DNORECHECK: the reader does not look at the header
   again once it knows of the death; -DTIMEOUT: a living writer is taken for dead; -DNOSETTLE: a dead writer's endpoint is taken before the reader has passed its claim;
   -DNOFINISH: the next reader does not finish a release; -DHEADFIRST: the head is stored before the headers are zero; -DNODEATH: the death of a writer wakes nobody;
   -DBATCH -DFORWARD: the first message of a claim is committed first. */
#ifndef W
#define W 2
#endif
#ifndef N
#define N 2
#endif
#ifndef MESSAGES
#define MESSAGES 1
#endif
#ifndef LIVES
#define LIVES 2
#endif
#ifndef LR
#define LR 2
#endif
byte P, L, O;                                          /* the claim word: position, lines, writer */
byte last[W];                                          /* position + 1 */
byte header[N];                                        /* position + 1 once committed */
byte head, releasing;
bool alive[W], woken[W];
byte lines[16]; bool committedAt[16];                   /* ghosts: by position */
byte running = W; bool readerGone = 0, hasFailed = 0;
#ifdef BATCH
#define LONG
#define TAKEN(h) 1
#else
#define TAKEN(h) lines[h]
#endif
#define DIE if :: skip :: goto died fi
inline load() { atomic { p = P; l = L; o = O } }
proctype Writer(byte me; byte lives) {
  byte p, l, o, c, start, need, n, h; bool won;
born:
  n = 0;
again:
  if :: n == MESSAGES -> goto left :: else fi;
  load();                                                                             /* C1 */
  DIE;
#ifndef NOHELP
  if
  :: l != 0 ->                                                                         /* C2: SYNC claim.help */
     c = last[o];
     do
     :: c < p + 1 -> atomic { if :: last[o] == c -> last[o] = p + 1; c = p + 1 :: else -> c = last[o] fi }
     :: else -> break
     od
  :: else
  fi;
#endif
  start = p + l;
#ifdef LONG
  if :: need = 1 :: need = 2 fi;
#else
  need = 1;
#endif
  h = head;
  if
  :: start + need > h + N ->                                                           /* full */
     (head != h || P + L != start || readerGone);
     if :: readerGone && head == h && P + L == start -> goto left :: else goto again fi
  :: else
  fi;
  DIE;
  atomic {                                                                             /* C4 */
    if :: P == p && L == l && O == o -> P = start; L = need; O = me; won = 1; lines[start] = need; assert(header[start % N] == 0); assert(need == 1 || header[(start + 1) % N] == 0) :: else -> won = 0 fi
  };
  if :: !won -> goto again :: else fi;
  DIE;
#ifdef BATCH
#ifndef FORWARD
  if :: need == 2 -> header[(start + 1) % N] = start + 2; DIE :: else fi;
#endif
#endif
  atomic { header[start % N] = start + 1; committedAt[start] = 1; if :: need == 2 -> committedAt[start + 1] = 1 :: else fi };   /* C6: SYNC fanin.commit */
#ifdef FORWARD
  DIE;
  if :: need == 2 -> header[(start + 1) % N] = start + 2 :: else fi;
#endif
  n++;
  DIE;
  goto again;
died:
  atomic { alive[me] = 0; lives--;
#ifndef NODEATH
    woken[me] = 1
#endif
  };
  if
  :: lives > 0 ->
#ifndef NOSETTLE
     do
     :: load(); c = last[me]; h = head;                                                /* SYNC fanin.settle */
        if
        :: (o == me && l != 0 && p >= h) || c >= h + 1 ->
           (head != h || P + L != p + l || readerGone);
           if :: readerGone -> goto out :: else fi
        :: else -> break
        fi
     od;
#endif
     atomic { alive[me] = 1; woken[me] = 0 };
     goto born
  :: else goto out
  fi;
left:
  atomic { alive[me] = 0; woken[me] = 1 };
out:
  running--
}
inline release(l) {                                                                    /* SYNC fanin.room */
  releasing = h + l;
  DIE;
#ifdef HEADFIRST
  head = h + l;
#endif
  header[h % N] = 0;
  if :: l == 2 -> header[(h + 1) % N] = 0 :: else fi;
  DIE;
#ifndef HEADFIRST
  head = h + l;
#endif
}
active proctype Reader() {
  byte h, p, l, o, v, life = 0; bool found;
open:
  life++; h = head;
#ifndef NOFINISH
  if
  :: releasing != h ->
     v = h; do :: v < releasing -> header[v % N] = 0; v++ :: else -> break od;
     head = releasing
  :: else
  fi;
#endif
  do
  :: h = head;
     if :: header[h % N] == h + 1 -> DIE; release(TAKEN(h)); goto next :: else fi;
     load();
     if
     :: p + l == h ->                                                                  /* empty */
        (P + L != h || running == 0);
        if :: P + L == h -> break :: else goto next fi
     :: else
     fi;
     found = 0;
     if
     :: p == h -> found = 1
     :: else ->
        o = 0;
        do :: o < W && last[o] == h + 1 -> found = 1; break :: o < W && last[o] != h + 1 -> o++ :: else -> break od
     fi;
     if :: !found -> if :: header[h % N] == h + 1 -> goto next :: else -> hasFailed = 1; assert(0) fi :: else fi;
#ifdef TIMEOUT
     if :: skip :: (header[h % N] == h + 1 || woken[o]); goto next fi;
#else
     if :: alive[o] -> (header[h % N] == h + 1 || woken[o]); goto next :: else fi;
#endif
#ifndef NORECHECK
     if :: header[h % N] == h + 1 -> goto next :: else fi;                              /* SYNC fanin.commit: it committed, and died then */
#endif
     assert(!committedAt[h]);                                                          /* nothing that was committed is skipped */
     release(lines[h]);
next: skip
  od;
  v = 0;
  goto out;
died:
  if :: life < LR -> goto open :: else readerGone = 1 fi;
out:
  skip
}
active proctype Idle() { end_idle: (timeout); assert(running == 0); assert(readerGone || head == P + L) }
init { atomic { alive[0] = 1; alive[1] = 1; run Writer(0, LIVES); run Writer(1, 1) } }

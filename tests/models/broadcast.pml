/* One writer, readers that lose nothing and join while it runs, and one that may lose: records of one unit, N units of memory, T records. The writer may be killed anywhere and is
   taken over; lossless readers may leave or be killed anywhere, also while they join, and their endpoints are taken again. -DR=lossless readers, -DLR=lives of reader 0,
   -DLW=lives of the writer, -DLOSSY: one lossy reader as well, -DEVICT: the writer evicts a reader that holds it up. -DLONG: the writer reserves room for two records, writes over all of it, and
   commits one. -DLATE: the lossy reader joins while the writer runs, after the newest record, or past all of them where that is overrun.
   -DTSO: stores to the limit and of reader 0 are seen later, unless a fence comes between.
   Mutants, each of which must fail: -DLOWER: the limit falls below what was promised; -DNORESCAN: one look at the positions; -DNOLIMIT: a joiner does not look at the limit;
   -DTWICE: a position is loaded twice in a scan; -DKEEPLIMIT: the next writer keeps a limit that a killed one may not have looked after; -DBLIND: a dead reader is settled without its
   mutex; -DNODEATH: the death of a reader wakes nobody; -DNOJOINWAKE: a joiner that moves up wakes nobody; -DLATEINTENT: the intent is stored after the first byte; -DEARLYINTENT:
   a lossy reader looks at the intent before it copies; -DLOWERINTENT: the next writer takes back the intent; -DEVICT -DNOMODE: an evicted
   reader does not look whether it is; -DLOSSY -DLONG -DSHORTINTENT: the intent covers what is committed, not what is reserved; -DLOSSY -DLATE -DNOINTENT: a lossy joiner does not look whether the
   newest record is whole; -DLOSSY -DLATE -DNOCOUNT: one that goes past all records takes the number of the next one without comparing the counts; -DTSO -DNOFENCEW, -DTSO -DNOFENCER: no fence between the store and the second look, of the writer or of a joiner. */
#ifndef N
#define N 2
#endif
#ifndef T
#define T 4
#endif
#ifndef R
#define R 2
#endif
#ifndef LR
#define LR 1
#endif
#ifndef LW
#define LW 1
#endif
#define NOBODY 0
#define READER 1
#define WRITER 2
#define DEAD 3
byte slot[N];                                          /* position + 1; 0: half-written */
byte tail, intent, limit;
byte newest, next, messages;                           /* the place of the newest record, and two counts: one stored after the tail, and one before it. A record's number is its place */
byte mode[R], pos[R], holder[R];                       /* modes: 0 none, 1 lossless, 3 evicted */
bool wake;                                             /* the event count that the writer sleeps on; its own model is eventcount.pml */
bool isOver; byte readers;
#ifdef TSO
byte wl, rp, rm; bool wlp, rpp, rmp;                   /* the store buffers of the writer and of reader 0: a store is seen later, a fence waits until it is */
#define ST_LIMIT(v) (!wlp); wl = v; wlp = 1
#define MY_LIMIT (wlp -> wl : limit)
#define ST_POS(v) atomic { !rpp && !rmp -> rp = v; rpp = 1 }
#define ST_MODE(v) atomic { !rmp -> rm = v; rmp = 1 }
#define FENCE_W (!wlp)
#define FENCE_R (!rpp && !rmp)
#define IN_ORDER_W (!wlp)
active proctype Buffers() {
  end_buffers: do :: atomic { wlp -> limit = wl; wlp = 0 } :: atomic { rpp -> pos[0] = rp; rpp = 0 } :: atomic { rmp && !rpp -> mode[0] = rm; rmp = 0 } od
}
#else
#define ST_LIMIT(v) limit = v
#define MY_LIMIT limit
#define ST_POS(v) pos[me] = v
#define ST_MODE(v) mode[me] = v
#define FENCE_W skip
#define FENCE_R skip
#define IN_ORDER_W skip
#endif
#define DIE(label) if :: skip :: goto label fi
inline scan(m) {
  m = tail; i = 0;
  do
  :: i < R ->
     if
     :: mode[i] == 1 ->
#ifdef TWICE
        if :: pos[i] < m -> m = pos[i] :: else fi
#else
        q = pos[i];
        if :: q < m -> m = q :: else fi
#endif
     :: else
     fi;
     i++
  :: else -> q = 0; i = 0; break
  od
}
active proctype Writer() {
  byte m, l, old, i, q, life, w; bool looked;
born:
  life++; w = 1;
  /* SYNC broadcast.takeover */
#ifdef LOWERINTENT
  intent = tail;
#endif
#ifndef KEEPLIMIT
  if :: life > 1 -> ST_LIMIT(intent) :: else -> limit = N fi;
#else
  if :: life == 1 -> limit = N :: else fi;
#endif
  d_step { if :: next < tail -> newest = tail - 1; next = tail :: else fi; messages = next };
  looked = 0;
  do
  :: tail == T -> break
  :: else ->
#ifdef LONG
     if :: looked :: !looked -> w = 1 :: !looked -> w = 2 fi;                             /* what is reserved; a wait is for the same */
#endif
     if
     :: tail + w > MY_LIMIT ->                                                         /* B1 */
        if :: looked -> wake = 0 :: else fi;
        scan(m);
        old = MY_LIMIT;
#ifdef LOWER
        l = m + N;
#else
        if :: l = m + N :: m + N > tail + w -> l = tail + w fi;                          /* no more than is needed, so that the history is left to those who join */
        l = (l > old -> l : old);
#endif
        ST_LIMIT(l);                                                                    /* SYNC broadcast.join: it stands before the second look */
#ifndef NOFENCEW
        FENCE_W;
#endif
        if :: LW > 1 -> DIE(died) :: else fi;
#ifndef NORESCAN
        scan(m);
        if
        :: m + N < l ->
#ifdef LOWER
           l = m + N;
#else
           l = (m + N > old -> m + N : old);
#endif
           ST_LIMIT(l)
        :: else
        fi;
#endif
        if
        :: tail + w > MY_LIMIT && !looked -> looked = 1                                    /* prepare, and look again */
        :: tail + w > MY_LIMIT && looked ->
           looked = 0;
           i = 0;
           do                                                                           /* the dead ones are settled */
           :: i < R ->
              if
              :: mode[i] == 1 && holder[i] == DEAD ->
#ifdef BLIND
                 mode[i] = 0; wake = 1
#else
                 if
                 :: atomic { holder[i] == DEAD -> holder[i] = WRITER }; /* SYNC broadcast.settle */ mode[i] = 0; if :: LW > 1 && life < LW -> DIE(diedInside) :: else fi; holder[i] = NOBODY; wake = 1
                 :: atomic { holder[i] != DEAD -> skip }
                 fi
#endif
#ifdef EVICT
              :: mode[i] == 1 && holder[i] != DEAD -> atomic { if :: mode[i] == 1 -> mode[i] = 3; wake = 1 :: else fi }
#endif
              :: else
              fi;
              i++
           :: else -> break
           od;
           i = 0;
           (wake)
        :: else -> looked = 0
        fi;
        m = 0; l = 0; old = 0
     :: else ->
        IN_ORDER_W;
#ifndef LATEINTENT
#ifdef SHORTINTENT
        intent = (tail + 1 > intent -> tail + 1 : intent);
#else
        intent = (tail + w > intent -> tail + w : intent);                              /* B2: SYNC broadcast.intent */
#endif
#endif
        slot[tail % N] = 0;                                                             /* B3 */
        if :: w == 2 -> slot[(tail + 1) % N] = 0 :: else fi;
#ifdef LATEINTENT
        intent = (tail + 1 > intent -> tail + 1 : intent);
#endif
        if :: LW > 1 -> DIE(died) :: else fi;
        slot[tail % N] = tail + 1;
        messages = tail + 1;
        if :: LW > 1 -> DIE(died) :: else fi;
        tail = tail + 1;                                                                /* B4: SYNC broadcast.publish */
        if :: LW > 1 -> DIE(died) :: else fi;
        newest = tail - 1; next = tail                                                   /* SYNC broadcast.number */
     fi
  od;
  goto over;
diedInside:
  holder[i] = DEAD; i = 0;
died:
  m = 0; l = 0; old = 0;
  if :: life < LW -> goto born :: else fi;
over:
  isOver = 1
}
proctype Reader(byte me; byte lives) {
  byte x, L, s, v;
enter:
  atomic { if :: holder[me] == NOBODY || holder[me] == DEAD -> holder[me] = READER :: isOver -> goto out fi };
  ST_MODE(0);
  x = (tail > N -> tail - N : 0);                                                       /* the oldest there may be; long ago by now */
  ST_POS(x); ST_MODE(1);                                                                /* SYNC broadcast.join */
#ifndef NOFENCER
  FENCE_R;
#endif
  DIE(died);
#ifdef NOLIMIT
  s = x;
#else
  L = limit; s = (L > x + N -> L - N : x);
  ST_POS(s);
#endif
#ifndef NOJOINWAKE
  FENCE_R; wake = 1;
#endif
  x = 0; L = 0;
  do
  :: s < tail ->
     v = slot[s % N];
     DIE(died);
     if :: v == s + 1 -> v = slot[s % N] :: else fi;
#ifdef EVICT
#ifndef NOMODE
     if :: mode[me] != 1 -> break :: else fi;                                           /* SYNC broadcast.evict */
#endif
#endif
     assert(v == s + 1);                                                                /* SYNC broadcast.release */
     s++; ST_POS(s); v = 0;
     FENCE_R; wake = 1
  :: s >= tail && (tail == T || isOver) -> break
  :: s < tail -> break                                                                  /* it leaves */
  od;
  v = 0;
  FENCE_R; if :: mode[me] == 1 -> mode[me] = 0 :: else fi;
  holder[me] = NOBODY; wake = 1;
  goto out;
died:
  s = 0; x = 0; L = 0; v = 0; lives--;
  FENCE_R;
  atomic { holder[me] = DEAD
#ifndef NODEATH
    ; wake = 1
#endif
  };
  if :: lives > 0 -> goto enter :: else fi;
out:
  readers--
}
#ifdef LOSSY
active proctype Lossy() {
  byte p, v, w, i;
#ifdef LATE
  i = next; p = newest;
  if
  :: i == 0 -> p = 0
  :: else ->
     v = slot[p % N]; w = intent;                                                         /* SYNC broadcast.intent */
     if
#ifdef NOINTENT
     :: true -> assert(v == p + 1); p++
#else
     :: w <= p + N -> assert(v == p + 1); p++
     :: else ->
        i = next; p = tail; v = messages;                                                 /* SYNC broadcast.number */
#ifdef NOCOUNT
        assert(i == p)
#else
        assert(v != i || i == p)
#endif
#endif
     fi
  fi;
  v = 0; w = 0; i = 0;
#else
  p = tail;
#endif
  do
  :: p < tail ->
#ifdef EARLYINTENT
     i = intent;
#endif
     v = slot[p % N]; w = slot[p % N];
#ifndef EARLYINTENT
     i = intent;                                                                        /* SYNC broadcast.intent */
#endif
     if
     :: i > p + N -> p = tail                                                           /* overrun: counted by the next record's number */
     :: else -> assert(v == p + 1 && w == p + 1); p++
     fi;
     v = 0; w = 0; i = 0
  :: p == tail && isOver -> break
  od
}
#endif
init { atomic { readers = R; run Reader(0, LR);
#if R > 1
  run Reader(1, 1)
#endif
  } }
active proctype Idle() { end_idle: (timeout); assert(isOver && readers == 0) }

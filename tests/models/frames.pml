/* One publisher, R subscribers: a pool of NS slots, a submission ring of one entry and a return ring for each subscriber, T frames. Who holds which slot only the publisher knows.
   Subscribers join, take, read and give back; they close or are killed anywhere, and their endpoints are taken again. A process that dies may store once more after the kernel's mark.
   -DL0=lives of subscriber 0; -DSTOP: subscriber 0 may stop for ever while it holds a frame.
   Mutants, each of which must fail: -DPLAINPOP, -DPLAINTAKE: the publisher, or a subscriber, moves the head of a submission ring without compare-exchange; -DLATELOAD: a subscriber loads the
   entry after it has moved the head; -DTAILFIRST: the publisher moves the tail before it stores the entry; -DNODRAIN: a dead subscriber's bits are cleared before its return ring is
   drained; -DNOCONFIRM: its rings are drained before its end is confirmed; -DBLIND: it is settled without its mutex; -DREPAIRS: an opener takes a dead one's endpoint itself; -DNOSWEEP:
   what a racing send pushed to a subscriber that left is not taken back; -DNOMOVE: a subscriber leaves its submission ring as it is, and the next one begins at its tail; -DNODEATH: a
   death wakes nobody; -DNORETURNWAKE: a return wakes nobody; -DEARLYCLEAR: a slot is free as soon as the first subscriber has given it back. */
#ifndef NS
#define NS 2
#endif
#ifndef R
#define R 2
#endif
#ifndef T
#define T 3
#endif
#ifndef L0
#define L0 2
#endif
#ifndef K
#define K 2
#endif
#define RS 4                                           /* the return ring: all slots, rounded up */
#define NOBODY 0
#define READER 1
#define WRITER 2
#define DYING 3
#define DEAD 4
#define SLOT(e) ((e) % NS)
#define LIFE(e) ((e) / NS)
byte content[NS];                                      /* the life whose frame the slot holds; 0: being filled */
byte mode[R], holder[R];
byte head[R], tail[R], ring[R];                        /* submission rings of one entry */
byte rhead[R], rtail[R], rring[R * RS];
bool wake;                                             /* the event count that the publisher sleeps on; its own model is eventcount.pml */
bool isOver; byte readers;
#define DIE(label) if :: skip :: goto label fi

inline give(s, n) {                                    /* the publisher finds that subscriber s does not need entry n any more */
  assert(held[SLOT(n) * R + s] && life[SLOT(n)] == LIFE(n));
  held[SLOT(n) * R + s] = 0
#ifdef EARLYCLEAR
  ; i = 0; do :: i < R -> held[SLOT(n) * R + i] = 0; i++ :: else -> i = 0; break od
#endif
}
inline drain(s) {
  do
  :: rhead[s] < rtail[s] -> e = rring[s * RS + rhead[s] % RS]; give(s, e); rhead[s]++          /* SYNC frames.return */
  :: else -> e = 0; break
  od
}
inline pop(s) {                                        /* SYNC frames.take: the oldest that was not taken comes back */
  h = head[s];
  if
  :: h < tail[s] ->
#ifdef PLAINPOP
     if :: head[s] == h -> skip; head[s] = h + 1; e = sent[s]; give(s, e) :: else fi
#else
     if :: atomic { head[s] == h -> head[s] = h + 1 }; e = sent[s]; give(s, e) :: atomic { head[s] != h -> skip } fi
#endif
  :: else
  fi;
  h = 0; e = 0
}
inline settle(s) {                                     /* SYNC frames.settle: under the mutex of one that died or left, after its end was confirmed */
#ifdef BLIND
  (holder[s] != DYING); q = (holder[s] == READER -> READER : WRITER);
#else
  if
#ifdef NOCONFIRM
  :: atomic { holder[s] == DYING -> q = DYING }
#endif
  :: atomic { holder[s] == DEAD || holder[s] == NOBODY -> holder[s] = WRITER; q = WRITER }
  :: atomic { holder[s] == READER -> q = READER }                                        /* another one has come meanwhile */
  fi;
#endif
  if
#ifdef BLIND
  :: true ->
#else
  :: q != READER ->
#endif
#ifndef NODRAIN
     drain(s);
#endif
     head[s] = tail[s];
     d_step { i = 0; do :: i < NS -> held[i * R + s] = 0; i++ :: else -> i = 0; break od };
     mode[s] = 0;
#ifdef BLIND
     if :: atomic { holder[s] == DEAD -> holder[s] = NOBODY } :: atomic { holder[s] != DEAD -> skip } fi
#else
     if :: atomic { q == DYING -> (holder[s] == DEAD) -> holder[s] = NOBODY } :: q != DYING -> holder[s] = NOBODY fi
#endif
#ifndef BLIND
  :: else
#endif
  fi;
  q = 0
}
inline sweep() {                                       /* drains every return ring, and takes back what the dead and those that left had */
  s = 0;
  do
  :: s < R ->
     drain(s);
     if
     :: holder[s] == DEAD || holder[s] == DYING -> settle(s)
#ifndef NOSWEEP
     :: holder[s] == NOBODY -> settle(s)
#endif
     :: else
     fi;
     s++
  :: else -> s = 0; break
  od
}
inline find() {                                        /* a slot that nobody holds; NS: none. What it looks at is the publisher's own */
  d_step {
    slot = 0; q = 1;
    do
    :: slot < NS && q != 0 ->
       q = 0; i = 0;
       do :: i < R -> q = q + held[slot * R + i]; i++ :: else -> i = 0; break od;
       if :: q != 0 -> slot++ :: else fi
    :: else -> break
    od;
    q = 0
  }
}
active proctype Publisher() {
  byte n, s, slot, e, h, i, q; byte life[NS]; bool held[NS * R]; byte sent[R]; bool looked;
  do
  :: n == T -> break
  :: else ->
     find();
     if :: slot == NS -> if :: looked -> wake = 0 :: else fi; sweep(); find() :: else fi;
     if
     :: slot == NS && !looked -> looked = 1                                             /* prepare, and look again */
     :: slot == NS && looked -> looked = 0; (wake)
     :: else ->
        looked = 0;
        content[slot] = 0; life[slot] = n + 1; content[slot] = n + 1;
        s = 0;
        do
        :: s < R ->
           if
           :: holder[s] == READER && mode[s] == 1 ->
              if :: head[s] < tail[s] -> pop(s) :: else fi;                                /* DropOldest */
              held[slot * R + s] = 1;
#ifdef TAILFIRST
              tail[s] = tail[s] + 1; ring[s] = slot + NS * life[slot]; sent[s] = ring[s]
#else
              sent[s] = slot + NS * life[slot];
              ring[s] = sent[s];
              tail[s] = tail[s] + 1                                                     /* SYNC frames.send */
#endif
           :: else
           fi;
           s++
        :: else -> s = 0; break
        od;
        n++
     fi;
     slot = 0
  od;
  isOver = 1;
#ifndef STOP
  (readers == 0);
  sweep();
  find(); assert(slot == 0);
  i = 0;
  do :: i < NS * R -> assert(!held[i]); i++ :: else -> break od                             /* nothing is lost for ever */
#endif
}
inline take() {                                        /* e: the entry; 0: there is none, or another was faster */
  e = 0; h = head[me];
  if
  :: h < tail[me] ->
#ifndef LATELOAD
     e = ring[me];
#endif
#ifdef PLAINTAKE
     head[me] = h + 1;
#else
     if :: atomic { head[me] == h -> head[me] = h + 1 } :: atomic { head[me] != h -> e = 0; h = 99 } fi;
#endif
#ifdef LATELOAD
     if :: h != 99 -> e = ring[me] :: else fi;
#endif
     h = 0
  :: else -> h = 0
  fi
}
inline sendBack() {
  rring[me * RS + rtail[me] % RS] = e;
  DIE(diedReturning);
  rtail[me] = rtail[me] + 1;                                                            /* SYNC frames.return */
#ifndef NORETURNWAKE
  wake = 1;
#endif
  e = 0
}
proctype Subscriber(byte me; byte lives) {
  byte e, h, k;
enter:
  if
  :: atomic { holder[me] == NOBODY -> holder[me] = READER }
#ifdef REPAIRS
  :: atomic { holder[me] == DEAD -> holder[me] = READER }
#endif
  :: isOver -> goto out
  fi;
#ifdef NOMOVE
  head[me] = tail[me];
#else
  do :: head[me] < tail[me] -> take(); if :: e != 0 -> sendBack() :: else fi :: else -> break od;
#endif
  DIE(died);
  mode[me] = 1;                                                                         /* SYNC frames.join */
  do
  :: k < K && head[me] < tail[me] ->
     take();
     DIE(died);
     if
     :: e != 0 ->
        assert(content[SLOT(e)] == LIFE(e));
        DIE(died);
#ifdef STOP
        if :: skip :: me == 0 -> readers--; end_stopped: (0) fi;
#endif
        assert(content[SLOT(e)] == LIFE(e));
        sendBack(); k++
     :: else
     fi
  :: isOver -> break
  :: k == K -> break
  od;
  mode[me] = 0;                                                                         /* it leaves */
#ifndef NOMOVE
  do :: head[me] < tail[me] -> take(); if :: e != 0 -> sendBack() :: else fi :: else -> break od;
#endif
  DIE(died);
  holder[me] = NOBODY;                                                                  /* SYNC frames.leave */
  wake = 1;
  goto again;
diedReturning:
  holder[me] = DYING;
#ifndef NODEATH
  wake = 1;
#endif
  if :: rtail[me] = rtail[me] + 1 :: skip fi;                                             /* the last store of another thread of the process */
died:
  holder[me] = DEAD; e = 0; h = 0;
#ifndef NODEATH
  wake = 1;
#endif
again:
  lives--; k = 0;
  if :: lives > 0 -> goto enter :: else fi;
out:
  readers--
}
init { atomic { readers = R; run Subscriber(0, L0);
#if R > 1
  run Subscriber(1, 1)
#endif
  } }
active proctype Idle() { end_idle: (timeout); assert(isOver) }

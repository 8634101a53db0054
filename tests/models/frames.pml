/* One publisher, R subscribers: a pool of NS slots, a submission ring of one entry and a return ring for each subscriber, T frames. Who holds which slot only the publisher knows.
   Subscribers join, take, read and give back; they close or are killed anywhere, and their endpoints are taken again. A process that dies may store once more after the kernel's mark.
   -DL0=lives of subscriber 0; -DSTOP: subscriber 0 may stop for ever while it holds a frame; -DEVICT: the publisher may evict subscriber 0, once, whatever it is doing; -DCOUNT: what a subscriber missed is
   counted, from the first frame that was for it. What comes after the publisher's own death is in succession.pml.
   Mutants, each of which must fail: -DPLAINPOP, -DPLAINTAKE: the publisher, or a subscriber, moves the head of a submission ring without compare-exchange; -DLATELOAD: a subscriber loads the
   entry after it has moved the head; -DTAILFIRST: the publisher moves the tail before it stores the entry; -DNODRAIN: a dead subscriber's bits are cleared before its return ring is
   drained; -DNOCONFIRM: its rings are drained before its end is confirmed; -DBLIND: it is settled without its mutex; -DREPAIRS: an opener takes a dead one's endpoint itself; -DNOSWEEP:
   what a racing send pushed to a subscriber that left is not taken back; -DNOMOVE: a subscriber leaves its submission ring as it is, and the next one begins at its tail; -DNODEATH: a
   death wakes nobody; -DNORETURNWAKE: a return wakes nobody; -DEARLYCLEAR: a slot is free as soon as the first subscriber has given it back; -DONELOOK: a subscriber believes that its ring is overfull without another
   look at the head; -DMOST=0: one that joins takes an entry of a former owner for one that cannot be; with -DEVICT -DPLAINJOIN, -DPLAINLEAVE: a subscriber stores its mode when it joins, or leaves, without
   compare-exchange; with -DCOUNT -DNOSENTINEL: the first frame of a former owner stays in the place; -DLATESENTINEL: it is removed after the generation. */
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
#define S 1                                            /* the submission ring */
#define RS 4                                           /* the return ring: all slots, rounded up */
#ifndef MOST
#define MOST (S + 1)                                   /* entries that one who joins may find: those of a former owner, and one that a send was about to push */
#endif
#define EVICTED 2
#define NONE 255
#define NOBODY 0
#define READER 1
#define WRITER 2
#define DYING 3
#define DEAD 4
#define SLOT(e) ((e) % NS)
#define LIFE(e) ((e) / NS)
byte content[NS];                                      /* the life whose frame the slot holds; 0: being filled */
byte mode[R], holder[R];
byte head[R], tail[R], ring[R];                        /* submission rings of S entries */
#ifdef COUNT
byte gen[R], first[R], known[R], knownFirst[R];        /* in the place: its generation, and the first frame that was sent to it; and what the publisher remembers of both */
byte done;                                             /* how many frames were sent */
#endif
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
#ifdef EVICT
#define IS_SERVED(s) (!evicted[s])
#else
#define IS_SERVED(s) (true)
#endif
inline clear(s) { skip; d_step { i = 0; do :: i < NS -> held[i * R + s] = 0; i++ :: else -> i = 0; break od } }
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
     if :: IS_SERVED(s) -> drain(s) :: else -> rtail[s] = rhead[s] fi;
#endif
     clear(s);
     head[s] = tail[s];
     mode[s] = 0;
#ifdef EVICT
     evicted[s] = 0;
#endif
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
     if :: IS_SERVED(s) -> drain(s) :: else fi;
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
#ifdef EVICT
inline evict(s) {                                      /* one that has joined, or has something: it holds nothing any more, and what it returns is ignored until it is gone */
  if
  :: mode[s] == 1 -> q = 1
  :: mode[s] != 1 -> drain(s); skip; d_step { q = 0; i = 0; do :: i < NS -> q = q + held[i * R + s]; i++ :: else -> i = 0; break od }
  fi;
  if
  :: q != 0 ->
     mayEvict = 0; evicted[s] = 1;
     mode[s] = EVICTED; clear(s)
  :: else
  fi;
  q = 0
}
#endif
active proctype Publisher() {
  byte n, s, slot, e, h, i, q; byte life[NS]; bool held[NS * R]; byte sent[R]; bool looked;
#ifdef EVICT
  bool evicted[R]; bool mayEvict = 1;
#endif
  do
  :: n == T -> break
  :: else ->
#ifdef EVICT
     if :: mayEvict -> evict(0) :: skip fi;
#endif
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
#ifdef EVICT
           assert(!evicted[s] || mode[s] != 1);                                             /* one that has joined is served */
#endif
           if
           :: holder[s] == READER && mode[s] == 1 && IS_SERVED(s) ->
#ifdef COUNT
              if
              :: gen[s] != known[s] -> atomic { known[s] = gen[s]; knownFirst[s] = n; first[s] = n }
              :: else
              fi;
#endif
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
        n++;
#ifdef COUNT
        done = n
#endif
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
  d = tail[me] - h;
  if
  :: d > S ->                                          /* the publisher has dropped some, and sent more, between the two looks */
#ifdef ONELOOK
     assert(false);
#endif
     assert(head[me] != h); h = 0; d = 0
  :: d > 0 && d <= S ->
     d = 0;
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
  :: d == 0 -> h = 0
  fi
}
inline join() {                                        /* SYNC frames.join */
#ifdef COUNT
#ifndef LATESENTINEL
#ifndef NOSENTINEL
  first[me] = NONE;
#endif
#endif
  atomic { gen[me] = gen[me] + 1; base = done; isFirst = 1 };
#ifdef LATESENTINEL
  first[me] = NONE;
#endif
  DIE(died);
#endif
#ifdef PLAINJOIN
  mode[me] = 1
#else
  if :: atomic { mode[me] == 0 -> mode[me] = 1 } :: atomic { mode[me] != 0 -> skip } fi
#endif
}
#ifdef COUNT
inline count() {                                       /* the first frame: it counts from the one that the place names, unless this one came before */
  if
  :: isFirst ->
     h = first[me];
     atomic {
       if :: h > LIFE(e) - 1 -> h = LIFE(e) - 1 :: else fi;
       assert(h == LIFE(e) - 1 || h >= base);                                           /* nothing that was sent before it came was missed */
       assert(known[me] != gen[me] || h == knownFirst[me] || h == LIFE(e) - 1 && h <= knownFirst[me])   /* and all since */
     };
     isFirst = 0; h = 0
  :: else
  fi
}
#endif
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
  byte e, h, k, d;
#ifdef COUNT
  byte base; bool isFirst;
#endif
enter:
  if
  :: atomic { holder[me] == NOBODY && mode[me] != EVICTED -> holder[me] = READER }
#ifdef REPAIRS
  :: atomic { holder[me] == DEAD -> holder[me] = READER }
#endif
  :: isOver -> goto out
  fi;
#ifdef NOMOVE
  head[me] = tail[me];
#else
  do :: head[me] < tail[me] -> take(); if :: e != 0 -> k++; assert(k <= MOST); sendBack() :: else fi :: else -> break od;
  k = 0;
#endif
  DIE(died);
  join();
  do
  :: mode[me] == EVICTED -> e = 0; break
  :: mode[me] != EVICTED && k < K && head[me] < tail[me] ->
     take();
     DIE(died);
     if
     :: e != 0 ->
        assert(content[SLOT(e)] == LIFE(e) || mode[me] == EVICTED);
#ifdef COUNT
        count();
#endif
        DIE(died);
#ifdef STOP
        if :: skip :: me == 0 -> readers--; end_stopped: (0) fi;
#endif
        assert(content[SLOT(e)] == LIFE(e) || mode[me] == EVICTED);
        sendBack(); k++
     :: else
     fi
  :: isOver -> break
  :: k == K -> break
  od;
#ifdef PLAINLEAVE
  mode[me] = 0;
#else
  if :: atomic { mode[me] != EVICTED -> mode[me] = 0 } :: atomic { mode[me] == EVICTED -> goto left } fi;   /* it leaves */
#endif
#ifndef NOMOVE
  do :: head[me] < tail[me] -> take(); if :: e != 0 -> sendBack() :: else fi :: else -> break od;
#endif
left:
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
  holder[me] = DEAD; e = 0; h = 0; d = 0;
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

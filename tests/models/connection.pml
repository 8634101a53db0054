/* A connection from the socket to the end: its creator A hands the memory over, writes, and rings a peer B that sleeps in a loop of its own, on the socket; the end of the socket is
   the second witness of a death, and the only one of a process that died before it had opened its ends. A's store of the tail is buffered. Both may be killed anywhere. -DM=m messages.
   Mutants, each of which must fail: -DNOPREPARE: B sets the flag but does not say that it sleeps; -DNOLOOK: it does not look again after it said so; -DNOFENCE: saying so imposes no fence;
   -DFLAGLATE: it sets the flag after it said so; -DDRAINLATE: it takes the doorbell's byte after it has looked; -DNOEND: it does not watch the end of the socket; -DTAILFIRST: it looks at the
   tail before the end; -DNORING: A does not ring; -DNOPUMP: nothing wakes A at the end of the socket; -DNOGONE: A does not look at the end after it said that it sleeps. */
#ifndef M
#define M 2
#endif
bool object = 0;                                      /* the message with the memory is in the socket */
bool endA = 0, endB = 0;                              /* the socket is closed on A's side, on B's */
byte bell = 0;                                        /* bytes on the socket from A to B: one is enough, more do not fit */
byte tail = 0, wordB = 0, wordA = 0; bool flag = 0;   /* event counts of the sleepers: bit 0, and the count; B's flag: rings by socket */
bool hasTail = 0; byte bufferedTail, sent = 0;
bool deadA = 0, deadB = 0, openedB = 0, gone = 0, asleepA = 0;
byte readB = 0;                                       /* ghost */
inline drain() { if :: hasTail -> tail = bufferedTail; hasTail = 0 :: else fi }
#define DIE if :: skip :: goto died fi
active proctype Processor() {
end:
  do :: atomic { hasTail -> drain() } od
}
active proctype A() {
  byte v, key;
  DIE;
  object = 1;
  do
  :: sent < M ->
     DIE;
     atomic { !hasTail -> sent++; hasTail = 1; bufferedTail = sent };                 /* publish */
     DIE;
     v = wordB;                                                                       /* may pass the buffered tail */
     if
     :: (v & 1) == 0 -> skip
     :: else ->
        atomic { drain(); wordB = (wordB + 2) & 14 };                                 /* NotifyAll: found a sleeper */
        DIE;
#ifndef NORING
        if :: flag -> bell = 1 :: else fi                                             /* full: one is under way */
#endif
     fi
  :: else -> break
  od;
  if :: goto closes :: skip fi;                                                          /* leaves, or waits for B, which sends nothing */
  do
  :: gone || (deadB && openedB) -> break
  :: else ->
     DIE;
     atomic { wordA = wordA | 1; key = wordA };
#ifndef NOGONE
     if :: gone || (deadB && openedB) -> break :: else fi;
#endif
     atomic { if :: wordA == key -> asleepA = 1 :: else fi };
     !asleepA
  od;
  goto closes;
died:
  deadA = 1;                                                                           /* the kernel marks its locks */
closes:
  atomic { drain() };
  endA = 1                                                                             /* SYNC connection.end: files are closed after that */
}
active proctype Pump() {                                                               /* A's receive on the socket */
  endB;
  gone = 1;
#ifndef NOPUMP
  atomic { wordA = (wordA + 2) & 14; asleepA = 0 }
#endif
}
active proctype B() {
  bool ended;
  (object || endA);
  if :: !object -> goto closes :: else fi;
  DIE;
  openedB = 1;
#ifndef FLAGLATE
  flag = 1;
#endif
  do
  :: DIE;
#ifndef DRAINLATE
     bell = 0;
#endif
#ifdef TAILFIRST
     if :: tail != readB -> readB = tail; goto next :: else fi;
     ended = endA;
#else
     ended = endA;
     if :: tail != readB -> readB = tail; goto next :: else fi;
#endif
     if :: ended -> assert(readB == tail && !hasTail); break :: else fi;        /* told of the end when everything committed was read */
#ifndef NOPREPARE
     atomic {
       wordB = wordB | 1;
#ifndef NOFENCE
       drain()                                                                         /* SYNC eventcount.dekker */
#endif
     };
#endif
#ifndef NOLOOK
     if :: tail != readB || endA -> goto next :: else fi;
#endif
#ifdef FLAGLATE
     flag = 1;
#endif
#ifdef DRAINLATE
     bell = 0;
#endif
#ifdef NOEND
     bell > 0;
#else
     (bell > 0 || endA);                                                               /* epoll */
#endif
next: skip
  od;
  goto closes;
died:
  atomic { deadB = 1; if :: openedB -> wordA = (wordA + 2) & 14; asleepA = 0 :: else fi };
closes:
  endB = 1
}
active proctype Idle() {                                                               /* nothing moves any more: who sleeps has no reason not to */
  end_idle: (timeout); assert(endA || !endB); assert(endB || (!endA && readB == sent))
}

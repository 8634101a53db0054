/* The ring of one writer and one reader, with both event counts and death, on a machine with store buffers. Neither side passes a fence per message; the sleeper's fence
   is for both sides. Writer and reader may be killed anywhere; a next life takes the endpoint over. -DM=m messages, -DC=c records in the ring, -DLW=l, -DLR=l lives.
   Mutants, each of which must fail: -DNOFENCE: the sleeper imposes no fence; -DNOLOOK: it does not look again after its bit; -DNODEATH: a death wakes nobody;
   -DNOCONFIRM: who takes over, or learns of a death, does not wait until the dead one's stores are seen; -DNORELOAD: a reader that sees the writer dead does not load the tail
   again; -DNOENDAGAIN: a reader that sees the writer gone does not look again whether it has completed; -DNOROOM: the writer does not look whether the reader has left the place; -DTAILFIRST: the tail is stored before the record. */
#ifndef M
#define M 3
#endif
#ifndef C
#define C 2
#endif
#ifndef LW
#define LW 2
#endif
#ifndef LR
#define LR 2
#endif
byte place[C]; byte tail = 0, head = 0; bool completed = 0;
byte words[2];                                        /* event counts: 0 slept on by the reader, 1 by the writer. Bit 0 sleepers, the rest counts */
bool asleep[2]; bool dead[2]; bool gone[2];           /* 0: the reader's, 1: the writer's. gone: no next life will come */
byte committed[M + 1];                                /* ghost: which message has the position */
byte sent = 0; bool told = 0, finished = 0;
/* Store buffers: the writer's record, then its tail, then the end; the reader's head. */
bool hasRecord = 0, hasTail = 0, hasEnd = 0, hasHead = 0; byte bufferedAt, bufferedRecord, bufferedTail, bufferedHead, bufferedOf;
inline drainRecord() { if :: hasRecord -> place[bufferedAt] = bufferedRecord; hasRecord = 0 :: else fi }
inline drainTail() { if :: hasTail -> tail = bufferedTail; committed[bufferedTail - 1] = bufferedOf; hasTail = 0 :: else fi }
inline drainWriter() {
#ifdef TAILFIRST
  drainTail(); drainRecord();
#else
  drainRecord(); drainTail();
#endif
  if :: hasEnd -> completed = 1; hasEnd = 0 :: else fi
}
inline drainReader() { if :: hasHead -> head = bufferedHead; hasHead = 0 :: else fi }
active proctype Processor() {                          /* drains when it likes, in order */
end:
  do
#ifdef TAILFIRST
  :: atomic { hasTail -> drainTail() }
  :: atomic { hasRecord && !hasTail -> drainRecord() }
#else
  :: atomic { hasRecord -> drainRecord() }
  :: atomic { hasTail && !hasRecord -> drainTail() }
#endif
  :: atomic { hasEnd && !hasTail && !hasRecord -> completed = 1; hasEnd = 0 }
  :: atomic { hasHead -> drainReader() }
  od
}
inline wakeAll(e) { words[e] = (words[e] + 2) & 14; asleep[e] = 0 }
#define DIE if :: skip :: goto died fi
active proctype Writer() {
  byte t, cached, v, key, life = 0;
open:
  atomic {
#ifndef NOCONFIRM
    drainWriter();                                     /* SYNC roster.confirm: the former life stores nothing more */
#endif
    dead[1] = 0; life++; t = tail; cached = head
  }
  if :: completed -> goto out :: else fi;
  do
  :: sent < M ->
again:
#ifndef NOROOM
     if
     :: t - cached >= C ->
        if :: head != cached -> assert(head > cached && head <= t); cached = head; goto again :: else fi;
        DIE;
        atomic { words[1] = words[1] | 1; key = words[1] };                          /* S1 */
#ifndef NOFENCE
        atomic { drainReader() };                                                     /* S2: SYNC eventcount.dekker */
#endif
        DIE;
#ifndef NOLOOK
        if :: head != cached || (dead[0] && gone[0]) -> if :: dead[0] && gone[0] && head == cached -> goto leave :: else goto again fi :: else fi;
#endif
        atomic { if :: words[1] == key -> asleep[1] = 1 :: else fi };                  /* S4 */
        !asleep[1];
        if :: dead[0] && gone[0] && head == cached -> goto leave :: else goto again fi
     :: else -> skip
     fi;
#endif
     atomic { !hasRecord -> sent++; hasRecord = 1; bufferedAt = t % C; bufferedRecord = sent };
     DIE;
     atomic { !hasTail -> t++; hasTail = 1; bufferedTail = t; bufferedOf = sent };      /* SYNC ring.publish */
     DIE;
     v = words[0];                                                                     /* N3: may pass the buffered tail */
     if :: (v & 1) == 0 -> skip
        :: else -> DIE; atomic { drainWriter(); wakeAll(0) }
     fi
  :: else -> break
  od;
  atomic { !hasEnd -> hasEnd = 1 };                                                    /* SYNC ring.complete: state, then the notification */
  v = words[0];
  if :: (v & 1) == 0 -> skip :: else -> atomic { drainWriter(); wakeAll(0) } fi;
  if :: skip :: goto out fi;                                                           /* and then it may leave: the peer's life ends after the completion */
  atomic { drainWriter(); dead[1] = 1; gone[1] = 1; wakeAll(0) };
  goto out;
died:
  atomic { dead[1] = 1; if :: life == LW -> gone[1] = 1 :: else fi;
#ifndef NODEATH
    wakeAll(0)
#endif
  };
  if :: life < LW -> goto open :: else goto out fi;
leave:
out:
  skip
}
active proctype Reader() {
  byte h, cached, v, key, life = 0; bool ended, isGone;
open:
  atomic {
#ifndef NOCONFIRM
    drainReader();                                     /* SYNC roster.confirm */
#endif
    dead[0] = 0; life++; h = head; cached = tail
  }
  do
  :: h < cached ->
     v = place[h % C];
     DIE;
     assert(v == committed[h]);                         /* nothing is lost, invented, torn or reordered */
     atomic { !hasHead -> h++; hasHead = 1; bufferedHead = h };                         /* SYNC ring.release */
     DIE;
     v = words[1];
     if :: (v & 1) == 0 -> skip :: else -> DIE; atomic { drainReader(); wakeAll(1) } fi
  :: else ->
     ended = completed;                                 /* SYNC ring.end: the end is looked at before the tail */
     isGone = gone[1];
     if
     :: tail != cached -> cached = tail
     :: else ->
        if
        :: ended || isGone ->
#ifndef NOCONFIRM
           if :: isGone -> atomic { drainWriter() } :: else fi;                          /* ConfirmEnd */
#endif
#ifndef NOENDAGAIN
           ended = completed;                                                           /* the writer may have completed after the first look, and left */
#endif
#ifndef NORELOAD
           if :: tail != cached -> cached = tail; goto next :: else fi;
#endif
           assert(h == tail && !hasTail);               /* told of the end only when everything committed was read */
           if :: ended -> finished = 1 :: else -> assert(!completed); told = 1 fi; break
        :: else ->
           DIE;
           atomic { words[0] = words[0] | 1; key = words[0] };                          /* S1 */
#ifndef NOFENCE
           atomic { drainWriter() };                                                     /* S2: SYNC eventcount.dekker */
#endif
#ifndef NOLOOK
           if :: tail != cached || completed || gone[1] -> goto next :: else fi;         /* S3 */
#endif
           atomic { if :: words[0] == key -> asleep[0] = 1 :: else fi };                  /* S4 */
           !asleep[0]
        fi
     fi;
next: skip
  od;
  goto out;
died:
  atomic { dead[0] = 1; if :: life == LR -> gone[0] = 1 :: else fi;
#ifndef NODEATH
    wakeAll(1)
#endif
  };
  if :: life < LR -> goto open :: else fi;
out:
  skip
}
active proctype Idle() { end_idle: (timeout); assert(finished || told || gone[0]); assert(!asleep[1] || !gone[0]) }

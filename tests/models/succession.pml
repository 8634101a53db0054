/* What follows the publisher of a frame channel that ends: P publishers (two; by hand also three) that open what has the name, one after the other or at once, send T frames, and complete, leave or die anywhere; and a reader that goes over to
   the object of the next one. Which reader holds which slot only the publisher knows that has died: so the next one makes another object, and gives it the name while it has the mutex of the former one.
   Mutants, each of which must fail: -DREUSE: the next publisher goes on with the same object; -DNOMUTEX: it lets the mutex go before it takes the name; -DNONAME: it does not look whether another one has succeeded
   already; -DNOWAKE: it does not notify the readers of the former object; -DEARLYWAKE: it notifies them before it takes the name; -DNODEATH: a death wakes nobody; -DPOLLFIRST: a reader looks for frames before it looks
   whether the publisher lives; -DNOREPOLL: it does not look for frames once more before it goes over; -DPREPARELATE: it looks before it prepares to wait. */
#ifndef P
#define P 2
#endif
#ifndef T
#define T 2
#endif
#define NOBODY 0
#define LIVING 1
#define DEAD 2
byte name, fresh = 1;                                  /* the object that has the name; objects that were made */
byte owner[P], gen[P]; bool succeeded[P];              /* the mutex, the generation and the successor's mark of the writer's place in each */
byte tail[P], ring[P * T], content[P * T];             /* what was sent to the reader in each, and the slots */
bool wake[P], joined[P], isCompleted[P];
byte at, head; bool isDone;                            /* the reader's object, and how far it has read there */
#define DIE if :: skip :: goto died fi

proctype Publisher(byte me) {
  byte o, n, i; bool holds;
  o = name;
enter:
  if
  :: atomic { owner[o] != LIVING -> owner[o] = LIVING; holds = 1 }
  :: atomic { owner[o] == LIVING -> goto out }                                          /* EBUSY */
  fi;
  DIE;
#ifndef REUSE
  if
  :: gen[o] == 0 -> skip
  :: gen[o] != 0 && isCompleted[o] -> goto leave
  :: gen[o] != 0 && !isCompleted[o] ->
     succeeded[o] = 1;                                                                  /* SYNC frames.successor: it is in the place, and does not open it */
     DIE;
     wake[o] = 1;
     n = name;
     if
#ifndef NONAME
     :: n != o -> skip                                                                  /* another one has succeeded already */
     :: n == o ->
#else
     :: true ->
#endif
        d_step { n = fresh; fresh++ };
#ifdef NOMUTEX
        owner[o] = NOBODY; holds = 0;
#endif
        DIE;
#ifdef EARLYWAKE
        wake[o] = 1;
#endif
        atomic { assert(name == o); name = n };                                         /* nobody else's object loses the name */
        DIE
     fi;
#ifndef NOMUTEX
     owner[o] = NOBODY; holds = 0;
#endif
     DIE;
#ifndef NOWAKE
#ifndef EARLYWAKE
     wake[o] = 1;
#endif
#endif
     o = n; n = 0;
     goto enter
  fi;
#endif
  gen[o] = 1;
  DIE;
  wake[o] = 1;
  do
  :: i < T ->
     content[o * T + i] = me + 1;
     DIE;
     if
     :: joined[o] -> ring[o * T + tail[o]] = i; tail[o] = tail[o] + 1; DIE; wake[o] = 1
     :: else
     fi;
     i++
  :: i == T -> break
  od;
  if :: isCompleted[o] = 1; DIE; wake[o] = 1 :: skip fi;
leave:
  owner[o] = NOBODY; holds = 0;
  DIE;
  wake[o] = 1;
  goto out;
died:
  if :: holds -> owner[o] = DEAD :: else fi;
#ifndef NODEATH
  wake[o] = 1;
#endif
out:
  skip
}
active proctype Reader() {
  byte v, s, life; bool ended, some;
  joined[0] = 1;
look:
#ifndef PREPARELATE
  wake[at] = 0;
#endif
#ifdef POLLFIRST
  some = head < tail[at];
#endif
  ended = isCompleted[at];
  life = owner[at];
  if :: life == LIVING && succeeded[at] -> life = DEAD :: else fi;                      /* SYNC frames.successor: the mark comes after the word */
  if :: life != LIVING && !ended -> ended = isCompleted[at] :: else fi;
#ifndef POLLFIRST
  some = head < tail[at];
#endif
  if
  :: some ->
     s = ring[at * T + head]; head++;
     v = content[at * T + s];
     assert(v != 0);
     assert(content[at * T + s] == v);                                                  /* what is held stays what it is */
     v = 0; s = 0; goto look
  :: else
  fi;
  if :: ended -> assert(head == tail[at]); isDone = 1; goto out :: else fi;
  if
  :: life != LIVING && name != at ->
#ifndef NOREPOLL
     if :: head < tail[at] -> goto look :: else fi;                                     /* SYNC frames.follow: a publisher may have come and gone since the look at it */
#endif
     assert(head == tail[at]);                                                          /* all that was sent was read */
     head = 0; at = name; joined[at] = 1; goto look
  :: else
  fi;
#ifdef PREPARELATE
  wake[at] = 0;
#endif
end_sleep:
  (wake[at]);
  goto look;
out:
  skip
}
init { atomic { run Publisher(0); run Publisher(1);
#if P > 2
  run Publisher(2)
#endif
  } }
active proctype Idle() { end_idle: (timeout); assert(isDone || head == tail[at] && name == at && !isCompleted[at]) }

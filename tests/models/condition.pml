/* The condition: waiters that read the sequence inside the lock, leave it, sleep while the sequence is what it was, and enter again; a pulser for each waiter, which changes the data inside the
   lock and pulses there or after it has left. The lock itself is mutex.pml's: here it is entered when it is free. Changing the sequence and waking are one call.
   -DTWOSTEP: they are two, where that call is refused, and a pulser may be killed between; a look of a second then wakes who sleeps. -DALL: one pulse for all.
   Mutants, each of which must fail: -DREADLATE: the sequence is read after the lock is left; -DTWOSTEP -DNOLOOK: nobody looks after a second; -DNOCHANGE: a pulse wakes, and does not change the sequence.
   The label is that of the code: SYNC condition.sequence. */
#define NW 2
byte lock = 0; byte sequence = 0; byte items = 0;
chan queue = [NW] of { byte };
bool asleep[NW]; byte ended = 0; byte kills = 0; byte looks = 0;
inline enter() { atomic { lock == 0 -> lock = _pid } }
inline leave() { atomic { assert(lock == _pid); lock = 0 } }
proctype Waiter(byte me)
{
  byte key;
  enter();
  do
  :: items > 0 -> break
  :: items == 0 ->
#ifdef READLATE
     leave(); key = sequence;
#else
     key = sequence;                                                                 /* condition.sequence */
     leave();
#endif
     atomic { if :: sequence == key -> asleep[me] = 1; queue!me :: else fi };
     (!asleep[me]);
     enter()
  od;
  items--;
  leave();
  ended++
}
inline pulse() {
#ifdef NOCHANGE
#define STEP 0
#else
#define STEP 1
#endif
#ifdef TWOSTEP
  sequence = (sequence + STEP) % 8;
  if :: kills == 0 && lock != _pid -> kills++; goto dead :: skip fi;
  atomic { wakes() }
#else
  atomic { sequence = (sequence + STEP) % 8; wakes() }                                  /* condition.sequence: changed and woken in one step */
#endif
}
inline wakes() {
#ifdef ALL
  do :: queue?x -> asleep[x] = 0 :: empty(queue) -> break od;
#else
  if :: queue?x -> asleep[x] = 0 :: empty(queue) fi;
#endif
  x = 0
}
proctype Pulser()
{
  byte x = 0; bool inside;
  if :: inside = 1 :: inside = 0 fi;
  enter();
#ifdef ALL
  items = items + NW;
#else
  items++;
#endif
  if :: inside -> pulse() :: else fi;
  leave();
  if :: !inside -> pulse() :: else fi;
dead:
  skip
}
init { byte j = 0;
  atomic {
    run Waiter(0); run Waiter(1); run Pulser();
#ifndef ALL
    run Pulser()
#endif
  };
end_idle:
  do
  :: timeout ->
     if
     :: ended == NW -> break
     :: else ->
#if defined(TWOSTEP) && !defined(NOLOOK)
        d_step { looks++; assert(looks <= 2); do :: queue?j -> asleep[j] = 0 :: empty(queue) -> break od; j = 0 }
#else
        assert(false)                                                                 /* somebody sleeps beside what it waits for */
#endif
     fi
  od
}

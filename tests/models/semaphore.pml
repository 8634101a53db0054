/* The plain semaphore: waiters, releasers, the kernel's queue of sleepers (first in, first out), waiters that give up, and releasers that are killed between their two steps.
   -DTWOSTEP: a maximum is set, so a release is a swap and then a wake-up, and a releaser may be killed between (-DMAXK=k); a look of a second comes when nothing else can happen.
   -DTIMEOUTS: waiters may give up. -DNW=n waiters, -DNR=n releasers of one permit each.
   Mutants, each of which must fail: -DNOKEEP: a waiter that has slept enters without keeping the bit; -DTIMEOUTS -DNOGIVE: a waiter that gives up does not hand on;
   -DTWOSTEP -DMAXK=1 -DNOLOOK: nobody looks after a second; -DNOAGAIN: a releaser that woke nobody clears the bit, and does not wake once more.
   The labels are those of the code: SYNC semaphore.waiters, semaphore.again. */
#ifndef NW
#define NW 3
#endif
#ifndef NR
#define NR 3
#endif
#ifndef MAXK
#define MAXK 0
#endif
byte count = 0; bool W = 0;                                                       /* one word */
chan queue = [NW] of { byte };
bool asleep[NW]; byte taken = 0; byte released = 0; byte ended = 0; byte kills = 0; byte looks = 0;
inline wakeone(got) { if :: queue?x -> asleep[x] = 0; got = 1 :: empty(queue) -> got = 0 fi; x = 0 }
proctype Waiter(byte me)
{
  byte c; bool w; bool slept = 0; bool gives = 0; bool got; byte x = 0;
#ifdef TIMEOUTS
  if :: gives = 1 :: gives = 0 fi;
#endif
retry:
  atomic { c = count; w = W };
  if
  :: c > 0 ->                                                                      /* semaphore.waiters: whoever has slept cannot know whether others sleep behind it */
     atomic {
       if
#ifdef NOKEEP
       :: count == c && W == w -> count--; W = (slept -> 0 : w); taken++
#else
       :: count == c && W == w -> count--; W = (w || slept); taken++
#endif
       :: else -> goto retry
       fi };
     goto over
  :: else ->
     if :: !w -> atomic { if :: count == 0 && !W -> W = 1 :: else -> goto retry fi } :: w fi;
     atomic { if :: count == 0 && W -> asleep[me] = 1; queue!me :: else -> slept = 1; goto retry fi };
     if
     :: !asleep[me] -> slept = 1; goto retry
     :: atomic { gives && asleep[me] -> queue??eval(me); asleep[me] = 0; slept = 1 }; goto giveup   /* the time is up */
     :: atomic { gives && !asleep[me] -> slept = 1 }; goto giveup
     fi
  fi;
giveup:
#ifndef NOGIVE
  atomic { if :: slept && count > 0 -> wakeone(got) :: else fi };
#endif
  skip;
over:
  ended++
}
proctype Releaser()
{
  byte c; bool w; bool got; byte x = 0;
retry:
  atomic { c = count; w = W };
  if
  :: !w -> atomic { if :: count == c && !W -> count++; released++ :: else -> goto retry fi }
  :: w ->                                                                          /* semaphore.waiters */
#ifdef TWOSTEP
     atomic { if :: count == c && W -> count++; released++ :: else -> goto retry fi };
     if :: kills < MAXK -> kills++; goto over :: skip fi;
     atomic { wakeone(got) };
#else
     atomic { c = count; count++; released++; wakeone(got) };                      /* FUTEX_WAKE_OP: added and woken in one step */
#endif
     if
     :: !got -> atomic { if :: count == c + 1 && W -> W = 0; got = 1 :: else fi };   /* semaphore.again: the word may be what it was although others have gone to sleep since */
#ifndef NOAGAIN
        if :: got -> d_step { do :: queue?x -> asleep[x] = 0 :: empty(queue) -> break od; x = 0 } :: else fi
#endif
     :: got
     fi
  fi;
over:
  skip
}
init { byte j = 0;
  atomic { do :: j < NW -> run Waiter(j); j++ :: else -> break od; j = 0; do :: j < NR -> run Releaser(); j++ :: else -> break od; j = 0 };
end_idle:
  do
  :: timeout ->
     assert(released - taken == count);                                             /* no permit is lost */
     if
     :: ended == NW || count == 0 -> break
     :: else ->                                                                     /* somebody sleeps beside a permit */
#if defined(NOLOOK) || MAXK == 0
        assert(false)
#else
        d_step { looks++; assert(looks <= 2); j = 0; do :: queue?j -> asleep[j] = 0 :: empty(queue) -> break od; j = 0 }
#endif
     fi
  od
}

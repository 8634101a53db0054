/* The event: setters, a resetter, waiters, the kernel's queue of sleepers, and waiters that give up. -DAUTO: it lets one waiter go on each time; otherwise all of them until it is reset.
   -DTIMEOUTS: waiters may give up. Setting a word with sleepers and waking them is one call: no kill falls between, and nobody looks here without being woken.
   Mutants, each of which must fail: -DAUTO -DNOKEEP: a waiter that has slept goes on without keeping the bit; -DAUTO -DTIMEOUTS -DNOGIVE: a waiter that gives up does not hand on;
   -DAUTO -DWAKENONE: a setter that finds the bit does not wake; -DNOPULSE: a reset of a manual event is not counted.
   The label is that of the code: SYNC event.waiters. */
#define NW 2
byte set = 0; bool W = 0; byte pulses = 0;                                          /* one word */
chan queue = [NW] of { byte };
bool asleep[NW]; bool waits[NW]; bool owed[NW]; byte ended = 0; byte signals = 0; byte taken = 0;
inline wake(got) { if :: queue?x -> asleep[x] = 0; got = 1 :: empty(queue) -> got = 0 fi; x = 0 }
inline wakeall() { do :: queue?x -> asleep[x] = 0 :: empty(queue) -> break od; x = 0 }
/* A ghost: whoever waits while a manual event is set is to go on. */
inline owe() { owed[0] = waits[0]; owed[1] = waits[1] }
proctype Waiter(byte me)
{
  byte key; byte s; bool w; byte p; bool slept = 0; bool gives = 0; bool got; byte x = 0;
#ifdef TIMEOUTS
  if :: gives = 1 :: gives = 0 fi;
#endif
  atomic { key = pulses; waits[me] = 1; if :: set -> owed[me] = 1 :: else fi };
retry:
  atomic { s = set; w = W; p = pulses };
  if
  :: s ->
#ifdef AUTO
     atomic {                                                                       /* event.waiters */
       if
#ifdef NOKEEP
       :: set && W == w && pulses == p -> set = 0; W = (slept -> 0 : w); taken++
#else
       :: set && W == w && pulses == p -> set = 0; W = (w || slept); taken++
#endif
       :: else -> goto retry
       fi };
#endif
     goto over
#ifndef AUTO
  :: !s && p != key -> goto over                                                    /* set and reset meanwhile */
  :: !s && p == key ->
#else
  :: !s ->
#endif
     if :: !w -> atomic { if :: !set && !W && pulses == p -> W = 1 :: else -> goto retry fi } :: w fi;
     atomic { if :: !set && W && pulses == p -> asleep[me] = 1; queue!me :: else -> slept = 1; goto retry fi };
     if
     :: !asleep[me] -> slept = 1; goto retry
     :: atomic { gives && asleep[me] -> queue??eval(me); asleep[me] = 0; slept = 1 }; goto giveup
     :: atomic { gives && !asleep[me] -> slept = 1 }; goto giveup
     fi
  fi;
giveup:
#if defined(AUTO) && !defined(NOGIVE)
  atomic { if :: slept && set -> wake(got) :: else fi };
#endif
  skip;
over:
  atomic { waits[me] = 0; owed[me] = 0; ended++ }
}
proctype Setter()
{
  byte s; bool w; byte p; bool got; byte x = 0;
retry:
  atomic { s = set; w = W; p = pulses };
  if
  :: s -> skip
  :: !s && !w -> atomic { if :: !set && !W && pulses == p -> set = 1; signals++; owe() :: else -> goto retry fi }
  :: !s && w ->                                                                      /* event.waiters: set and woken in one step */
#ifdef AUTO
#ifdef WAKENONE
     atomic { signals = signals + 1 - set; set = 1; got = 1 };
#else
     atomic { signals = signals + 1 - set; set = 1; wake(got) };
#endif
     if :: !got -> atomic { if :: set && W && pulses == p -> W = 0 :: else fi } :: got fi
#else
     atomic { if :: !set -> owe() :: else fi; set = 1; wakeall() }
#endif
  fi
}
proctype Resetter()
{
  byte s; bool w; byte p;
retry:
  atomic { s = set; w = W; p = pulses };
  if
  :: !s -> skip
  :: s ->
#ifdef AUTO
     atomic { if :: set && W == w && pulses == p -> set = 0; taken++ :: else -> goto retry fi }
#else
#ifdef NOPULSE
     atomic { if :: set && W == w && pulses == p -> set = 0; W = 0 :: else -> goto retry fi }
#else
     atomic { if :: set && W == w && pulses == p -> set = 0; W = 0; pulses++ :: else -> goto retry fi }
#endif
#endif
  fi
}
init {
  atomic { run Waiter(0); run Waiter(1); run Setter(); run Setter(); run Resetter() };
end_idle: (timeout);
#ifdef AUTO
  assert(signals - taken == set);                                                    /* one signal, one waiter */
  assert(ended == NW || !set)
#else
  assert(!owed[0] && !owed[1]);
  assert(ended == NW || !set)
#endif
}

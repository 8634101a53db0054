/* Patience of the mutex: word, the kernel's queue of sleepers (first in, first out), waiters that become patient, and waiters that give up. Nobody is killed, and nobody looks without being woken:
   mutex.pml has kills and the look. At the end nobody sleeps, and a patient waiter whose mark stands in the word is passed by at most B entries. Its count begins anew
   where the mark is lost: a leaver that looked before it was set overwrites it (the call that stores and wakes cannot keep a second bit), one that finds nobody asleep clears it.
   -DN=n processes, -DR=r entries each, -DB=b; -DTIMEOUTS: waiters may give up.
   Mutants, each of which must fail: -DNOAGAIN: a leaver that clears PATIENT does not wake once more; -DNOQUEUE: fresh arrivals do not queue behind PATIENT; -DTIMEOUTS -DNOGIVE: a waiter that
   gives up does not hand on; -DTIMEOUTS -DKEEPPATIENT: it leaves PATIENT behind where nobody sleeps. */
#ifndef N
#define N 3
#endif
#ifndef R
#define R 2
#endif
#ifndef B
#define B 4
#endif
byte owner = 0; bool W = 0; bool P = 0;
chan queue = [N] of { byte };
bool asleep[4] = 0; bool counts[4] = 0; byte passed[4] = 0; byte done = 0;
inline wakeone(got) { if :: queue?x -> asleep[x] = 0; got = 1 :: empty(queue) -> got = 0 fi; x = 0 }
inline wakeall() { do :: queue?x -> asleep[x] = 0 :: empty(queue) -> break od; x = 0 }
inline unmark() { if :: P -> P = 0; counts[1] = 0; counts[2] = 0; counts[3] = 0; passed[1] = 0; passed[2] = 0; passed[3] = 0 :: else fi }
inline entered() {
  counts[me] = 0; passed[me] = 0;
  x = 1; do :: x <= N -> if :: counts[x] -> passed[x]++; assert(passed[x] <= B) :: else fi; x++ :: else -> break od; x = 0
}
proctype Process(byte me)
{
  byte o; bool w; bool p; bool slept; bool patient; bool gives; bool got; byte n = 0; byte x = 0;
  do
  :: n < R ->
     n++; slept = 0; patient = 0; 
#ifdef TIMEOUTS
     if :: gives = 1 :: gives = 0 fi;
#endif

  retry:
     atomic { o = owner; w = W; p = P };
     if
#ifdef NOQUEUE
     :: o == 0 ->
#else
     :: o == 0 && p && !slept ->                                    /* a fresh arrival queues, although the word is free */
        atomic { if :: owner == 0 && W == w && P -> W = 1; w = 1 :: else -> goto retry fi };
        goto sleep
     :: o == 0 && !(p && !slept) ->
#endif
        atomic {                                                    /* mutex.waiters */
          if
          :: owner == 0 && W == w && P == p -> owner = me; W = (slept || w); P = (patient && p); entered()
          :: else -> goto retry
          fi }
     :: o != 0 ->
        atomic { if :: owner == o && W == w && P == p -> W = 1; w = 1; if :: patient -> P = 1; p = 1; counts[me] = 1 :: else fi :: else -> goto retry fi };
  sleep:
        atomic { if :: owner == o && W == w && P == p -> asleep[me] = 1; queue!me :: else -> slept = 1; goto retry fi };
        if
        :: !asleep[me] -> slept = 1; if :: patient = 1 :: skip fi; goto retry
        :: atomic { gives && asleep[me] -> queue??eval(me); asleep[me] = 0; slept = 1 };   /* the time is up */
           goto giveup
        :: atomic { gives && !asleep[me] -> slept = 1 };
           goto giveup
        fi
     fi;
     skip;                                                          /* inside */
  leave:
     atomic { w = W; p = P; assert(owner == me) };
     if
     :: !w && !p -> atomic { if :: !W && !P -> owner = 0 :: else -> goto leave fi }
     :: p ->
        atomic { if :: W == w && P == p -> owner = 0 :: else -> goto leave fi };
        if
        :: w ->
           atomic { wakeone(got) };
           if
           :: !got ->
              atomic { if :: owner == 0 && W && P -> W = 0; unmark(); got = 1 :: else fi };
#ifndef NOAGAIN
              if :: got -> atomic { wakeall() } :: else fi
#endif
           :: else
           fi
        :: else
        fi
     :: w && !p ->                                                  /* FUTEX_WAKE_OP: stores WAITERS alone, and wakes */
        atomic {
          owner = 0; W = 1;
          unmark();
          wakeone(got) };
        if :: !got -> atomic { if :: owner == 0 && W && !P -> W = 0 :: else fi } :: got fi
     fi;
     goto next;
  giveup:
     /* as an asynchronous waiter does: without another attempt */
     counts[me] = 0; passed[me] = 0;
#ifndef NOGIVE
     got = 1;
     atomic { p = P; w = W; if :: owner == 0 -> wakeone(got) :: else fi };
     if
     :: !got && p ->                                                /* nobody slept: PATIENT would be in the way of fresh arrivals */
#ifndef KEEPPATIENT
        atomic { if :: owner == 0 && W == w && P -> W = 0; unmark(); got = 1 :: else fi };
        if :: got -> atomic { wakeall() } :: else fi
#endif
     :: else
     fi;
#endif
  next:
     skip
  :: n == R -> break
  od;
  done++
}
init { byte j = 1; atomic { do :: j <= N -> run Process(j); j++ :: else -> break od };
end_idle: (timeout); assert(done == N) }               /* otherwise somebody sleeps for ever */

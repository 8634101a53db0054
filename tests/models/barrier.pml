/* The barrier: places, arrivals, a phase with its history, a mutex whose owner may die (mutex.pml proves it: here it is entered in one step), and kills at any instant.
   A killed process may still store until it has stopped: whoever takes over waits for that. -DN=n processes, one place each, -DMAXK=k kills; every process arrives twice, and leaves the roster then.
   Mutants, each of which must fail: -DNOMISSED: that a dead member had not arrived is not noted before the phase is broken; -DNOPENDING: the next phase is not noted before its first step;
   -DNOSWEEP: the dead keep their places; -DNOCONFIRM: a place is given up before the dead process has stopped; -DNONEWS: a sleeper does not name the
   news of ends that it read before it looked. */
#ifndef N
#define N 3
#endif
#ifndef MAXK
#define MAXK 1
#endif
#define LOST 5
#define MISSED 6
byte mutex = 0; bool broken = 0;
byte member[4] = 0; bool arrived[4] = 0; byte phase = 0; byte history = 0; byte pending = 0; byte nexthistory = 0;   /* history: a bit for each phase that was broken */
bool late = 0; byte looks = 0;            /* a process came in after the mark of its death, before it had stopped: only then the look of every second is needed */
byte life[4] = 0; bool asleep[4] = 0; byte kills = 0; byte ended = 0;
bool missed[4] = 0;                       /* ghost, for each phase: a member died before it arrived, as one who looked saw it */
bool gone[4] = 0;                          /* ghost: its place was given up; it changes nothing any more */
bool toldbroken[4] = 0; bool toldpassed[4] = 0;
#define STUCK(x) (asleep[x] && life[x] == 0)
#define RUNS(x) (life[x] != 2)

inline complete() {
  history = nexthistory;
  j = 1; do :: j <= N -> arrived[j] = 0; if :: member[j] == MISSED -> member[j] = LOST :: else fi; j++ :: else -> break od; j = 0;
  if
  :: phase != pending - 1 -> atomic { phase++; asleep[1] = 0; asleep[2] = 0; asleep[3] = 0 }       /* FUTEX_WAKE_OP */
  :: else
  fi;
  pending = 0
}
inline advance(how) {
#ifdef NOPENDING
  history = history | (how << phase);
  j = 1; do :: j <= N -> arrived[j] = 0; if :: member[j] == MISSED -> member[j] = LOST :: else fi; j++ :: else -> break od; j = 0;
  atomic { phase++; asleep[1] = 0; asleep[2] = 0; asleep[3] = 0 }
#else
  nexthistory = history | (how << phase);
  pending = phase + 2;                    /* barrier.pending: the next phase + 1 */
  complete()
#endif
}
inline enter() {
  atomic { mutex == 0 || life[mutex] == 2 -> broken = (mutex != 0 || broken); mutex = me; late = (late || life[me] != 0) };
  if
  :: broken ->
     if :: pending != 0 -> complete() :: else fi;
     j = 1; do :: j <= N -> if :: member[j] == LOST || member[j] == MISSED -> arrived[j] = 0 :: else fi; j++ :: else -> break od; j = 0;
     broken = 0
  :: !broken
  fi
}
proctype Process(byte me) provided (RUNS(me))
{
  byte j = 0; byte n = 0; byte key; bool came = 0; bool b = 0; bool all; byte told;
  do
  :: n < 2 ->
  again:
     told = ended;
     enter();
     if
     :: came && phase != key -> goto over
     :: else
     fi;
     if                                     /* before the dead are looked at: what they break is broken for this process too */
     :: !came -> atomic { assert(!gone[me]); member[me] = me; late = (late || life[me] != 0) }; arrived[me] = 1; came = 1; key = phase
     :: else
     fi;
     b = 0;
#ifndef NOSWEEP
     j = 1; do
     :: j <= N ->
        if
        :: member[j] == MISSED -> b = 1
        :: member[j] == j && life[j] != 0 ->
#ifndef NOCONFIRM
           (life[j] == 2);
#endif
           if
           :: !arrived[j] -> b = 1; missed[phase] = 1; gone[j] = 1;
#ifdef NOMISSED
              member[j] = LOST
#else
              member[j] = MISSED          /* barrier.missed */
#endif
           :: else -> member[j] = LOST; gone[j] = 1
           fi;
           arrived[j] = 0
        :: else
        fi;
        j++
     :: else -> break
     od; j = 0;
#endif
     if
     :: b -> advance(1); goto over
     :: else
     fi;
     all = 1; j = 1; do :: j <= N -> if :: member[j] == 0 || (member[j] == j && !arrived[j]) -> all = 0 :: else fi; j++ :: else -> break od; j = 0;
     if
     :: all -> advance(0); goto over
     :: else
     fi;
     j = phase; mutex = 0;
     atomic {                               /* barrier.life: it sleeps on the phase and on the news that somebody has ended: a member may come and die after this look */
       if
#ifdef NONEWS
       :: phase == j -> asleep[me] = 1
#else
       :: phase == j && told == ended -> asleep[me] = 1
#endif
       :: else
       fi;
       j = 0 };
     (!asleep[me]);
     goto again;
  over:
     atomic {
       if
       :: (history >> key) & 1 -> toldbroken[key] = 1
       :: else -> assert(!missed[key]); toldpassed[key] = 1
       fi;
       assert(!(toldbroken[key] && toldpassed[key])) };
     came = 0; mutex = 0; n++
  :: n == 2 -> break
  od;
  skip;
  d_step { ended++; asleep[1] = 0; asleep[2] = 0; asleep[3] = 0; life[me] = 2 }       /* it leaves the roster: for the others as good as dead */
}
inline die(x) {
  atomic { life[x] == 0 -> life[x] = 1; kills++; ended++; asleep[1] = 0; asleep[2] = 0; asleep[3] = 0 };
  atomic { life[x] = 2; asleep[x] = 0 }
}
init { atomic { run Process(1); run Process(2); if :: N == 3 -> run Process(3) :: else fi };
  do :: kills < MAXK -> if :: die(1) :: die(2) :: N == 3 -> die(3) fi :: break od;
end_idle: do
  :: timeout ->
     if
     :: (member[1] != 0 && member[2] != 0 && (N == 2 || member[3] != 0)) && (STUCK(1) || STUCK(2) || STUCK(3)) ->   /* a process that never came is waited for */
        d_step { assert(late); looks++; assert(looks <= 3); asleep[1] = 0; asleep[2] = 0; asleep[3] = 0 }
     :: else -> break
     fi
  od }

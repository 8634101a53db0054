/* The returning semaphore: permits in a counter for each process, the number taken, a mutex whose owner may die (mutex.pml proves it: here it is entered in one step, and whoever enters after a
   death recomputes), the wake sequence, and kills at any instant. A killed process may still store until it has stopped: whoever takes over waits for that.
   -DN=n processes, -DM=m permits, -DR=r takes each, -DMAXK=k kills.
   Mutants, each of which must fail: -DNORECOMPUTE: what was taken is not recomputed from the counters; -DNOCONFIRM: permits of the dead are taken back before it has stopped;
   -DNODEATHWAKE: a death wakes nobody; -DNOSEQUENCE: a release does not change the sequence;
   -DLATELIFE: a sleeper names the life of a holder without another look at whether it lives. */
#ifndef N
#define N 3
#endif
#ifndef M
#define M 1
#endif
#ifndef R
#define R 1
#endif
#ifndef MAXK
#define MAXK 1
#endif
byte mutex = 0; bool broken = 0; byte taken = 0; byte held[4] = 0; byte sequence = 0;
byte life[4] = 0;                         /* 0 runs, 1 killed: may still store, 2 stopped */
bool asleep[4] = 0; byte kills = 0; byte has[4] = 0; byte done = 0;
bool stolen = 0;                          /* a dying sleeper was woken, and took the wake-up with it: only then is the look of every second needed */
#define RUNS(x) (life[x] != 2)
#define SUM (held[1] + held[2] + held[3])
#define LIVING ((life[1] == 0 -> has[1] : 0) + (life[2] == 0 -> has[2] : 0) + (life[3] == 0 -> has[3] : 0))
byte looks = 0;
#define STUCK(x) (asleep[x] && life[x] == 0)
inline enter() {                          /* mutex.confirm: the end of the owner is confirmed first */
  atomic { mutex == 0 || life[mutex] == 2 -> broken = (mutex != 0 || broken); mutex = me };
  if
  :: broken ->
#ifndef NORECOMPUTE
     taken = (SUM <= M -> SUM : M);
#endif
     broken = 0
  :: !broken
  fi
}
inline wake(x) { asleep[x] = 0; stolen = (stolen || life[x] != 0) }
inline leave() { mutex = 0 }
inline reclaim(j) {
  if
#ifdef NOCONFIRM
  :: held[j] > 0 && life[j] != 0 ->
#else
  :: held[j] > 0 && life[j] == 1 -> (life[j] == 2);       /* roster.confirm */
     held[j] = 0
  :: held[j] > 0 && life[j] == 2 ->
#endif
     held[j] = 0
  :: else
  fi
}
proctype Process(byte me) provided (RUNS(me))
{
  byte n = 0; byte seen; bool w1; bool w2; bool w3;
  do
  :: n < R ->
  again:
     enter();
     if
     :: taken >= M ->
        reclaim(1); reclaim(2); reclaim(3);
#ifndef NORECOMPUTE
        taken = (SUM <= M -> SUM : M)
#endif
     :: else
     fi;
     if
     :: taken < M ->
        held[me]++;                                        /* the first store; a kill may fall between */
        atomic { has[me]++; assert(LIVING <= M) };
        taken++;
        leave()
     :: else ->
        atomic {                                           /* returning.life: the value at which it sleeps is the one that said "it lives" */
#ifndef LATELIFE
          if :: (held[1] > 0 && life[1] != 0) || (held[2] > 0 && life[2] != 0) || (held[3] > 0 && life[3] != 0) -> leave(); goto again :: else fi;
#endif
          seen = sequence; w1 = (held[1] > 0 && life[1] == 0); w2 = (held[2] > 0 && life[2] == 0); w3 = (held[3] > 0 && life[3] == 0) };
        leave();
        atomic { if :: sequence == seen && !(w1 && life[1] != 0) && !(w2 && life[2] != 0) && !(w3 && life[3] != 0) -> asleep[me] = 1 :: else fi };
        (!asleep[me]);
        goto again
     fi;
     enter();                                              /* release */
     has[me]--;
     held[me]--;
     taken--;
     leave();
#ifndef NOSEQUENCE
     atomic { sequence++; if :: asleep[1] -> wake(1) :: asleep[2] -> wake(2) :: asleep[3] -> wake(3) :: else fi };   /* FUTEX_WAKE_OP */
#endif
     n++
  :: n == R -> break
  od;
  done++
}
inline die(x) {
  atomic { life[x] == 0 -> life[x] = 1; kills++;
#ifndef NODEATHWAKE
    asleep[1] = 0; asleep[2] = 0; asleep[3] = 0            /* roster.passon: all that sleep over the roster look again */
#endif
  };
  atomic { life[x] = 2; asleep[x] = 0 }
}
init { atomic { run Process(1); run Process(2); if :: N == 3 -> run Process(3) :: else fi };
  do :: kills < MAXK -> if :: die(1) :: die(2) :: N == 3 -> die(3) fi :: break od;
end_idle: do
  :: timeout ->
     if
     :: STUCK(1) || STUCK(2) || STUCK(3) ->                /* somebody living sleeps */
        d_step { assert(stolen); looks++; assert(looks <= 3); asleep[1] = 0; asleep[2] = 0; asleep[3] = 0 }
     :: else -> break
     fi
  od;
  assert(done + kills >= N) }

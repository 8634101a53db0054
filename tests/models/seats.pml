/* Seats: claiming, linking, completing, leaving, and the kernel's marks, with thread ids that are equal in two PID namespaces.
   The kernel marks a word on a dead process's list only if the word holds that process's thread id: here all have the same one.
   Whoever finds no other seat asks the second witness: of a joiner, the claim itself says whose it is; of a participant, what it wrote into its seat afterwards.
   -DDISTINCT -DMISTAKEN: all have thread ids of their own, and the witness takes a living joiner for a dead one (two namespaces with the same bits).
   Mutants, each of which must fail: -DLINKFIRST: a process links before it claims; -DFREEFIRST: it frees its seat before it takes it off its list;
   -DNOINCARNATION: a claim keeps the incarnation, so that a former owner is taken for the present one; -DNOJOINING: a claim does not say that its process is joining;
   -DCLEARBEFORE: what the witness reads is cleared before the claim, by whoever competes; -DDISTINCT -DMISTAKEN -DNOSWAP: a joiner completes without a look at its seat. */
#define N 3
byte life = 0;                       /* 0 free, 1 taken: all have the same thread id; 2 dead, by the kernel */
bool joining = 0; bool written = 0;  /* written: what the witness reads of a participant */
byte incarnation = 0; byte owner = 0; /* owner is a ghost: who has claimed */
bool linked[4] = 0; bool dead[4] = 0; bool gone[4] = 0;  /* gone: its number is free, which comes after the kernel's walk over its list */
 byte mine[4] = 0; bool member[4] = 0; byte kills = 0;
proctype P(byte me) provided (!dead[me])
{
  byte v; byte i; bool j;
  atomic { v = life; i = incarnation; j = joining };
  if
  :: v == 1 && !j && written ->      /* the second witness: it is right about participants */
     atomic { if :: life == v && incarnation == i && !joining && gone[owner] -> life = 2; v = 2 :: else fi }
  :: v == 1 && j ->                  /* roster.complete */
#ifdef MISTAKEN
     atomic { if :: life == v && incarnation == i && joining -> life = 2; v = 2 :: else fi }
#else
     atomic { if :: life == v && incarnation == i && joining && gone[owner] -> life = 2; v = 2 :: else fi }
#endif
  :: else -> skip
  fi;
  if
  :: v == 1 -> skip
  :: else ->
#ifdef LINKFIRST
     linked[me] = 1;
#endif
#ifdef CLEARBEFORE
     written = 0;
#endif
     atomic {                        /* roster.claim */
       if
       :: life == v && incarnation == i && joining == j ->
          life = 1; owner = me;
#ifndef NOINCARNATION
          incarnation = i + 1;
#endif
#ifdef NOJOINING
          joining = 0;
#else
          joining = 1;
#endif
          mine[me] = incarnation
       :: else -> goto lost
       fi };
     linked[me] = 1;
#ifndef CLEARBEFORE
     written = 0;
#endif
     atomic {                        /* roster.complete */
       if
#ifdef NOSWAP
       :: true -> joining = 0; member[me] = 1
#else
#ifdef NOJOINING
       :: true -> member[me] = 1
#else
       :: life == 1 && incarnation == mine[me] && joining -> joining = 0; member[me] = 1
       :: else -> goto lost
#endif
#endif
       fi };
     assert(life == 1 && owner == me);         /* nobody has marked the seat of a living participant, or has it */
     written = 1;
     assert(life == 1 && owner == me);
#ifdef FREEFIRST
     atomic { assert(owner == me && life == 1); life = 0; member[me] = 0; owner = 0 };
     linked[me] = 0;
#else
     linked[me] = 0;
     atomic { assert(owner == me && life == 1); life = 0; member[me] = 0; owner = 0 };
#endif
     goto done;
lost:
     linked[me] = 0
  fi;
done: skip
}
#ifdef DISTINCT
#define MINE(x) owner == x
#else
#define MINE(x) true
#endif
inline die(x) { atomic { dead[x] = 1; member[x] = 0 }; atomic { if :: linked[x] && life == 1 && MINE(x) -> life = 2 :: else fi; gone[x] = 1 } }
/* Whoever remembers a participant asks whether it lives: the answer may not be yes for one that is gone, once its seat has another owner. */
proctype Observer() { byte x; if :: x = 1 :: x = 2 fi; byte remembered;
  atomic { member[x] && life == 1 && owner == x -> remembered = mine[x] };
  if :: atomic { life == 1 && owner != x && incarnation == remembered -> assert(false) } :: skip fi }
/* The seat of whoever was killed can be taken: it is marked, or a witness finds it. */
init { atomic { run P(1); run P(2); run P(3); run Observer() };
  if :: die(1) :: die(2) :: skip fi;
end_idle: (timeout);
#ifndef MISTAKEN
  /* A joiner that was taken for dead may clear what its successor wrote, so that there a second mishap can cost the seat; it never costs a life. */
  assert(life != 1 || !dead[owner] || joining || written);
#endif
  skip }

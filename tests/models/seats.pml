/* Seats: claiming, linking, leaving, and the kernel's marks, with thread ids that are equal in two PID namespaces.
   The kernel marks a word on a dead process's list only if the word holds that process's thread id: here all have the same one.
   Mutants, each of which must fail: -DLINKFIRST: a process links before it claims; -DFREEFIRST: it frees its seat before it takes it off its list;
   -DNOINCARNATION: a claim keeps the incarnation, so that a former owner is taken for the present one. */
#define N 3
byte life = 0;                       /* 0 free, 1 taken: all have the same thread id; 2 dead, by the kernel */
byte incarnation = 0; byte owner = 0; /* owner is a ghost: who has claimed */
bool linked[4] = 0; bool dead[4] = 0; byte mine[4] = 0; bool member[4] = 0; byte kills = 0;
proctype P(byte me) provided (!dead[me])
{
  byte v; byte i;
  atomic { v = life; i = incarnation };
  if
  :: v == 1 -> skip
  :: else ->
#ifdef LINKFIRST
     linked[me] = 1;
#endif
     atomic {
       if
       :: life == v && incarnation == i ->
          life = 1; owner = me;
#ifndef NOINCARNATION
          incarnation = i + 1;
#endif
          mine[me] = incarnation; member[me] = 1
       :: else -> goto lost
       fi };
     linked[me] = 1;
     assert(life == 1 && owner == me);         /* nobody has marked the seat of a living process */
#ifdef FREEFIRST
     atomic { assert(owner == me && life == 1); life = 0; member[me] = 0; owner = 0 };
     linked[me] = 0;
#else
     linked[me] = 0;
     atomic { assert(owner == me && life == 1); life = 0; member[me] = 0; owner = 0 };
#endif
     goto done;
lost:
#ifdef LINKFIRST
     linked[me] = 0;
#endif
     skip
  fi;
done: skip
}
inline die(x) { atomic { dead[x] = 1; member[x] = 0 }; atomic { if :: linked[x] && life == 1 -> life = 2 :: else fi } }
/* Whoever remembers a participant asks whether it lives: the answer may not be yes for one that is gone, once its seat has another owner. */
proctype Observer() { byte x; if :: x = 1 :: x = 2 fi; byte remembered;
  atomic { member[x] && life == 1 && owner == x -> remembered = mine[x] };
  if :: atomic { life == 1 && owner != x && incarnation == remembered -> assert(false) } :: skip fi }
init { atomic { run P(1); run P(2); run P(3); run Observer() };
  if :: die(1) :: die(2) :: skip fi }

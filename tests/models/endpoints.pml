/* One endpoint of a channel: openers enter its mutex without waiting, settle what a dead one left, count the generation, and leave; a peer looks at what became of it.
   Openers may be killed anywhere, and may refuse (the channel is completed, or the bytes are corrupt) and leave it as they found it. -DN=n openers.
   Mutants, each of which must fail: -DTIMEOUT: a living owner is taken for dead; -DMARKFIRST: a dead owner's work is marked consistent before it is known that the opener
   stays; -DGENERATIONLAST: the generation is counted on leaving, so a peer takes an endpoint that was used for one that never was; -DNOLOOKATLIFE: the peer takes the word's
   owner for a living one. */
#ifndef N
#define N 3
#endif
#define NONE 0
#define ALIVE 1
#define LEFT 2
#define DIED 3
byte owner = 0; bool inconsistent = 0; byte generation = 0; bool dead[N + 1];
byte users = 0;                    /* ghost: living processes that believe the endpoint is theirs */
byte truth = NONE; bool died = 0; byte running = N;
#define DIE if :: skip :: goto dies fi
proctype Opener(byte me) {
  bool found;
  if
  :: atomic { owner == 0 -> owner = me; found = inconsistent }
  :: atomic { owner != 0 && dead[owner] -> owner = me; inconsistent = 1; found = 1 }      /* ConfirmEnd before: SYNC roster.confirm */
#ifdef TIMEOUT
  :: atomic { owner != 0 && !dead[owner] -> owner = me; inconsistent = 1; found = 1 }
#endif
  :: atomic { owner != 0 && !dead[owner] -> goto out }                                     /* EBUSY */
  fi;
  atomic { users++; assert(users == 1) };
  DIE;
#ifdef MARKFIRST
  if :: found -> inconsistent = 0 :: else fi;
#endif
  if
  :: atomic { users--; owner = 0 }; goto out                                               /* refuses: unrepaired stays unrepaired */
  :: skip
  fi;
  DIE;
#ifndef GENERATIONLAST
  generation++;
#endif
  DIE;
  atomic { inconsistent = 0; truth = ALIVE };                                              /* settled; last */
  DIE;
  atomic { truth = LEFT; users--; owner = 0 };
#ifdef GENERATIONLAST
  generation++;
#endif
  goto out;
dies:
  atomic { dead[me] = 1; users--; truth = DIED; died = 1 };
out:
  running--
}
inline look() {                                  /* the peer's look, load by load */
  holder = owner;
  if
  :: holder != 0 ->
#ifndef NOLOOKATLIFE
     if :: dead[holder] -> seen = DIED :: else -> seen = ALIVE fi
#else
     seen = ALIVE
#endif
  :: else -> if :: inconsistent -> seen = DIED :: else -> if :: generation != 0 -> seen = LEFT :: else -> seen = NONE fi fi
  fi
}
init {
  byte i = 1; byte seen, holder, before;
  atomic { do :: i <= N -> run Opener(i); i++ :: else -> break od };
  do
  :: before = truth; look();
     assert(seen != NONE || before != LEFT);         /* an endpoint that was left is never taken for one that nobody used */
     assert(seen != DIED || died)                    /* nobody is said to have died who did not */
  :: running == 0 -> break
  od;
  look(); assert(seen == truth)                      /* nothing moves any more */
}

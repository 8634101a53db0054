/* The newest value: one writer, readers that only load. The writer's stores wait in its processor and are seen late, in any order that its barriers allow. It may be killed
   anywhere; the next life goes on. -DM=m publications, -DK=k buffers, -DL=l lives, -DR=r values read.
   A value has two words. A reader that finds another version than the newest one in its buffer finds a newer newest afterwards: that bounds its attempts.
   Mutants, each of which must fail: -DNOODD: the buffer is not marked while it is written; -DPLAINODD: the mark may be seen before the newest that was stored before it;
   -DNOBARRIER: the value may be seen before the mark; -DPLAINEVEN: the version may be seen before the value; -DPLAINNEWEST: the newest may be seen before the version;
   -DNORECHECK: the reader does not look at the version again; -DEARLYRECHECK: it does so before it has copied; -DNOCONFIRM: the next life does not wait until the former one's
   stores are seen; -DINPLACE: the buffer of the newest value is written again. */
#ifndef M
#define M 4
#endif
#ifndef K
#define K 2
#endif
#ifndef L
#define L 2
#endif
#ifndef R
#define R 2
#endif
byte version[K], first[K], second[K], newest = 0;
byte content[M + 2];                                   /* ghost: what was published as a version */
bool gone = 0; byte sent = 0;
bool hasOdd = 0, hasFirst = 0, hasSecond = 0, hasEven = 0, hasNewest = 0;
byte oddAt, oddOf, firstAt, firstOf, secondAt, secondOf, evenAt, evenOf, newestOf, newestId;
inline drainOdd() { if :: hasOdd -> version[oddAt] = oddOf; hasOdd = 0 :: else fi }
inline drainFirst() { if :: hasFirst -> first[firstAt] = firstOf; hasFirst = 0 :: else fi }
inline drainSecond() { if :: hasSecond -> second[secondAt] = secondOf; hasSecond = 0 :: else fi }
inline drainEven() { if :: hasEven -> version[evenAt] = evenOf; hasEven = 0 :: else fi }
inline drainNewest() { if :: hasNewest -> newest = newestOf; content[newestOf / 2] = newestId; hasNewest = 0 :: else fi }
#ifdef PLAINODD
#define MAYODD 1
#else
#define MAYODD !(hasNewest && newestOf < oddOf)
#endif
#ifdef NOBARRIER
#define MAYVALUE 1
#else
#define MAYVALUE !hasOdd
#endif
#ifdef PLAINEVEN
#define MAYEVEN !hasOdd
#else
#define MAYEVEN (!hasOdd && !hasFirst && !hasSecond)
#endif
#ifdef PLAINNEWEST
#define MAYNEWEST 1
#else
#define MAYNEWEST !(hasEven && evenOf <= newestOf)
#endif
active proctype Processor() {                          /* makes stores seen when it likes */
end:
  do
  :: atomic { hasOdd && MAYODD -> drainOdd() }
  :: atomic { hasFirst && MAYVALUE -> drainFirst() }
  :: atomic { hasSecond && MAYVALUE -> drainSecond() }
  :: atomic { hasEven && MAYEVEN -> drainEven() }
  :: atomic { hasNewest && MAYNEWEST -> drainNewest() }
  od
}
#define DIE if :: skip :: goto died fi
active proctype Writer() {
  byte v, b, own, life = 0;
open:
  atomic {
#ifndef NOCONFIRM
    drainNewest(); drainOdd(); drainFirst(); drainSecond(); drainEven(); drainNewest();   /* SYNC roster.confirm: the former life stores nothing more */
#endif
    life++; own = newest
  }
  do
  :: sent < M ->
     sent++; v = own + 2;
#ifdef INPLACE
     b = (own / 2) % K;
#else
     b = (v / 2) % K;
#endif
     DIE;
#ifndef NOODD
     atomic { !hasOdd && !hasEven -> hasOdd = 1; oddAt = b; oddOf = v - 1 };                           /* W1: SYNC latest.odd */
     DIE;
#endif
     atomic { !hasFirst && !hasEven -> hasFirst = 1; firstAt = b; firstOf = sent };                    /* W2 */
     DIE;
     atomic { !hasSecond -> hasSecond = 1; secondAt = b; secondOf = sent };
     DIE;
     atomic { !hasEven -> hasEven = 1; evenAt = b; evenOf = v };                           /* W3: SYNC latest.even */
     DIE;
     atomic { !hasNewest -> hasNewest = 1; newestOf = v; newestId = sent };                /* W4: SYNC latest.newest */
     own = v
  :: else -> break
  od;
  goto out;
died:
  if :: life < L -> goto open :: else fi;
out:
  gone = 1
}
active proctype Reader() {
  byte v, b, x, f, s, n, read = 0;
  do
  :: read < R ->
     v = newest;                                                                           /* R1: SYNC latest.newest */
     b = (v / 2) % K;
     if
     :: v == 0 -> read++                                                                   /* nothing yet */
     :: else ->
        x = version[b];                                                                    /* R2: SYNC latest.even */
        if
        :: x != v -> n = newest; assert(n != v)
        :: else ->
#ifndef EARLYRECHECK
           f = first[b]; s = second[b];                                                    /* R3 */
#endif
#ifndef NORECHECK
           x = version[b];                                                                 /* R4: SYNC latest.odd */
#endif
#ifdef EARLYRECHECK
           f = first[b]; s = second[b];
#endif
           if
           :: x != v -> n = newest; assert(n != v)
           :: else -> assert(f == s && f == content[v / 2]); read++                        /* never torn, and what was published as this version */
           fi
        fi
     fi
  :: else -> break
  od
}
active proctype Idle() {                               /* whatever died where: the newest value is whole */
end_idle:
  (timeout);
  assert(gone && !hasOdd && !hasFirst && !hasSecond && !hasEven && !hasNewest);
  assert(newest == 0 || (version[(newest / 2) % K] == newest && first[(newest / 2) % K] == content[newest / 2] && second[(newest / 2) % K] == content[newest / 2]))
}

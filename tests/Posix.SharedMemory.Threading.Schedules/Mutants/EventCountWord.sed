# Mutants of the event count.
s/if \(!HasSleepers\(Value\) \|\| !NotifySleepers\(\)\)/if ((!HasSleepers(Value) || !NotifySleepers()) \&\& !Mutant.Is("a death wakes nobody"))/
/internal unsafe uint Prepare/,/^    }/ s/^( *)BeforeSleep\(\);/\1if (!Mutant.Is("watch after the look")) { BeforeSleep(); }/

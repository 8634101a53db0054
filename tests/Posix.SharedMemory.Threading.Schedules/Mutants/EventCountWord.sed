# Mutants of the event count.
s/&& !_seat\.Kernel\.FenceAll\(\)/\&\& !Mutant.Is("no fence") \&\& !_seat.Kernel.FenceAll()/
s/if \(!HasSleepers\(Value\) \|\| !NotifySleepers\(\)\)/if ((!HasSleepers(Value) || !NotifySleepers()) \&\& !Mutant.Is("a death wakes nobody"))/
/internal unsafe uint Prepare/,/^    }/ s/^( *)BeforeSleep\(\);/\1if (!Mutant.Is("watch after the look")) { BeforeSleep(); }/

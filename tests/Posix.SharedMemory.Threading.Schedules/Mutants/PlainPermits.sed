# Mutants of the plain semaphore.
s/\(value - 1\) \| \(state\.HasSlept \? Waiters : 0\)/Mutant.Is("take without waiters") \&\& state.HasSlept ? (value - 1) \& CountMask : (value - 1) | (state.HasSlept ? Waiters : 0)/
s/^( *)Kernel\.Wake\(_word, int\.MaxValue\);/\1if (!Mutant.Is("no second wake")) { Kernel.Wake(_word, int.MaxValue); }/

// The same loops as the compiler makes them with -O3, in vector registers.
#pragma GCC optimize("O3")
#define VECTORISED
#include "element_access.c"

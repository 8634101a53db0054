/* The second file of the C partner. */
#include "psm.h"
int join_elsewhere(struct psm_roster *, void *, uint32_t);
int join_elsewhere(struct psm_roster *r, void *base, uint32_t seats) { return psm_join(r, base, seats); }

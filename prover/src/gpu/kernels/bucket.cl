// From the sums of buckets to the sum of a window: Σ (j + 1) S_j over the 2^(c-1) buckets of each.
//
// A step makes one pair (R, A) of 2^log_fan pairs: R = Σ R_j and A = Σ A_j + 2^log_unit Σ j R_j, where 2^log_unit is how many buckets
// a child stands for. Beginning with R_j = S_j and A_j = 0, the window's sum is R + A when one pair is left.

KERNEL(64) CURVE_reduce(u32 count, u32 log_fan, u32 log_unit, GLOBAL const u32 *sums, GLOBAL const u32 *weighted,
                        GLOBAL u32 *next_sums, GLOBAL u32 *next_weighted) {
  const u32 i = GLOBAL_ID;
  if (i >= count) return;
  const u32 fan = 1u << log_fan;
  GLOBAL const u32 *own = sums + (u64)CURVE_WORDS * i * fan;
  CURVE running = CURVE_infinity(), total = running;
  for (u32 j = fan - 1; j > 0; j--) {
    running = CURVE_add(running, CURVE_load(own + CURVE_WORDS * j));
    total = CURVE_add(total, running);
  }
  CURVE_store(next_sums + (u64)CURVE_WORDS * i, CURVE_add(running, CURVE_load(own)));
  for (u32 j = 0; j < log_unit; j++) total = CURVE_double(total);
  // The first step's children have no A.
  if (log_unit > 0) {
    own = weighted + (u64)CURVE_WORDS * i * fan;
    for (u32 j = 0; j < fan; j++) total = CURVE_add(total, CURVE_load(own + CURVE_WORDS * j));
  }
  CURVE_store(next_weighted + (u64)CURVE_WORDS * i, total);
}

// The sums of a chunk's buckets, added to those of the chunks before it.
KERNEL(64) CURVE_merge(u32 count, GLOBAL u32 *sums, GLOBAL const u32 *more) {
  const u32 i = GLOBAL_ID;
  if (i >= count) return;
  GLOBAL u32 *own = sums + (u64)CURVE_WORDS * i;
  CURVE_store(own, CURVE_add(CURVE_load(own), CURVE_load(more + (u64)CURVE_WORDS * i)));
}

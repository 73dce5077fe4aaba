// Sums of points by bucket, from a list sorted by key.
//
// Each thread adds up so many neighbours in the list, whatever their keys: the work is even however the scalars are distributed. A
// bucket whose entries are all the thread's own is finished and goes to `sums`. What the first bucket shares with the thread before and
// the last with the thread after goes to two places of a new, shorter list, sorted like the old one, on which the same is done again.
// A place that is not needed holds infinity, under its key.

// The list STAGE, keys at every STRIDE-th word of `keys`.
KERNEL(64) CURVE_sum_STAGE(u32 count, u32 per_thread, GLOBAL const u32 *keys, GLOBAL const u32 *points, GLOBAL u32 *sums,
                           GLOBAL u32 *next_keys, GLOBAL u32 *next_points) {
  const u32 thread = GLOBAL_ID;
  if ((u64)thread * per_thread >= count) return;
  const u32 start = thread * per_thread;
  const u32 end = count - start < per_thread ? count : start + per_thread;
  GLOBAL u32 *next_point = next_points + (u64)CURVE_WORDS * 2 * thread;
  u32 key = keys[STRIDE * start];
  int shared = start > 0 && keys[STRIDE * (start - 1)] == key;
  next_keys[2 * thread] = key;
  COORD_store(next_point + 2 * COORD_WORDS, COORD_zero());
  COORD_store(next_point + CURVE_WORDS + 2 * COORD_WORDS, COORD_zero());
  CURVE sum = CURVE_infinity();
  for (u32 i = start; i < end; i++) {
    const u32 next = keys[STRIDE * i];
    if (next != key) {
      // Infinity is what is there already, and what a bucket finished before would be overwritten with.
      if (!COORD_is_zero(sum.zz)) CURVE_store(shared ? next_point : sums + (u64)CURVE_WORDS * key, sum);
      shared = 0;
      key = next;
      sum = CURVE_infinity();
    }
    CURVE_ADD_STAGE
  }
  next_keys[2 * thread + 1] = key;
  if (COORD_is_zero(sum.zz)) return;
  if (shared) CURVE_store(next_point, sum);
  else if (end < count && keys[STRIDE * end] == key) CURVE_store(next_point + CURVE_WORDS, sum);
  else CURVE_store(sums + (u64)CURVE_WORDS * key, sum);
}

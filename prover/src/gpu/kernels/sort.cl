// The digits of scalars, sorted by window and bucket.
//
// A scalar k counts as -(r - k) if that is smaller, so that a small number and its negative both have few digits. The magnitude, below
// 2^253, has signed digits -2^(c-1) < d <= 2^(c-1) in windows of c bits. Window w and |d| make the key w 2^(c-1) + |d| - 1: its
// bucket. An entry is a key and 2 · (number of the base) + (1 if it is to be subtracted).

#define COUNT 0
#define PLACE 1

// The scalar, out of Montgomery form; the smaller of it and its negative, and whether it was the negative.
INLINE fr scalar_magnitude(fr k, u32 *negative) {
  fr one = fr_zero();
  one.l[0] = 1;
  k = fr_mul(k, one);
  const fr other = fr_neg(k);
  *negative = 0;
  for (int i = 7; i >= 0; i--) {
    if (other.l[i] != k.l[i]) {
      *negative = other.l[i] < k.l[i];
      break;
    }
  }
  return *negative ? other : k;
}

// The scalars are scalars[first], …, or scalars[indices[first]], …; their bases are first_base, …
// Counts the digits of each key (pass COUNT), or puts each entry at the next place of its key (pass PLACE).
KERNEL(64) digits(u32 count, u32 pass, u32 bits, u32 windows, GLOBAL const u32 *scalars, u32 first, u32 gathered,
                  GLOBAL const u32 *indices, u32 first_base, GLOBAL u32 *places, GLOBAL u32 *entries) {
  const u32 i = GLOBAL_ID;
  if (i >= count) return;
  const u32 from = gathered ? indices[first + i] : first + i;
  u32 negative;
  const fr k = scalar_magnitude(fr_load(scalars + (u64)8 * from), &negative);
  const u32 middle = 1u << (bits - 1);
  u32 carry = 0;
  for (u32 window = 0; window < windows; window++) {
    const u32 bit = window * bits, limb = bit / 32, shift = bit % 32;
    u32 raw = 0;
    if (limb < 8) {
      u64 pair = k.l[limb];
      if (limb < 7) pair |= (u64)k.l[limb + 1] << 32;
      raw = (u32)(pair >> shift) & (2 * middle - 1);
    }
    raw += carry;
    carry = raw > middle;
    const u32 digit = carry ? 2 * middle - raw : raw;
    if (digit == 0) continue;
    const u32 key = window * middle + digit - 1;
    const u32 place = ATOMIC_INC(places + key);
    if (pass == PLACE) {
      entries[2 * place] = key;
      entries[2 * place + 1] = 2 * (first_base + i) + (carry ^ negative);
    }
  }
}

#define SCANNED 256

// Each 256 numbers become the sums of those before them in their 256; the sum of all of them goes to `totals`.
KERNEL(256) scan(u32 count, GLOBAL u32 *numbers, GLOBAL u32 *totals) {
  LOCAL u32 sums[SCANNED];
  const u32 i = GLOBAL_ID, lane = LOCAL_ID;
  const u32 own = i < count ? numbers[i] : 0;
  sums[lane] = own;
  BARRIER;
  for (u32 distance = 1; distance < SCANNED; distance *= 2) {
    const u32 before = lane >= distance ? sums[lane - distance] : 0;
    BARRIER;
    sums[lane] += before;
    BARRIER;
  }
  if (i < count) numbers[i] = sums[lane] - own;
  if (lane == SCANNED - 1) totals[GROUP_ID] = sums[lane];
}

// Adds to each 256 numbers what is before them.
KERNEL(256) scan_add(u32 count, GLOBAL u32 *numbers, GLOBAL const u32 *totals) {
  const u32 i = GLOBAL_ID;
  if (i < count) numbers[i] += totals[GROUP_ID];
}

// For tests: a kernel that takes as long as it is told to.
KERNEL(64) spin(u32 rounds, GLOBAL u32 *out) {
  u32 x = GLOBAL_ID;
  for (u32 i = 0; i < rounds; i++)
    for (u32 j = 0; j < 1048576u; j++) x = x * 1664525u + 1013904223u + (x >> 13);
  out[GLOBAL_ID] = x;
}

// From values on the n-th roots of unity to values on the odd points: w^(2i + 1), w a primitive 2n-th root.
//
//   inward    the outer levels of the inverse transform        columns of a matrix, in tiles
//   across    its inner levels, then those of the forward one   rows, each loaded and stored once
//   outward   the outer levels of the forward transform        columns
//
// The inverse transform ends in bit-reversed order and the forward one begins with it. Both butterflies are u + t v, u - t v:
//   inverse   block b of any level has the factor T[b] = w^(-2 rev(b)), rev over log2(n) - 1 bits
//   forward   place j of a block of 2h at the odd points has O[h + j] = w^((2j + 1) n / 2h): the shift costs nothing
// The inverse transform's 1 / n is taken out of the products at the end.

#define LOG_TILE 10
#define TILE (1 << LOG_TILE)

// Limbs apart, so that neighbouring threads use neighbouring banks.
#define TILE_LOAD(place, r)  UNROLL for (int limb = 0; limb < 8; limb++) (r).l[limb] = tile[limb * TILE + (place)]
#define TILE_STORE(place, r) UNROLL for (int limb = 0; limb < 8; limb++) tile[limb * TILE + (place)] = (r).l[limb]

#define BUTTERFLY(low, high, factor)                                                                                 \
  {                                                                                                                  \
    fr u, v;                                                                                                         \
    TILE_LOAD(low, u);                                                                                               \
    TILE_LOAD(high, v);                                                                                              \
    v = fr_mul(v, fr_load(factor));                                                                                  \
    const fr sum = fr_add(u, v), difference = fr_sub(u, v);                                                          \
    TILE_STORE(low, sum);                                                                                            \
    TILE_STORE(high, difference);                                                                                    \
  }

// Levels level … level + levels - 1 of the inverse transforms of 2^log_n values each that lie one after another; a group has
// 2^log_columns columns of 2^levels values.
KERNEL(256) inward(u32 log_n, u32 level, u32 levels, u32 log_columns, GLOBAL u32 *values, GLOBAL const u32 *factors) {
  LOCAL u32 tile[8 * TILE];
  const u32 size = 1u << (levels + log_columns), columns = 1u << log_columns;
  const u32 log_block = log_n - level, log_step = log_block - levels;
  // Blocks are numbered on from one transform to the next; the factors are those of the block in its own.
  const u32 log_tiles = log_step - log_columns;
  const u32 block = GROUP_ID >> log_tiles, column = (GROUP_ID & ((1u << log_tiles) - 1)) << log_columns;
  const u32 number = block & ((1u << level) - 1);
  GLOBAL u32 *own = values + 8 * (((u64)block << log_block) + column);
  for (u32 s = LOCAL_ID; s < size; s += 256) {
    const fr r = fr_load(own + 8 * (((u64)(s >> log_columns) << log_step) + (s & (columns - 1))));
    TILE_STORE(s, r);
  }
  for (u32 r = 0; r < levels; r++) {
    BARRIER;
    const u32 log_half = levels - 1 - r;
    for (u32 s = LOCAL_ID; s < size / 2; s += 256) {
      const u32 y = s >> log_columns, part = y >> log_half;
      const u32 low = ((((part << 1) << log_half) + (y & ((1u << log_half) - 1))) << log_columns) + (s & (columns - 1));
      BUTTERFLY(low, low + (1u << (log_half + log_columns)), factors + 8 * (((u64)number << r) + part))
    }
  }
  BARRIER;
  for (u32 s = LOCAL_ID; s < size; s += 256) {
    fr r;
    TILE_LOAD(s, r);
    fr_store(own + 8 * (((u64)(s >> log_columns) << log_step) + (s & (columns - 1))), r);
  }
}

// The last `levels` levels of the inverse transforms and the first ones of the forward transforms; a group has 2^levels neighbours.
KERNEL(256) across(u32 log_n, u32 levels, GLOBAL u32 *values, GLOBAL const u32 *factors, GLOBAL const u32 *odd_factors) {
  LOCAL u32 tile[8 * TILE];
  const u32 size = 1u << levels;
  const u32 number = GROUP_ID & ((1u << (log_n - levels)) - 1);
  GLOBAL u32 *own = values + (u64)8 * GROUP_ID * size;
  for (u32 s = LOCAL_ID; s < size; s += 256) {
    const fr r = fr_load(own + 8 * s);
    TILE_STORE(s, r);
  }
  for (u32 r = 0; r < levels; r++) {
    BARRIER;
    const u32 log_half = levels - 1 - r;
    for (u32 s = LOCAL_ID; s < size / 2; s += 256) {
      const u32 part = s >> log_half;
      const u32 low = ((part << 1) << log_half) + (s & ((1u << log_half) - 1));
      BUTTERFLY(low, low + (1u << log_half), factors + 8 * (((u64)number << r) + part))
    }
  }
  for (u32 log_half = 0; log_half < levels; log_half++) {
    BARRIER;
    const u32 middle = 1u << log_half;
    for (u32 s = LOCAL_ID; s < size / 2; s += 256) {
      const u32 j = s & (middle - 1), low = ((s >> log_half) << (log_half + 1)) + j;
      BUTTERFLY(low, low + middle, odd_factors + 8 * (middle + j))
    }
  }
  BARRIER;
  for (u32 s = LOCAL_ID; s < size; s += 256) {
    fr r;
    TILE_LOAD(s, r);
    fr_store(own + 8 * s, r);
  }
}

// The levels of the forward transforms that join blocks of 2^log_half and larger; a group has 2^log_columns columns of 2^levels values.
KERNEL(256) outward(u32 log_half, u32 levels, u32 log_columns, GLOBAL u32 *values, GLOBAL const u32 *odd_factors) {
  LOCAL u32 tile[8 * TILE];
  const u32 size = 1u << (levels + log_columns), columns = 1u << log_columns;
  const u32 log_tiles = log_half - log_columns;
  const u32 block = GROUP_ID >> log_tiles, column = (GROUP_ID & ((1u << log_tiles) - 1)) << log_columns;
  GLOBAL u32 *own = values + 8 * (((u64)block << (log_half + levels)) + column);
  for (u32 s = LOCAL_ID; s < size; s += 256) {
    const fr r = fr_load(own + 8 * (((u64)(s >> log_columns) << log_half) + (s & (columns - 1))));
    TILE_STORE(s, r);
  }
  for (u32 r = 0; r < levels; r++) {
    BARRIER;
    for (u32 s = LOCAL_ID; s < size / 2; s += 256) {
      const u32 q = s & (columns - 1), y = s >> log_columns, j = y & ((1u << r) - 1);
      const u32 low = ((((y >> r) << (r + 1)) + j) << log_columns) + q;
      const u64 place = ((u64)j << log_half) + column + q;
      BUTTERFLY(low, low + (1u << (r + log_columns)), odd_factors + 8 * (((u64)1 << (log_half + r)) + place))
    }
  }
  BARRIER;
  for (u32 s = LOCAL_ID; s < size; s += 256) {
    fr r;
    TILE_LOAD(s, r);
    fr_store(own + 8 * (((u64)(s >> log_columns) << log_half) + (s & (columns - 1))), r);
  }
}

// powers[i] to the exponents' bits: base^exponent where powers[i] = base^(2^i).
INLINE fr fr_power(GLOBAL const u32 *powers, u32 exponent) {
  fr r = fr_one();
  for (u32 i = 0; exponent >> i; i++)
    if ((exponent >> i) & 1) r = fr_mul(r, fr_load(powers + 8 * i));
  return r;
}

// The tables T (n / 2 factors) and O (n; the first is not used) from the powers of w^-2 and of w.
KERNEL(64) transform_factors(u32 log_n, GLOBAL const u32 *inverse_powers, GLOBAL const u32 *powers, GLOBAL u32 *factors,
                             GLOBAL u32 *odd_factors) {
  const u32 i = GLOBAL_ID, n = 1u << log_n;
  if (i >= n) return;
  if (i < n / 2) {
    u32 reversed = 0;
    for (u32 bit = 0; bit + 1 < log_n; bit++) reversed |= ((i >> bit) & 1) << (log_n - 2 - bit);
    fr_store(factors + (u64)8 * i, fr_power(inverse_powers, reversed));
  }
  u32 log_half = 0;
  while (i >> (log_half + 1)) log_half++;
  const u32 j = i - (1u << log_half);
  if (i > 0) fr_store(odd_factors + (u64)8 * i, fr_power(powers, (2 * j + 1) << (log_n - 1 - log_half)));
}

// c = a b, place by place; b lies behind a, and c behind b.
KERNEL(64) products(u32 count, GLOBAL u32 *values) {
  const u32 i = GLOBAL_ID;
  if (i >= count) return;
  const fr a = fr_load(values + (u64)8 * i), b = fr_load(values + (u64)8 * ((u64)count + i));
  fr_store(values + (u64)8 * (2 * (u64)count + i), fr_mul(a, b));
}

// a = (a b s - c) s: a b - c of values that are all too large by 1 / s.
KERNEL(64) quotient(u32 count, GLOBAL u32 *values, GLOBAL const u32 *scale) {
  const u32 i = GLOBAL_ID;
  if (i >= count) return;
  const fr a = fr_load(values + (u64)8 * i), b = fr_load(values + (u64)8 * ((u64)count + i));
  const fr c = fr_load(values + (u64)8 * (2 * (u64)count + i)), s = fr_load(scale);
  fr_store(values + (u64)8 * i, fr_mul(fr_sub(fr_mul(fr_mul(a, b), s), c), s));
}

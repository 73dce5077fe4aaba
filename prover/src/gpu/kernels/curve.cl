// The group CURVE, y^2 = x^3 + b over COORD: affine points, all zero for infinity, and sums as (X, Y, ZZ, ZZZ) with x = X / ZZ,
// y = Y / ZZZ, ZZ^3 = ZZZ^2, and ZZ = 0 for infinity (the formulas "XYZZ" of the Explicit-Formulas Database; a = 0).
// Every function is exact for every pair of points: equal, opposite or infinity.

#define CURVE_WORDS (4 * COORD_WORDS)

typedef struct { COORD x, y; } CURVE_affine;
typedef struct { COORD x, y, zz, zzz; } CURVE;

INLINE CURVE CURVE_infinity(void) {
  CURVE r;
  r.x = COORD_zero(); r.y = COORD_zero(); r.zz = COORD_zero(); r.zzz = COORD_zero();
  return r;
}

INLINE CURVE_affine CURVE_load_affine(GLOBAL const u32 *from) {
  CURVE_affine r;
  r.x = COORD_load(from);
  r.y = COORD_load(from + COORD_WORDS);
  return r;
}

INLINE CURVE CURVE_load(GLOBAL const u32 *from) {
  CURVE r;
  r.x = COORD_load(from);
  r.y = COORD_load(from + COORD_WORDS);
  r.zz = COORD_load(from + 2 * COORD_WORDS);
  r.zzz = COORD_load(from + 3 * COORD_WORDS);
  return r;
}

INLINE void CURVE_store(GLOBAL u32 *to, CURVE a) {
  COORD_store(to, a.x);
  COORD_store(to + COORD_WORDS, a.y);
  COORD_store(to + 2 * COORD_WORDS, a.zz);
  COORD_store(to + 3 * COORD_WORDS, a.zzz);
}

// 2 a. No point of order two is on the curve, so Y is not zero.
// Infinity stays so, since its ZZ and ZZZ are multiplied.
CALLED CURVE CURVE_double(CURVE a) {
  CURVE r;
  const COORD u = COORD_double(a.y);
  const COORD v = COORD_sqr(u);
  const COORD w = COORD_mul(u, v);
  const COORD s = COORD_mul(a.x, v);
  const COORD square = COORD_sqr(a.x);
  const COORD m = COORD_add(COORD_double(square), square);
  r.x = COORD_sub(COORD_sqr(m), COORD_double(s));
  r.y = COORD_sub(COORD_mul(m, COORD_sub(s, r.x)), COORD_mul(w, a.y));
  r.zz = COORD_mul(v, a.zz);
  r.zzz = COORD_mul(w, a.zzz);
  return r;
}

// a + p: eight products and two squares.
INLINE CURVE CURVE_add_affine(CURVE a, CURVE_affine p) {
  if (COORD_is_zero(p.x) && COORD_is_zero(p.y)) return a;
  if (COORD_is_zero(a.zz)) {
    a.x = p.x; a.y = p.y; a.zz = COORD_one(); a.zzz = COORD_one();
    return a;
  }
  const COORD h = COORD_sub(COORD_mul(p.x, a.zz), a.x);
  const COORD slope = COORD_sub(COORD_mul(p.y, a.zzz), a.y);
  if (COORD_is_zero(h)) return COORD_is_zero(slope) ? CURVE_double(a) : CURVE_infinity();
  const COORD hh = COORD_sqr(h);
  const COORD hhh = COORD_mul(h, hh);
  const COORD q = COORD_mul(a.x, hh);
  CURVE r;
  r.x = COORD_sub(COORD_sub(COORD_sqr(slope), hhh), COORD_double(q));
  r.y = COORD_sub(COORD_mul(slope, COORD_sub(q, r.x)), COORD_mul(a.y, hhh));
  r.zz = COORD_mul(a.zz, hh);
  r.zzz = COORD_mul(a.zzz, hhh);
  return r;
}

// a + b: twelve products and two squares.
CALLED CURVE CURVE_add(CURVE a, CURVE b) {
  if (COORD_is_zero(b.zz)) return a;
  if (COORD_is_zero(a.zz)) return b;
  const COORD u = COORD_mul(a.x, b.zz);
  const COORD s = COORD_mul(a.y, b.zzz);
  const COORD h = COORD_sub(COORD_mul(b.x, a.zz), u);
  const COORD slope = COORD_sub(COORD_mul(b.y, a.zzz), s);
  if (COORD_is_zero(h)) return COORD_is_zero(slope) ? CURVE_double(a) : CURVE_infinity();
  const COORD hh = COORD_sqr(h);
  const COORD hhh = COORD_mul(h, hh);
  const COORD q = COORD_mul(u, hh);
  CURVE r;
  r.x = COORD_sub(COORD_sub(COORD_sqr(slope), hhh), COORD_double(q));
  r.y = COORD_sub(COORD_mul(slope, COORD_sub(q, r.x)), COORD_mul(s, hhh));
  r.zz = COORD_mul(COORD_mul(a.zz, b.zz), hh);
  r.zzz = COORD_mul(COORD_mul(a.zzz, b.zzz), hhh);
  return r;
}

// For tests, on affine points: a + b with b affine, a + b with both scaled, 2 a.
KERNEL(64) CURVE_operation(u32 count, u32 operation, GLOBAL const u32 *a, GLOBAL const u32 *b, GLOBAL u32 *out) {
  const u32 i = GLOBAL_ID;
  if (i >= count) return;
  const CURVE_affine q = CURVE_load_affine(b + 2 * COORD_WORDS * i);
  const CURVE p = CURVE_add_affine(CURVE_infinity(), CURVE_load_affine(a + 2 * COORD_WORDS * i));
  CURVE r;
  if (operation == 0) r = CURVE_add_affine(p, q);
  else if (operation == 1) r = CURVE_add(p, CURVE_add_affine(CURVE_infinity(), q));
  // (2 p + q) - 2 p by way of coordinates that are not affine.
  else if (operation == 2) {
    CURVE twice = CURVE_double(p);
    r = CURVE_add_affine(twice, q);
    twice.y = COORD_neg(twice.y);
    r = CURVE_add(r, twice);
  } else r = CURVE_double(p);
  CURVE_store(out + CURVE_WORDS * i, r);
}

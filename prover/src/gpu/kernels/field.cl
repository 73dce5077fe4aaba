// The field FIELD: eight 32-bit limbs, lowest first, in Montgomery form with R = 2^256, always below the modulus.
//
// FIELD_P0 … FIELD_P7, FIELD_INV = -p^-1 mod 2^32 and FIELD_ONE0 … FIELD_ONE7 = R mod p are generated. p is below 2^254, so that
// no sum of two elements and no intermediate product needs a ninth limb.

typedef struct { u32 l[8]; } FIELD;

INLINE FIELD FIELD_zero(void) {
  FIELD r;
  UNROLL for (int i = 0; i < 8; i++) r.l[i] = 0;
  return r;
}

INLINE FIELD FIELD_one(void) {
  FIELD r;
  r.l[0] = FIELD_ONE0; r.l[1] = FIELD_ONE1; r.l[2] = FIELD_ONE2; r.l[3] = FIELD_ONE3;
  r.l[4] = FIELD_ONE4; r.l[5] = FIELD_ONE5; r.l[6] = FIELD_ONE6; r.l[7] = FIELD_ONE7;
  return r;
}

INLINE int FIELD_is_zero(FIELD a) {
  u32 any = 0;
  UNROLL for (int i = 0; i < 8; i++) any |= a.l[i];
  return any == 0;
}

INLINE int FIELD_equal(FIELD a, FIELD b) {
  u32 any = 0;
  UNROLL for (int i = 0; i < 8; i++) any |= a.l[i] ^ b.l[i];
  return any == 0;
}

// Elements begin at multiples of 32 bytes, so that two words of 16 are one element.
INLINE FIELD FIELD_load(GLOBAL const u32 *from) {
  const uint4 low = ((GLOBAL const uint4 *)from)[0], high = ((GLOBAL const uint4 *)from)[1];
  FIELD r;
  r.l[0] = low.x; r.l[1] = low.y; r.l[2] = low.z; r.l[3] = low.w;
  r.l[4] = high.x; r.l[5] = high.y; r.l[6] = high.z; r.l[7] = high.w;
  return r;
}

INLINE void FIELD_store(GLOBAL u32 *to, FIELD a) {
  uint4 low, high;
  low.x = a.l[0]; low.y = a.l[1]; low.z = a.l[2]; low.w = a.l[3];
  high.x = a.l[4]; high.y = a.l[5]; high.z = a.l[6]; high.w = a.l[7];
  ((GLOBAL uint4 *)to)[0] = low;
  ((GLOBAL uint4 *)to)[1] = high;
}

#ifdef PTX

// a - p, and all ones in `borrow` if that is negative.
#define FIELD_SUBTRACT_P(t, borrow)                                                                                  \
  ASM("sub.cc.u32 %0, %0, %9; subc.cc.u32 %1, %1, %10; subc.cc.u32 %2, %2, %11;"                        \
                   "subc.cc.u32 %3, %3, %12; subc.cc.u32 %4, %4, %13; subc.cc.u32 %5, %5, %14;"                      \
                   "subc.cc.u32 %6, %6, %15; subc.cc.u32 %7, %7, %16; subc.u32 %8, 0, 0;"                            \
                   : "+r"(t.l[0]), "+r"(t.l[1]), "+r"(t.l[2]), "+r"(t.l[3]), "+r"(t.l[4]), "+r"(t.l[5]),             \
                     "+r"(t.l[6]), "+r"(t.l[7]), "=r"(borrow)                                                        \
                   : "r"(FIELD_P0), "r"(FIELD_P1), "r"(FIELD_P2), "r"(FIELD_P3), "r"(FIELD_P4), "r"(FIELD_P5),       \
                     "r"(FIELD_P6), "r"(FIELD_P7))

// A value below 2 p, reduced.
INLINE FIELD FIELD_reduce(FIELD a) {
  FIELD t = a;
  u32 borrow;
  FIELD_SUBTRACT_P(t, borrow);
  UNROLL for (int i = 0; i < 8; i++) t.l[i] = borrow ? a.l[i] : t.l[i];
  return t;
}

INLINE FIELD FIELD_add(FIELD a, FIELD b) {
  ASM("add.cc.u32 %0, %0, %8; addc.cc.u32 %1, %1, %9; addc.cc.u32 %2, %2, %10;"
                   "addc.cc.u32 %3, %3, %11; addc.cc.u32 %4, %4, %12; addc.cc.u32 %5, %5, %13;"
                   "addc.cc.u32 %6, %6, %14; addc.u32 %7, %7, %15;"
                   : "+r"(a.l[0]), "+r"(a.l[1]), "+r"(a.l[2]), "+r"(a.l[3]), "+r"(a.l[4]), "+r"(a.l[5]),
                     "+r"(a.l[6]), "+r"(a.l[7])
                   : "r"(b.l[0]), "r"(b.l[1]), "r"(b.l[2]), "r"(b.l[3]), "r"(b.l[4]), "r"(b.l[5]), "r"(b.l[6]),
                     "r"(b.l[7]));
  return FIELD_reduce(a);
}

INLINE FIELD FIELD_sub(FIELD a, FIELD b) {
  u32 borrow;
  ASM("sub.cc.u32 %0, %0, %9; subc.cc.u32 %1, %1, %10; subc.cc.u32 %2, %2, %11;"
                   "subc.cc.u32 %3, %3, %12; subc.cc.u32 %4, %4, %13; subc.cc.u32 %5, %5, %14;"
                   "subc.cc.u32 %6, %6, %15; subc.cc.u32 %7, %7, %16; subc.u32 %8, 0, 0;"
                   : "+r"(a.l[0]), "+r"(a.l[1]), "+r"(a.l[2]), "+r"(a.l[3]), "+r"(a.l[4]), "+r"(a.l[5]),
                     "+r"(a.l[6]), "+r"(a.l[7]), "=r"(borrow)
                   : "r"(b.l[0]), "r"(b.l[1]), "r"(b.l[2]), "r"(b.l[3]), "r"(b.l[4]), "r"(b.l[5]), "r"(b.l[6]),
                     "r"(b.l[7]));
  ASM("add.cc.u32 %0, %0, %8; addc.cc.u32 %1, %1, %9; addc.cc.u32 %2, %2, %10;"
                   "addc.cc.u32 %3, %3, %11; addc.cc.u32 %4, %4, %12; addc.cc.u32 %5, %5, %13;"
                   "addc.cc.u32 %6, %6, %14; addc.u32 %7, %7, %15;"
                   : "+r"(a.l[0]), "+r"(a.l[1]), "+r"(a.l[2]), "+r"(a.l[3]), "+r"(a.l[4]), "+r"(a.l[5]),
                     "+r"(a.l[6]), "+r"(a.l[7])
                   : "r"(FIELD_P0 & borrow), "r"(FIELD_P1 & borrow), "r"(FIELD_P2 & borrow), "r"(FIELD_P3 & borrow),
                     "r"(FIELD_P4 & borrow), "r"(FIELD_P5 & borrow), "r"(FIELD_P6 & borrow), "r"(FIELD_P7 & borrow));
  return a;
}

// The product is summed up in two rows, `even` from limbs 0, 2, 4, 6 and `odd` (one limb higher) from limbs 1, 3, 5, 7, so that each
// row is one chain of carries in which a low and a high half are neighbours: the hardware does the two as one instruction. After
// a round of the reduction the lowest limb of `even` is zero, and the rows change their parts.

// x (8 limbs) += (a, b, c, d) · k
#define FIELD_CHAIN(x, a, b, c, d, k)                                                                                \
  ASM("mad.lo.cc.u32 %0, %8, %12, %0; madc.hi.cc.u32 %1, %8, %12, %1; madc.lo.cc.u32 %2, %9, %12, %2;"  \
                   "madc.hi.cc.u32 %3, %9, %12, %3; madc.lo.cc.u32 %4, %10, %12, %4;"                                \
                   "madc.hi.cc.u32 %5, %10, %12, %5; madc.lo.cc.u32 %6, %11, %12, %6; madc.hi.u32 %7, %11, %12, %7;" \
                   : "+r"(x[0]), "+r"(x[1]), "+r"(x[2]), "+r"(x[3]), "+r"(x[4]), "+r"(x[5]), "+r"(x[6]), "+r"(x[7])  \
                   : "r"(a), "r"(b), "r"(c), "r"(d), "r"(k))
// The same with the carry added to `top`.
#define FIELD_CHAIN_CARRY(x, a, b, c, d, k, top)                                                                     \
  ASM("mad.lo.cc.u32 %0, %9, %13, %0; madc.hi.cc.u32 %1, %9, %13, %1; madc.lo.cc.u32 %2, %10, %13, %2;" \
                   "madc.hi.cc.u32 %3, %10, %13, %3; madc.lo.cc.u32 %4, %11, %13, %4;"                               \
                   "madc.hi.cc.u32 %5, %11, %13, %5; madc.lo.cc.u32 %6, %12, %13, %6;"                               \
                   "madc.hi.cc.u32 %7, %12, %13, %7; addc.u32 %8, %8, 0;"                                            \
                   : "+r"(x[0]), "+r"(x[1]), "+r"(x[2]), "+r"(x[3]), "+r"(x[4]), "+r"(x[5]), "+r"(x[6]), "+r"(x[7]), \
                     "+r"(top)                                                                                       \
                   : "r"(a), "r"(b), "r"(c), "r"(d), "r"(k))
// even[0] += odd[1], and odd = (odd >> two limbs) + (a, b, c, d) · k with that carry.
#define FIELD_CHAIN_SHIFT(even, odd, a, b, c, d, k)                                                                  \
  ASM("add.cc.u32 %8, %8, %1; madc.lo.cc.u32 %0, %9, %13, %2; madc.hi.cc.u32 %1, %9, %13, %3;"          \
                   "madc.lo.cc.u32 %2, %10, %13, %4; madc.hi.cc.u32 %3, %10, %13, %5;"                               \
                   "madc.lo.cc.u32 %4, %11, %13, %6; madc.hi.cc.u32 %5, %11, %13, %7;"                               \
                   "madc.lo.cc.u32 %6, %12, %13, 0; madc.hi.u32 %7, %12, %13, 0;"                                    \
                   : "+r"(odd[0]), "+r"(odd[1]), "+r"(odd[2]), "+r"(odd[3]), "+r"(odd[4]), "+r"(odd[5]),             \
                     "+r"(odd[6]), "+r"(odd[7]), "+r"(even[0])                                                       \
                   : "r"(a), "r"(b), "r"(c), "r"(d), "r"(k))
// x = (a, b, c, d) · k
#define FIELD_PRODUCT(x, a, b, c, d, k)                                                                              \
  {                                                                                                                  \
    u64 w = (u64)(a) * (k); x[0] = (u32)w; x[1] = (u32)(w >> 32);                                                    \
    w = (u64)(b) * (k); x[2] = (u32)w; x[3] = (u32)(w >> 32);                                                        \
    w = (u64)(c) * (k); x[4] = (u32)w; x[5] = (u32)(w >> 32);                                                        \
    w = (u64)(d) * (k); x[6] = (u32)w; x[7] = (u32)(w >> 32);                                                        \
  }
// Adds the multiple of p that clears even[0].
#define FIELD_CLEAR(even, odd)                                                                                       \
  {                                                                                                                  \
    u32 m = even[0] * FIELD_INV;                                                                                     \
    FIELD_CHAIN(odd, FIELD_P1, FIELD_P3, FIELD_P5, FIELD_P7, m);                                                     \
    FIELD_CHAIN_CARRY(even, FIELD_P0, FIELD_P2, FIELD_P4, FIELD_P6, m, odd[7]);                                      \
  }
#define FIELD_ROUND(even, odd, a, k)                                                                                 \
  {                                                                                                                  \
    FIELD_CHAIN_SHIFT(even, odd, a.l[1], a.l[3], a.l[5], a.l[7], k);                                                 \
    FIELD_CHAIN_CARRY(even, a.l[0], a.l[2], a.l[4], a.l[6], k, odd[7]);                                              \
    FIELD_CLEAR(even, odd)                                                                                           \
  }

INLINE FIELD FIELD_mul(FIELD a, FIELD b) {
  u32 x[8], y[8];
  FIELD_PRODUCT(y, a.l[1], a.l[3], a.l[5], a.l[7], b.l[0])
  FIELD_PRODUCT(x, a.l[0], a.l[2], a.l[4], a.l[6], b.l[0])
  FIELD_CLEAR(x, y)
  FIELD_ROUND(y, x, a, b.l[1])
  FIELD_ROUND(x, y, a, b.l[2])
  FIELD_ROUND(y, x, a, b.l[3])
  FIELD_ROUND(x, y, a, b.l[4])
  FIELD_ROUND(y, x, a, b.l[5])
  FIELD_ROUND(x, y, a, b.l[6])
  FIELD_ROUND(y, x, a, b.l[7])
  // The value is x + (y >> 32), below 2 p.
  FIELD r;
  ASM("add.cc.u32 %0, %0, %8; addc.cc.u32 %1, %1, %9; addc.cc.u32 %2, %2, %10; addc.cc.u32 %3, %3, %11;"
                   "addc.cc.u32 %4, %4, %12; addc.cc.u32 %5, %5, %13; addc.cc.u32 %6, %6, %14; addc.u32 %7, %7, 0;"
                   : "+r"(x[0]), "+r"(x[1]), "+r"(x[2]), "+r"(x[3]), "+r"(x[4]), "+r"(x[5]), "+r"(x[6]), "+r"(x[7])
                   : "r"(y[1]), "r"(y[2]), "r"(y[3]), "r"(y[4]), "r"(y[5]), "r"(y[6]), "r"(y[7]));
  UNROLL for (int i = 0; i < 8; i++) r.l[i] = x[i];
  return FIELD_reduce(r);
}

#else

INLINE FIELD FIELD_modulus(void) {
  FIELD p;
  p.l[0] = FIELD_P0; p.l[1] = FIELD_P1; p.l[2] = FIELD_P2; p.l[3] = FIELD_P3;
  p.l[4] = FIELD_P4; p.l[5] = FIELD_P5; p.l[6] = FIELD_P6; p.l[7] = FIELD_P7;
  return p;
}

// A value below 2 p, reduced.
INLINE FIELD FIELD_reduce(FIELD a) {
  const FIELD p = FIELD_modulus();
  FIELD t;
  u64 borrow = 0;
  for (int i = 0; i < 8; i++) {
    u64 d = (u64)a.l[i] - p.l[i] - borrow;
    t.l[i] = (u32)d;
    borrow = d >> 63;
  }
  return borrow ? a : t;
}

INLINE FIELD FIELD_add(FIELD a, FIELD b) {
  u64 carry = 0;
  for (int i = 0; i < 8; i++) {
    carry += (u64)a.l[i] + b.l[i];
    a.l[i] = (u32)carry;
    carry >>= 32;
  }
  return FIELD_reduce(a);
}

INLINE FIELD FIELD_sub(FIELD a, FIELD b) {
  const FIELD p = FIELD_modulus();
  u64 borrow = 0, carry = 0;
  for (int i = 0; i < 8; i++) {
    u64 d = (u64)a.l[i] - b.l[i] - borrow;
    a.l[i] = (u32)d;
    borrow = d >> 63;
  }
  const u32 mask = (u32)0 - (u32)borrow;
  for (int i = 0; i < 8; i++) {
    carry += (u64)a.l[i] + (p.l[i] & mask);
    a.l[i] = (u32)carry;
    carry >>= 32;
  }
  return a;
}

// Coarsely integrated operand scanning (Koç, Acar, Kaliski, 1996). The top limb of p is below 2^31 - 1, so that the two carries of
// a round fit one limb together.
INLINE FIELD FIELD_mul(FIELD a, FIELD b) {
  const FIELD p = FIELD_modulus();
  FIELD t = FIELD_zero();
  for (int i = 0; i < 8; i++) {
    u64 carry = 0;
    for (int j = 0; j < 8; j++) {
      carry += (u64)a.l[j] * b.l[i] + t.l[j];
      t.l[j] = (u32)carry;
      carry >>= 32;
    }
    const u64 top = carry;
    const u32 m = t.l[0] * FIELD_INV;
    carry = ((u64)m * p.l[0] + t.l[0]) >> 32;
    for (int j = 1; j < 8; j++) {
      carry += (u64)m * p.l[j] + t.l[j];
      t.l[j - 1] = (u32)carry;
      carry >>= 32;
    }
    t.l[7] = (u32)(top + carry);
  }
  return FIELD_reduce(t);
}

#endif

INLINE FIELD FIELD_sqr(FIELD a) { return FIELD_mul(a, a); }

INLINE FIELD FIELD_double(FIELD a) { return FIELD_add(a, a); }

INLINE FIELD FIELD_neg(FIELD a) { return FIELD_sub(FIELD_zero(), a); }

// For tests: out = a op b.
KERNEL(64) FIELD_operation(u32 count, u32 operation, GLOBAL const u32 *a, GLOBAL const u32 *b, GLOBAL u32 *out) {
  const u32 i = GLOBAL_ID;
  if (i >= count) return;
  const FIELD x = FIELD_load(a + 8 * i), y = FIELD_load(b + 8 * i);
  FIELD r;
  if (operation == 0) r = FIELD_add(x, y);
  else if (operation == 1) r = FIELD_sub(x, y);
  else if (operation == 2) r = FIELD_mul(x, y);
  else if (operation == 3) r = FIELD_sqr(x);
  else r = FIELD_neg(x);
  FIELD_store(out + 8 * i, r);
}

// For measurements: each value times its factor, so many times.
KERNEL(64) FIELD_products(u32 count, u32 times, GLOBAL u32 *values, GLOBAL const u32 *factors) {
  const u32 i = GLOBAL_ID;
  if (i >= count) return;
  FIELD x = FIELD_load(values + 8 * i);
  const FIELD y = FIELD_load(factors + 8 * i);
  ROLLED for (u32 k = 0; k < times; k++) x = FIELD_mul(x, y);
  FIELD_store(values + 8 * i, x);
}

// Fq2 = Fq[u] / (u^2 + 1): c0 + c1 u.

typedef struct { fq c0, c1; } fq2;

INLINE fq2 fq2_zero(void) { fq2 r; r.c0 = fq_zero(); r.c1 = fq_zero(); return r; }
INLINE fq2 fq2_one(void) { fq2 r; r.c0 = fq_one(); r.c1 = fq_zero(); return r; }
INLINE int fq2_is_zero(fq2 a) { return fq_is_zero(a.c0) && fq_is_zero(a.c1); }
INLINE int fq2_equal(fq2 a, fq2 b) { return fq_equal(a.c0, b.c0) && fq_equal(a.c1, b.c1); }
INLINE fq2 fq2_load(GLOBAL const u32 *from) { fq2 r; r.c0 = fq_load(from); r.c1 = fq_load(from + 8); return r; }
INLINE void fq2_store(GLOBAL u32 *to, fq2 a) { fq_store(to, a.c0); fq_store(to + 8, a.c1); }
INLINE fq2 fq2_add(fq2 a, fq2 b) { a.c0 = fq_add(a.c0, b.c0); a.c1 = fq_add(a.c1, b.c1); return a; }
INLINE fq2 fq2_sub(fq2 a, fq2 b) { a.c0 = fq_sub(a.c0, b.c0); a.c1 = fq_sub(a.c1, b.c1); return a; }
INLINE fq2 fq2_double(fq2 a) { return fq2_add(a, a); }
INLINE fq2 fq2_neg(fq2 a) { a.c0 = fq_neg(a.c0); a.c1 = fq_neg(a.c1); return a; }

// Karatsuba: three products. A call: inlined, an addition in G2 needs more registers than there are.
CALLED fq2 fq2_mul(fq2 a, fq2 b) {
  const fq low = fq_mul(a.c0, b.c0), high = fq_mul(a.c1, b.c1);
  const fq cross = fq_mul(fq_add(a.c0, a.c1), fq_add(b.c0, b.c1));
  fq2 r;
  r.c0 = fq_sub(low, high);
  r.c1 = fq_sub(fq_sub(cross, low), high);
  return r;
}

// (c0 + c1) (c0 - c1) and 2 c0 c1.
CALLED fq2 fq2_sqr(fq2 a) {
  fq2 r;
  r.c1 = fq_double(fq_mul(a.c0, a.c1));
  r.c0 = fq_mul(fq_add(a.c0, a.c1), fq_sub(a.c0, a.c1));
  return r;
}

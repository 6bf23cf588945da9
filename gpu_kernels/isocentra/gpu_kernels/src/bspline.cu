#include "gk.h"
// bspline.cu: cubic B-spline coefficients that interpolate a volume, one axis a call.
//
//   c(i) = Σ_{j=-TAPS..TAPS} √3 · z^|j| · v(mirror(i + j)),   z = √3 - 2
//
// the inverse of the filter (1, 4, 1)/6 (Unser, IEEE SPM 16 (1999) 22, box 2), cut where z^|j| is
// below float rounding (z^15 = 3e-9; the weights miss 1 by 7e-9): no recursion, so every voxel is independent on both devices.
// mirror: whole-sample symmetric about the first and the last voxel, as in resample.cu. A NaN
// spreads over TAPS voxels.
//
// v, c [outer][n][inner] float. bspline_axis: n is any axis but the fastest; lanes over `inner`.
// bspline_row: n is the fastest axis; a team loads its piece and TAPS voxels on both sides.
#define GK_TAPS 14
#define GK_HALO (GK_W + 2 * GK_TAPS)

GK_FN int gk_mirror(int i, int n) {          // any i; period 2(n-1)
  const int period = n > 1 ? 2 * (n - 1) : 1;
  int r = i % period;
  r = r < 0 ? r + period : r;
  return n > 1 ? (r > n - 1 ? period - r : r) : 0;
}
#define GK_TAP_0 1.7320508f                    // √3
#define GK_POLE -0.26794919f                   // √3 - 2

GK_KERNEL(bspline_axis, const float* __restrict__ v, float* __restrict__ c, int inner, int n, long long outer) {
  const int tiles = (inner + GK_W - 1) / GK_W;
  GK_TEAMS(t, outer * n * tiles) {
    const int tile = (int)(t % tiles), i = (int)((t / tiles) % n);
    const long long base = t / tiles / n * n * inner + (long long)tile * GK_W;
    const int w = inner - tile * GK_W < GK_W ? inner - tile * GK_W : GK_W;
    GK_PRIVATE(float, acc);
    float g = GK_TAP_0;
    const float* __restrict__ mid = v + base + (long long)i * inner;
    GK_LANES(l, w) GK_P(acc, l) = g * mid[l];
    for (int j = 1; j <= GK_TAPS; ++j) {
      g *= GK_POLE;
      const float* __restrict__ a = v + base + (long long)gk_mirror(i - j, n) * inner;
      const float* __restrict__ b = v + base + (long long)gk_mirror(i + j, n) * inner;
      GK_LANES(l, w) GK_P(acc, l) = gk_fma(g, a[l] + b[l], GK_P(acc, l));
    }
    float* __restrict__ o = c + base + (long long)i * inner;
    GK_LANES(l, w) o[l] = GK_P(acc, l);
  }
}
GK_KERNEL(bspline_row, const float* __restrict__ v, float* __restrict__ c, int n, long long rows) {
  const int tiles = (n + GK_W - 1) / GK_W;
  GK_TEAMS(t, rows * tiles) {
    GK_SHARED(float, s, GK_HALO);
    const int x0 = (int)(t % tiles) * GK_W;
    const float* __restrict__ a = v + t / tiles * n;
    float* __restrict__ o = c + t / tiles * n + x0;
    const int w = n - x0 < GK_W ? n - x0 : GK_W;
    GK_LANES(l, GK_W) {
      s[l] = a[gk_mirror(x0 - GK_TAPS + l, n)];
      if (l < 2 * GK_TAPS) s[GK_W + l] = a[gk_mirror(x0 - GK_TAPS + GK_W + l, n)];
    }
    GK_BARRIER();
    GK_PRIVATE(float, acc);
    float g = GK_TAP_0;
    GK_LANES(l, w) GK_P(acc, l) = g * s[l + GK_TAPS];
    for (int j = 1; j <= GK_TAPS; ++j) {
      g *= GK_POLE;
      GK_LANES(l, w) GK_P(acc, l) = gk_fma(g, s[l + GK_TAPS - j] + s[l + GK_TAPS + j], GK_P(acc, l));
    }
    GK_LANES(l, w) o[l] = GK_P(acc, l);
    GK_BARRIER();                              // s is loaded again by the next t
  }
}

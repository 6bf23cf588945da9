#include "gk.h"
// coverage.cu: share of each pixel inside a set of rings, from signed pieces of their edges.
//
//   coverage(x) = Σ_e h_e · mean over the piece of clamp(x + 1 - x_e(y), 0, 1)
//
// A piece e runs straight from x = xa to x = xb through a strip of height |h_e| inside one pixel row;
// h_e > 0 where the inside begins to its right, < 0 where it ends. The mean is the area of the pixel
// right of the piece; with u = x + 1 - x_e running from u0 to u1 it is, without cancellation,
//   ((q - p)(p + q)/2 + max(u1, 1) - max(u0, 1)) / (u1 - u0),  p, q = u0, u1 clamped to [0, 1].
//
// start [rows + 1]: pieces of row r are start[r] .. start[r+1]-1      xa, xb [pixel], 0 = left edge
// out   [rows][columns] float, 0 .. 1                                 h [pixel rows]
// double: the pieces of a row cancel to 1e-15 right of the polygon. A team does GK_W pixels of a row,
// its pieces in order, so sums do not depend on threads.
#define GK_UPRIGHT 1e-6                // narrower pieces [pixel] count as upright: at most 1.3e-7 off

GK_KERNEL(coverage_rows, const int* __restrict__ start, const double* __restrict__ xa,
          const double* __restrict__ xb, const double* __restrict__ h, float* __restrict__ out,
          int columns, int rows) {
  const int tiles = (columns + GK_W - 1) / GK_W;
  GK_TEAMS(t, (long long)rows * tiles) {
    const int x0 = (int)(t % tiles) * GK_W, row = (int)(t / tiles);
    const int w = columns - x0 < GK_W ? columns - x0 : GK_W;
    float* __restrict__ o = out + (long long)row * columns + x0;
    double whole = 0;                  // pieces left of all these pixels
    GK_PRIVATE(double, acc);
    GK_LANES(l, w) GK_P(acc, l) = 0;
    for (int e = start[row]; e < start[row + 1]; ++e) {
      double left = gk_mind(xa[e], xb[e]) - x0, right = gk_maxd(xa[e], xb[e]) - x0;
      const bool upright = right - left < GK_UPRIGHT;
      if (upright) left = right = 0.5 * (left + right);
      const double inverse = upright ? 0.0 : 1.0 / (right - left), share = upright ? 1.0 : 0.0;
      const double height = h[e];
      if (right <= 0) whole += height;
      else if (left < w) {
        GK_LANES(l, w) {
          const double u0 = (l + 1) - right, u1 = (l + 1) - left;
          const double p = gk_mind(gk_maxd(u0, 0.0), 1.0), q = gk_mind(gk_maxd(u1, 0.0), 1.0);
          const double beyond = gk_maxd(u1, 1.0) - gk_maxd(u0, 1.0);
          const double mean = ((q - p) * (p + q) * 0.5 + beyond) * inverse + share * p;
          GK_P(acc, l) += height * mean;
        }
      }
    }
    GK_LANES(l, w) o[l] = (float)gk_mind(gk_maxd(GK_P(acc, l) + whole, 0.0), 1.0);
  }
}

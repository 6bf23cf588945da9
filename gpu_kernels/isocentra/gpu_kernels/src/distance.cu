#include "gk.h"
// distance.cu: exact signed Euclidean distance on an anisotropic grid, one axis after another.
//
//   D(v) = min over voxels u of the other kind of |u - v|²,  stored as g = +D outside, -D inside
//   after x:      D is the distance within the row
//   after y or z: D(i) = min_j f(i + j) + (j·s)²,  f = D where voxel i + j is of i's kind, else 0
//
// Felzenszwalb & Huttenlocher, Theory of Computing 8 (2012) 415, eq. 2, with both signs at once: a
// voxel has only one distance that is not zero, so max(sign·g, 0) is f for either kind.
//
// mask [rows][nx] uint8, 0 = outside          g [mm²], the last axis with root != 0: [mm]
// s    spacing of the axis [mm]               cap2 [mm²]: larger values become cap2; inf: no bound
// The search runs outwards and stops when (j·s)² reaches the best so far. `low` holds the least
// possible f of each piece of a row (0 where it has both kinds), so pieces that cannot help are
// passed over: a lone voxel costs next to nothing. The minimum of the same floats is taken on both
// devices whatever was passed over, so the bits are equal.
// The least f that a piece gives to voxels of `kind` (+1, -1; 0 where the asking piece has both).
GK_FN float gk_possible(float kind, float low) { return gk_max(kind * low, 0.0f); }

#ifndef __CUDACC__
GK_FN float gk_largest(const float* __restrict__ b, int w) {  // of numbers >= 0, whose bits order as int
  int most = 0;
  for (int l = 0; l < w; ++l) {
    int v;
    __builtin_memcpy(&v, b + l, 4);
    most = v > most ? v : most;
  }
  float out;
  __builtin_memcpy(&out, &most, 4);
  return out;
}
GK_FN void gk_closer(float* __restrict__ b, const float* __restrict__ sign, const float* __restrict__ g, float qq, int w) {
  for (int l = 0; l < w; ++l) b[l] = gk_min(b[l], gk_max(sign[l] * g[l], 0.0f) + qq);
}
#endif

GK_KERNEL(distance_row, const unsigned char* __restrict__ mask, float* __restrict__ g, int nx,
          long long rows, float s, float cap2) {
  GK_TEAMS(t, (rows + GK_W - 1) / GK_W) {
    const int w = (int)(rows - t * GK_W < GK_W ? rows - t * GK_W : GK_W);
    GK_LANES(l, w) {                           // a lane does a row
      const unsigned char* __restrict__ m = mask + (t * GK_W + l) * nx;
      float* __restrict__ o = g + (t * GK_W + l) * nx;
      const int far = 1 << 24;                 // steps to a change that the row does not have
      int run = far;
      for (int x = 0; x < nx; ++x) {           // steps back to the last voxel of the other kind
        run = x > 0 && (m[x] != 0) != (m[x - 1] != 0) ? 1 : run + 1;
        o[x] = (float)run;
      }
      run = far;
      for (int x = nx - 1; x >= 0; --x) {      // and forth to the next
        run = x < nx - 1 && (m[x] != 0) != (m[x + 1] != 0) ? 1 : run + 1;
        const float n = gk_min((float)run, o[x]), d = n * s;
        const float d2 = n >= (float)far ? cap2 : gk_min(d * d, cap2);
        o[x] = m[x] != 0 ? -d2 : d2;
      }
    }
  }
}

// What a piece of a row can give at least: +min D where all its voxels are outside, -min D where all
// are inside, 0 where both kinds are present. g [rows][inner], low [rows][tiles]; a team does a piece.
GK_KERNEL(distance_low, const float* __restrict__ g, float* __restrict__ low, int inner, long long rows) {
  const int tiles = (inner + GK_W - 1) / GK_W;
  GK_TEAMS(t, rows * tiles) {
    GK_SHARED(float, least, GK_W);
    GK_SHARED(float, most, GK_W);
    const int tile = (int)(t % tiles);
    const int w = inner - tile * GK_W < GK_W ? inner - tile * GK_W : GK_W;
    const float* __restrict__ a = g + t / tiles * inner + (long long)tile * GK_W;
    const float fill = a[0];                   // the lanes beyond the row change nothing
    GK_LANES(l, GK_W) { least[l] = fill; most[l] = fill; }
    GK_LANES(l, w) { least[l] = a[l]; most[l] = a[l]; }
    GK_BARRIER();
    for (int h = GK_W / 2; h > 0; h /= 2) {
      GK_LANES(l, h) {
        least[l] = gk_min(least[l], least[l + h]);
        most[l] = gk_max(most[l], most[l + h]);
      }
      GK_BARRIER();
    }
    GK_LANES(l, 1) low[t] = least[l] > 0.0f ? least[l] : (most[l] < 0.0f ? most[l] : 0.0f);
    GK_BARRIER();                              // the arrays are used again by the next t
  }
}

// One axis of length n with voxels `inner` apart: g [outer][n][inner], low [outer][n][tiles].
GK_KERNEL(distance_axis, const float* __restrict__ g, const float* __restrict__ low,
          float* __restrict__ out, int inner, int n, long long outer, float s, int root) {
  const int tiles = (inner + GK_W - 1) / GK_W;
  GK_TEAMS(t, outer * n * tiles) {
    const int i = (int)(t % n), tile = (int)((t / n) % tiles);
    const long long block = t / n / tiles;
    const int w = inner - tile * GK_W < GK_W ? inner - tile * GK_W : GK_W;
    const long long at = (block * n + i) * inner + (long long)tile * GK_W;
    const float* __restrict__ c = g + at;
    const float* __restrict__ least = low + (block * n + i) * tiles + tile;
    float* __restrict__ o = out + at;
    const float kind = least[0] > 0.0f ? 1.0f : (least[0] < 0.0f ? -1.0f : 0.0f);
    const int up = n - 1 - i, far = i > up ? i : up;
#ifdef __CUDACC__
    GK_LANES(l, w) {
      const float sign = c[l] > 0.0f ? 1.0f : -1.0f;
      float b = sign * c[l];
      for (int j = 1; j <= far; ++j) {
        const float q = (float)j * s, qq = q * q;
        if (qq >= b) break;
        const long long step = (long long)j * inner, piece = (long long)j * tiles;
        if (j <= i && gk_possible(kind, least[-piece]) + qq < b) b = gk_min(b, gk_max(sign * c[l - step], 0.0f) + qq);
        if (j <= up && gk_possible(kind, least[piece]) + qq < b) b = gk_min(b, gk_max(sign * c[l + step], 0.0f) + qq);
      }
      o[l] = sign * (root ? gk_sqrt(b) : b);
    }
#else
    // The same candidates with the loops turned round: lanes inside, so that they vectorise.
    alignas(64) float b[GK_W], sign[GK_W];
    for (int l = 0; l < w; ++l) { sign[l] = c[l] > 0.0f ? 1.0f : -1.0f; b[l] = sign[l] * c[l]; }
    float worst = gk_largest(b, w);
    for (int j = 1; j <= far; ++j) {
      const float q = (float)j * s, qq = q * q;
      if (qq >= worst) break;
      const bool down = j <= i && gk_possible(kind, least[-(long long)j * tiles]) + qq < worst;
      const bool upward = j <= up && gk_possible(kind, least[(long long)j * tiles]) + qq < worst;
      if (down) gk_closer(b, sign, c - (long long)j * inner, qq, w);
      if (upward) gk_closer(b, sign, c + (long long)j * inner, qq, w);
      if (down || upward) worst = gk_largest(b, w);
    }
    if (root) for (int l = 0; l < w; ++l) o[l] = sign[l] * gk_sqrt(b[l]);
    else for (int l = 0; l < w; ++l) o[l] = sign[l] * b[l];
#endif
  }
}

// The CUDA branch of gk.h on host threads: 128 of them are a block, __syncthreads is a barrier.
// For tests: it runs the very text that a GPU gets, with one block that takes every team in turn,
// so that a barrier that is missing at the end of a team shows as well.
#pragma once
#include <pthread.h>

#include <cmath>
#include <cstring>
#include <thread>
#include <utility>
#include <vector>

#define __CUDACC__ 1
#define __global__ __attribute__((visibility("default")))
#define __device__
#define __forceinline__ inline
#define __shared__ static
#define __launch_bounds__(n)

struct Position {
  unsigned x;
};
static thread_local Position threadIdx{0}, blockIdx{0};
static const Position gridDim{1};
static pthread_barrier_t all_threads;
static inline void __syncthreads() { pthread_barrier_wait(&all_threads); }
static inline float __fmaf_rn(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
static inline float __fsqrt_rn(float a) { return __builtin_sqrtf(a); }

template <class... A, std::size_t... I>
void call(void (*kernel)(A...), void** a, std::index_sequence<I...>) {
  kernel(*static_cast<A*>(a[I])...);
}
template <class... A>
void run_block(void (*kernel)(A...), void** a, unsigned width) {
  pthread_barrier_init(&all_threads, nullptr, width);
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < width; ++t)
    threads.emplace_back([=] {
      threadIdx.x = t;
      call(kernel, a, std::index_sequence_for<A...>{});
    });
  for (auto& thread : threads) thread.join();
  pthread_barrier_destroy(&all_threads);
}

// What OpenCL C and CUDA C++ call by different names. Everything after this file is written in the words of this file.

#if defined(__CUDACC__) || defined(__CUDACC_RTC__)

typedef unsigned int u32;
typedef unsigned long long u64;
#define KERNEL(threads) extern "C" __global__ void __launch_bounds__(threads)
#define INLINE static __device__ __forceinline__
#define CALLED static __device__ __noinline__
#define GLOBAL
#define LOCAL __shared__
#define LOCAL_ID ((u32)threadIdx.x)
#define GROUP_ID ((u32)blockIdx.x)
#define GLOBAL_ID ((u32)(blockIdx.x * blockDim.x + threadIdx.x))
#define BARRIER __syncthreads()
#define ATOMIC_INC(place) atomicAdd((place), 1u)
#define ASM asm volatile
#define UNROLL _Pragma("unroll")
#define ROLLED _Pragma("unroll 1")
#define PTX

#else

typedef uint u32;
typedef ulong u64;
#define KERNEL(threads) __kernel __attribute__((reqd_work_group_size(threads, 1, 1))) void
#define GLOBAL __global
#define LOCAL __local
#define LOCAL_ID ((u32)get_local_id(0))
#define GROUP_ID ((u32)get_group_id(0))
#define GLOBAL_ID ((u32)get_global_id(0))
#define BARRIER barrier(CLK_LOCAL_MEM_FENCE)
#define ATOMIC_INC(place) atomic_inc((place))
#ifdef __NV_CL_C_VERSION
#define INLINE static inline
#define ASM __asm__ volatile
#define CALLED static __attribute__((noinline))
#define UNROLL _Pragma("unroll")
#define ROLLED _Pragma("unroll 1")
#define PTX
#else
// On processors that are no GPUs a call costs nothing beside a product, and inlining takes the compiler minutes.
#define INLINE static __attribute__((noinline))
#define CALLED static __attribute__((noinline))
#define UNROLL
#define ROLLED
#endif

#endif

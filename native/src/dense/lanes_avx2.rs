//! The vectors of `lanes` for AVX2 with FMA: two registers each.

use std::arch::x86_64::*;

use super::lanes::Lanes;

/// Writes the methods that are one intrinsic a register.
macro_rules! pairwise {
    ($($method:ident $intrinsic:ident ($($arg:ident),*);)*) => {
        $(#[inline(always)]
        unsafe fn $method(self, $($arg: Self),*) -> Self {
            // SAFETY: the caller vouches for the instruction set.
            unsafe { Self($intrinsic(self.0, $($arg.0),*), $intrinsic(self.1, $($arg.1),*)) }
        })*
    };
}

/// 16 f32 in two AVX registers.
#[derive(Clone, Copy)]
pub struct F32x8x2(__m256, __m256);

impl Lanes for F32x8x2 {
    type R = f32;
    /// The order inside a register, and whether the registers change places.
    type Flip = (__m256i, bool);
    #[inline(always)]
    unsafe fn load(at: *const f32) -> Self {
        // SAFETY: the caller has 16 numbers there.
        unsafe { Self(_mm256_loadu_ps(at), _mm256_loadu_ps(at.add(8))) }
    }
    #[inline(always)]
    unsafe fn store(self, at: *mut f32) {
        // SAFETY: the caller has 16 numbers there.
        unsafe {
            _mm256_storeu_ps(at, self.0);
            _mm256_storeu_ps(at.add(8), self.1);
        }
    }
    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        // SAFETY: the caller vouches for the instruction set.
        unsafe { Self(_mm256_set1_ps(x), _mm256_set1_ps(x)) }
    }
    pairwise! {
        add _mm256_add_ps(b);
        mul _mm256_mul_ps(b);
        fma _mm256_fmadd_ps(b, c);
        fnma _mm256_fnmadd_ps(b, c);
    }
    #[inline(always)]
    unsafe fn flip_by(mask: usize) -> (__m256i, bool) {
        let order: [i32; 8] = std::array::from_fn(|k| (k ^ (mask & 7)) as i32);
        // SAFETY: `order` is 32 readable bytes; the load takes any alignment.
        (unsafe { _mm256_loadu_si256(order.as_ptr().cast()) }, mask & 8 != 0)
    }
    #[inline(always)]
    unsafe fn flip(self, by: (__m256i, bool)) -> Self {
        let (a, b) = if by.1 { (self.1, self.0) } else { (self.0, self.1) };
        // SAFETY: the caller vouches for the instruction set.
        unsafe { Self(_mm256_permutevar8x32_ps(a, by.0), _mm256_permutevar8x32_ps(b, by.0)) }
    }
}

/// 8 f64 in two AVX registers.
#[derive(Clone, Copy)]
pub struct F64x4x2(__m256d, __m256d);

impl Lanes for F64x4x2 {
    type R = f64;
    /// The order inside a register (of 32-bit halves), and whether the registers change places.
    type Flip = (__m256i, bool);
    #[inline(always)]
    unsafe fn load(at: *const f64) -> Self {
        // SAFETY: the caller has 8 numbers there.
        unsafe { Self(_mm256_loadu_pd(at), _mm256_loadu_pd(at.add(4))) }
    }
    #[inline(always)]
    unsafe fn store(self, at: *mut f64) {
        // SAFETY: the caller has 8 numbers there.
        unsafe {
            _mm256_storeu_pd(at, self.0);
            _mm256_storeu_pd(at.add(4), self.1);
        }
    }
    #[inline(always)]
    unsafe fn splat(x: f64) -> Self {
        // SAFETY: the caller vouches for the instruction set.
        unsafe { Self(_mm256_set1_pd(x), _mm256_set1_pd(x)) }
    }
    pairwise! {
        add _mm256_add_pd(b);
        mul _mm256_mul_pd(b);
        fma _mm256_fmadd_pd(b, c);
        fnma _mm256_fnmadd_pd(b, c);
    }
    #[inline(always)]
    unsafe fn flip_by(mask: usize) -> (__m256i, bool) {
        let order: [i32; 8] = std::array::from_fn(|k| (k ^ ((mask & 3) << 1)) as i32);
        // SAFETY: `order` is 32 readable bytes; the load takes any alignment.
        (unsafe { _mm256_loadu_si256(order.as_ptr().cast()) }, mask & 4 != 0)
    }
    #[inline(always)]
    unsafe fn flip(self, by: (__m256i, bool)) -> Self {
        let (a, b) = if by.1 { (self.1, self.0) } else { (self.0, self.1) };
        // SAFETY: the caller vouches for the instruction set; the casts keep the bits.
        unsafe {
            let a = _mm256_permutevar8x32_ps(_mm256_castpd_ps(a), by.0);
            let b = _mm256_permutevar8x32_ps(_mm256_castpd_ps(b), by.0);
            Self(_mm256_castps_pd(a), _mm256_castps_pd(b))
        }
    }
}

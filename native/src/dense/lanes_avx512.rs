//! The vectors of `lanes` for AVX-512: one register each. Only compilers of Rust 1.89 and later have it (`build.rs`).
#![allow(clippy::incompatible_msrv)]

use std::arch::x86_64::*;

use super::lanes::Lanes;

/// Writes the methods that are one AVX-512 intrinsic.
macro_rules! single {
    ($($method:ident $intrinsic:ident ($($arg:ident),*);)*) => {
        $(#[inline(always)]
        unsafe fn $method(self, $($arg: Self),*) -> Self {
            // SAFETY: the caller vouches for the instruction set.
            unsafe { Self($intrinsic(self.0, $($arg.0),*)) }
        })*
    };
}

/// 16 f32 in an AVX-512 register.
#[derive(Clone, Copy)]
pub struct F32x16(__m512);

impl Lanes for F32x16 {
    type R = f32;
    type Flip = __m512i;
    #[inline(always)]
    unsafe fn load(at: *const f32) -> Self {
        // SAFETY: the caller has 16 numbers there.
        unsafe { Self(_mm512_loadu_ps(at)) }
    }
    #[inline(always)]
    unsafe fn store(self, at: *mut f32) {
        // SAFETY: the caller has 16 numbers there.
        unsafe { _mm512_storeu_ps(at, self.0) }
    }
    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        // SAFETY: the caller vouches for the instruction set.
        unsafe { Self(_mm512_set1_ps(x)) }
    }
    single! {
        add _mm512_add_ps(b);
        mul _mm512_mul_ps(b);
        fma _mm512_fmadd_ps(b, c);
        fnma _mm512_fnmadd_ps(b, c);
    }
    #[inline(always)]
    unsafe fn flip_by(mask: usize) -> __m512i {
        let order: [i32; 16] = std::array::from_fn(|k| (k ^ (mask & 15)) as i32);
        // SAFETY: `order` is 64 readable bytes; the load takes any alignment.
        unsafe { _mm512_loadu_si512(order.as_ptr().cast()) }
    }
    #[inline(always)]
    unsafe fn flip(self, by: __m512i) -> Self {
        // SAFETY: the caller vouches for the instruction set.
        unsafe { Self(_mm512_permutexvar_ps(by, self.0)) }
    }
}

/// 8 f64 in an AVX-512 register.
#[derive(Clone, Copy)]
pub struct F64x8(__m512d);

impl Lanes for F64x8 {
    type R = f64;
    type Flip = __m512i;
    #[inline(always)]
    unsafe fn load(at: *const f64) -> Self {
        // SAFETY: the caller has 8 numbers there.
        unsafe { Self(_mm512_loadu_pd(at)) }
    }
    #[inline(always)]
    unsafe fn store(self, at: *mut f64) {
        // SAFETY: the caller has 8 numbers there.
        unsafe { _mm512_storeu_pd(at, self.0) }
    }
    #[inline(always)]
    unsafe fn splat(x: f64) -> Self {
        // SAFETY: the caller vouches for the instruction set.
        unsafe { Self(_mm512_set1_pd(x)) }
    }
    single! {
        add _mm512_add_pd(b);
        mul _mm512_mul_pd(b);
        fma _mm512_fmadd_pd(b, c);
        fnma _mm512_fnmadd_pd(b, c);
    }
    #[inline(always)]
    unsafe fn flip_by(mask: usize) -> __m512i {
        let order: [i64; 8] = std::array::from_fn(|k| (k ^ (mask & 7)) as i64);
        // SAFETY: `order` is 64 readable bytes; the load takes any alignment.
        unsafe { _mm512_loadu_si512(order.as_ptr().cast()) }
    }
    #[inline(always)]
    unsafe fn flip(self, by: __m512i) -> Self {
        // SAFETY: the caller vouches for the instruction set.
        unsafe { Self(_mm512_permutexvar_pd(by, self.0)) }
    }
}

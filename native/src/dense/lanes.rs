//! Vectors of real numbers, as wide as the blocks of a state: 16 of f32, 8 of f64 (64 bytes either way).
//!
//! A kernel is written once over `Lanes` and compiled for AVX-512, for AVX2 with FMA and for any machine. The methods
//! are `unsafe` because those of an instruction set may run only where it was found; `isa` is where that is decided.

use std::ops::{Add, Mul, Neg, Sub};

/// f32 or f64.
pub trait Real:
    Copy
    + Send
    + Sync
    + Default
    + PartialEq
    + 'static
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Neg<Output = Self>
{
    /// Lanes of a vector.
    const W: usize;
    /// log2 of `W`: as many of the lowest bits of an index are lanes.
    const LANE_BITS: u32;
    /// The vectors of each level of `isa`.
    type Portable: Lanes<R = Self>;
    #[cfg(target_arch = "x86_64")]
    type Avx2: Lanes<R = Self>;
    #[cfg(all(target_arch = "x86_64", avx512_stable))]
    type Avx512: Lanes<R = Self>;
    fn of(x: f64) -> Self;
    fn f64(self) -> f64;
}

impl Real for f32 {
    const W: usize = 16;
    const LANE_BITS: u32 = 4;
    type Portable = Plain<f32, 16>;
    #[cfg(target_arch = "x86_64")]
    type Avx2 = super::lanes_avx2::F32x8x2;
    #[cfg(all(target_arch = "x86_64", avx512_stable))]
    type Avx512 = super::lanes_avx512::F32x16;
    #[inline(always)]
    fn of(x: f64) -> f32 {
        x as f32
    }
    #[inline(always)]
    fn f64(self) -> f64 {
        self as f64
    }
}

impl Real for f64 {
    const W: usize = 8;
    const LANE_BITS: u32 = 3;
    type Portable = Plain<f64, 8>;
    #[cfg(target_arch = "x86_64")]
    type Avx2 = super::lanes_avx2::F64x4x2;
    #[cfg(all(target_arch = "x86_64", avx512_stable))]
    type Avx512 = super::lanes_avx512::F64x8;
    #[inline(always)]
    fn of(x: f64) -> f64 {
        x
    }
    #[inline(always)]
    fn f64(self) -> f64 {
        self
    }
}

/// `R::W` numbers.
///
/// # Safety
/// `load` and `store` need `R::W` numbers at the address, aligned for `R`; every method needs the instruction set of
/// its type.
pub trait Lanes: Copy {
    type R: Real;
    /// How `flip` is told which lanes to exchange.
    type Flip: Copy;
    unsafe fn load(at: *const Self::R) -> Self;
    unsafe fn store(self, at: *mut Self::R);
    unsafe fn splat(x: Self::R) -> Self;
    unsafe fn add(self, b: Self) -> Self;
    unsafe fn mul(self, b: Self) -> Self;
    /// `self * b + c`
    unsafe fn fma(self, b: Self, c: Self) -> Self;
    /// `c - self * b`
    unsafe fn fnma(self, b: Self, c: Self) -> Self;
    /// Lane j of a flipped vector is lane `j ^ mask`; `mask < R::W`.
    unsafe fn flip_by(mask: usize) -> Self::Flip;
    unsafe fn flip(self, by: Self::Flip) -> Self;
}

/// Plain Rust, for machines without the vector units below; `N` is `R::W`.
#[derive(Clone, Copy)]
pub struct Plain<R, const N: usize>([R; N]);

impl<R: Real, const N: usize> Lanes for Plain<R, N> {
    type R = R;
    type Flip = usize;
    #[inline(always)]
    unsafe fn load(at: *const R) -> Self {
        // SAFETY: the caller has N numbers there.
        Plain(unsafe { *at.cast::<[R; N]>() })
    }
    #[inline(always)]
    unsafe fn store(self, at: *mut R) {
        // SAFETY: the caller has N numbers there.
        unsafe { *at.cast::<[R; N]>() = self.0 }
    }
    #[inline(always)]
    unsafe fn splat(x: R) -> Self {
        Plain([x; N])
    }
    #[inline(always)]
    unsafe fn add(self, b: Self) -> Self {
        Plain(std::array::from_fn(|k| self.0[k] + b.0[k]))
    }
    #[inline(always)]
    unsafe fn mul(self, b: Self) -> Self {
        Plain(std::array::from_fn(|k| self.0[k] * b.0[k]))
    }
    #[inline(always)]
    unsafe fn fma(self, b: Self, c: Self) -> Self {
        Plain(std::array::from_fn(|k| self.0[k] * b.0[k] + c.0[k]))
    }
    #[inline(always)]
    unsafe fn fnma(self, b: Self, c: Self) -> Self {
        Plain(std::array::from_fn(|k| c.0[k] - self.0[k] * b.0[k]))
    }
    #[inline(always)]
    unsafe fn flip_by(mask: usize) -> usize {
        mask
    }
    #[inline(always)]
    unsafe fn flip(self, by: usize) -> Self {
        Plain(std::array::from_fn(|k| self.0[k ^ (by & (N - 1))]))
    }
}

//! Which instruction set runs the kernels: found once, at run time.

use std::ops::Range;
use std::sync::OnceLock;

use super::kernels::{self, Feed, Span};
use super::kernels_adjoint::{self, Flipped};
use super::lanes::{Lanes, Real};

/// The kernels for states of `R`.
///
/// # Safety
/// As the functions of `kernels` and `kernels_adjoint`; the instruction set must be there.
pub trait Isa<R: Real>: 'static {
    unsafe fn block<const CS: bool, const CM: bool, const VEC: bool, const K: usize, const L: usize>(
        data: *mut R,
        coefs: *const R,
        span: &Span,
        feed: &mut Feed,
    );
    unsafe fn product<const CS: bool>(a: *const R, b: *const R, out: *mut R, blocks: usize);
    unsafe fn multiply_scaled<const CS: bool>(row: *mut R, table: *const R, re: R, im: R, blocks: usize);
    unsafe fn multiply<const CS: bool>(row: *mut R, table: *const R, blocks: usize);
    unsafe fn scale<const CS: bool>(row: *mut R, re: R, im: R, blocks: usize);
    unsafe fn weigh(data: *const R, vectors: usize, sums: &mut [f64; 16]);
    unsafe fn transitions<const CS: bool, const K: usize, const L: usize>(
        left: *const R,
        right: *const R,
        span: &Span,
        out: *mut R,
    );
    unsafe fn add_paulis<const CS: bool>(to: *mut R, from: *const R, blocks: Range<usize>, strings: &Flipped<R>);
}

/// An instruction set of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(all(target_arch = "x86_64", avx512_stable))]
    Avx512,
}

/// The best level that this machine has.
pub fn level() -> Level {
    static FOUND: OnceLock<Level> = OnceLock::new();
    *FOUND.get_or_init(|| available().pop().unwrap_or(Level::Portable))
}

/// All levels that this machine has, the best last.
pub fn available() -> Vec<Level> {
    #[allow(unused_mut)]
    let mut found = vec![Level::Portable];
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        found.push(Level::Avx2);
        #[cfg(avx512_stable)]
        if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq") {
            found.push(Level::Avx512);
        }
    }
    found
}

/// Declares a marker type and its kernels for f32 and f64, compiled with the given features.
macro_rules! isa {
    ($(#[$gate:meta])* $name:ident, $module:ident, [$($feature:literal)?]) => {
        $(#[$gate])*
        pub struct $name;

        $(#[$gate])*
        mod $module {
            use super::*;
            $(#[target_feature(enable = $feature)])?
            pub unsafe fn block<
                V: Lanes,
                const CS: bool,
                const CM: bool,
                const VEC: bool,
                const K: usize,
                const L: usize,
            >(data: *mut V::R, coefs: *const V::R, span: &Span, feed: &mut Feed) {
                // SAFETY: handed on from the caller.
                unsafe { kernels::block::<V, CS, CM, VEC, K, L>(data, coefs, span, feed) }
            }
            $(#[target_feature(enable = $feature)])?
            pub unsafe fn product<V: Lanes, const CS: bool>(
                a: *const V::R,
                b: *const V::R,
                out: *mut V::R,
                blocks: usize,
            ) {
                // SAFETY: handed on from the caller.
                unsafe { kernels::product::<V, CS>(a, b, out, blocks) }
            }
            $(#[target_feature(enable = $feature)])?
            pub unsafe fn multiply_scaled<V: Lanes, const CS: bool>(
                row: *mut V::R,
                table: *const V::R,
                re: V::R,
                im: V::R,
                blocks: usize,
            ) {
                // SAFETY: handed on from the caller.
                unsafe { kernels::multiply_scaled::<V, CS>(row, table, re, im, blocks) }
            }
            $(#[target_feature(enable = $feature)])?
            pub unsafe fn multiply<V: Lanes, const CS: bool>(
                row: *mut V::R,
                table: *const V::R,
                blocks: usize,
            ) {
                // SAFETY: handed on from the caller.
                unsafe { kernels::multiply::<V, CS>(row, table, blocks) }
            }
            $(#[target_feature(enable = $feature)])?
            pub unsafe fn scale<V: Lanes, const CS: bool>(
                row: *mut V::R,
                re: V::R,
                im: V::R,
                blocks: usize,
            ) {
                // SAFETY: handed on from the caller.
                unsafe { kernels::scale::<V, CS>(row, re, im, blocks) }
            }
            $(#[target_feature(enable = $feature)])?
            pub unsafe fn weigh<V: Lanes>(
                data: *const V::R,
                vectors: usize,
                sums: &mut [f64; 16],
            ) {
                // SAFETY: handed on from the caller.
                unsafe { kernels::weigh::<V>(data, vectors, sums) }
            }
            $(#[target_feature(enable = $feature)])?
            pub unsafe fn transitions<V: Lanes, const CS: bool, const K: usize, const L: usize>(
                left: *const V::R,
                right: *const V::R,
                span: &Span,
                out: *mut V::R,
            ) {
                // SAFETY: handed on from the caller.
                unsafe { kernels_adjoint::transitions::<V, CS, K, L>(left, right, span, out) }
            }
            $(#[target_feature(enable = $feature)])?
            pub unsafe fn add_paulis<V: Lanes, const CS: bool>(
                to: *mut V::R,
                from: *const V::R,
                blocks: Range<usize>,
                strings: &Flipped<V::R>,
            ) {
                // SAFETY: handed on from the caller.
                unsafe { kernels_adjoint::add_paulis::<V, CS>(to, from, blocks, strings) }
            }
        }

        $(#[$gate])*
        impl<R: Real> Isa<R> for $name {
            #[inline(always)]
            unsafe fn block<const CS: bool, const CM: bool, const VEC: bool, const K: usize, const L: usize>(
                data: *mut R,
                coefs: *const R,
                span: &Span,
                feed: &mut Feed,
            ) {
                // SAFETY: handed on from the caller.
                unsafe { $module::block::<R::$name, CS, CM, VEC, K, L>(data, coefs, span, feed) }
            }
            #[inline(always)]
            unsafe fn product<const CS: bool>(a: *const R, b: *const R, out: *mut R, blocks: usize) {
                // SAFETY: handed on from the caller.
                unsafe { $module::product::<R::$name, CS>(a, b, out, blocks) }
            }
            #[inline(always)]
            unsafe fn multiply_scaled<const CS: bool>(
                row: *mut R,
                table: *const R,
                re: R,
                im: R,
                blocks: usize,
            ) {
                // SAFETY: handed on from the caller.
                unsafe { $module::multiply_scaled::<R::$name, CS>(row, table, re, im, blocks) }
            }
            #[inline(always)]
            unsafe fn multiply<const CS: bool>(row: *mut R, table: *const R, blocks: usize) {
                // SAFETY: handed on from the caller.
                unsafe { $module::multiply::<R::$name, CS>(row, table, blocks) }
            }
            #[inline(always)]
            unsafe fn scale<const CS: bool>(row: *mut R, re: R, im: R, blocks: usize) {
                // SAFETY: handed on from the caller.
                unsafe { $module::scale::<R::$name, CS>(row, re, im, blocks) }
            }
            #[inline(always)]
            unsafe fn weigh(data: *const R, vectors: usize, sums: &mut [f64; 16]) {
                // SAFETY: handed on from the caller.
                unsafe { $module::weigh::<R::$name>(data, vectors, sums) }
            }
            #[inline(always)]
            unsafe fn transitions<const CS: bool, const K: usize, const L: usize>(
                left: *const R,
                right: *const R,
                span: &Span,
                out: *mut R,
            ) {
                // SAFETY: handed on from the caller.
                unsafe { $module::transitions::<R::$name, CS, K, L>(left, right, span, out) }
            }
            #[inline(always)]
            unsafe fn add_paulis<const CS: bool>(
                to: *mut R,
                from: *const R,
                blocks: Range<usize>,
                strings: &Flipped<R>,
            ) {
                // SAFETY: handed on from the caller.
                unsafe { $module::add_paulis::<R::$name, CS>(to, from, blocks, strings) }
            }
        }
    };
}

isa!(Portable, portable, []);
isa!(
    #[cfg(target_arch = "x86_64")]
    Avx2,
    avx2,
    ["avx2,fma"]
);
isa!(
    #[cfg(all(target_arch = "x86_64", avx512_stable))]
    Avx512,
    avx512,
    ["avx512f,avx512dq,avx2,fma"]
);

/// Runs `$body` with `$isa` standing for the kernels of `$level`.
macro_rules! with_isa {
    ($level:expr, $isa:ident => $body:expr) => {
        match $level {
            $crate::dense::isa::Level::Portable => {
                type $isa = $crate::dense::isa::Portable;
                $body
            }
            #[cfg(target_arch = "x86_64")]
            $crate::dense::isa::Level::Avx2 => {
                type $isa = $crate::dense::isa::Avx2;
                $body
            }
            #[cfg(all(target_arch = "x86_64", avx512_stable))]
            $crate::dense::isa::Level::Avx512 => {
                type $isa = $crate::dense::isa::Avx512;
                $body
            }
        }
    };
}
pub(crate) use with_isa;

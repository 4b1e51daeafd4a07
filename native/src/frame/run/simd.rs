//! Loops for the vector units that the machine has: one body, compiled per instruction set, chosen at run time.

/// `simd!(fn name(args) body)`: `body` compiled for the baseline and for AVX2 with FMA. In the body, `fma!` style
/// contraction is `mul::<F>(a, b, c)` = a * b + c.
macro_rules! simd {
    ($(#[$doc:meta])* $vis:vis fn $name:ident($($arg:ident: $type:ty),* $(,)?) $(-> $out:ty)? $body:block) => {
        $(#[$doc])*
        #[inline]
        #[allow(clippy::too_many_arguments)]
        $vis fn $name($($arg: $type),*) $(-> $out)? {
            #[inline(always)]
            #[allow(clippy::too_many_arguments)]
            fn portable<const F: bool>($($arg: $type),*) $(-> $out)? $body
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma,popcnt,bmi1,bmi2")]
                #[allow(clippy::too_many_arguments)]
                unsafe fn wide($($arg: $type),*) $(-> $out)? {
                    portable::<true>($($arg),*)
                }
                if super::simd::is_wide() {
                    // SAFETY: the features that `wide` is compiled for are there.
                    return unsafe { wide($($arg),*) };
                }
            }
            portable::<false>($($arg),*)
        }
    };
}

pub(super) use simd;

/// Whether the machine has all that the wide versions are compiled for.
#[cfg(target_arch = "x86_64")]
#[inline]
pub fn is_wide() -> bool {
    use std::arch::is_x86_feature_detected as has;
    has!("avx2") && has!("fma") && has!("popcnt") && has!("bmi1") && has!("bmi2")
}

/// a * b + c; in one rounding where that is one instruction.
#[inline(always)]
pub fn mul<const F: bool>(a: f32, b: f32, c: f32) -> f32 {
    if F {
        a.mul_add(b, c)
    } else {
        a * b + c
    }
}

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
                #[target_feature(enable = "avx2,fma")]
                #[allow(clippy::too_many_arguments)]
                unsafe fn wide($($arg: $type),*) $(-> $out)? {
                    portable::<true>($($arg),*)
                }
                if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
                    // SAFETY: the features that `wide` is compiled for are there.
                    return unsafe { wide($($arg),*) };
                }
            }
            portable::<false>($($arg),*)
        }
    };
}

pub(super) use simd;

/// a * b + c; in one rounding where that is one instruction.
#[inline(always)]
pub fn mul<const F: bool>(a: f32, b: f32, c: f32) -> f32 {
    if F {
        a.mul_add(b, c)
    } else {
        a * b + c
    }
}

//! Subnormal numbers off: in states near a basis state most amplitudes are products of rounding errors, soon below
//! 1e-38, and arithmetic with those takes a hundred times as long.

/// While it lives, vector arithmetic of this thread takes subnormal inputs for 0 and gives 0 for subnormal results.
pub struct Flushed {
    #[cfg(target_arch = "x86_64")]
    before: u32,
}

#[cfg(target_arch = "x86_64")]
const FLUSH_TO_ZERO: u32 = 1 << 15;
#[cfg(target_arch = "x86_64")]
const SUBNORMALS_ARE_ZERO: u32 = 1 << 6;

impl Flushed {
    #[cfg(target_arch = "x86_64")]
    pub fn new() -> Flushed {
        let mut before = 0u32;
        // SAFETY: stores the control register of SSE, which every x86-64 has, into `before`. (The register keeps its
        // rounding mode and its masks; the two bits that `load` adds change nothing but results below 1e-38, which
        // differ from 0 by less than any error bound of a state, and `drop` takes them back.)
        unsafe { std::arch::asm!("stmxcsr [{}]", in(reg) &mut before, options(nostack, preserves_flags)) };
        load(before | FLUSH_TO_ZERO | SUBNORMALS_ARE_ZERO);
        Flushed { before }
    }

    #[cfg(not(target_arch = "x86_64"))]
    pub fn new() -> Flushed {
        Flushed {}
    }
}

#[cfg(target_arch = "x86_64")]
fn load(control: u32) {
    // SAFETY: the value came from the register itself, with at most the two bits above added, so it is a valid one.
    unsafe { std::arch::asm!("ldmxcsr [{}]", in(reg) &control, options(nostack, preserves_flags, readonly)) };
}

#[cfg(target_arch = "x86_64")]
impl Drop for Flushed {
    fn drop(&mut self) {
        load(self.before);
    }
}

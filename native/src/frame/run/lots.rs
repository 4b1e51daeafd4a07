//! Many random numbers at once: eight xoshiro256++ streams side by side, so that the compiler uses vector units.

use crate::dice::Dice;

pub struct Lots([[u64; 8]; 4]);

impl Lots {
    pub fn new(dice: &mut Dice) -> Lots {
        Lots(std::array::from_fn(|_| std::array::from_fn(|_| dice.bits())))
    }

    #[inline]
    fn step(&mut self) -> [u64; 8] {
        let s = &mut self.0;
        let mut out = [0; 8];
        for k in 0..8 {
            out[k] = s[0][k].wrapping_add(s[3][k]).rotate_left(23).wrapping_add(s[0][k]);
            let t = s[1][k] << 17;
            s[2][k] ^= s[0][k];
            s[3][k] ^= s[1][k];
            s[1][k] ^= s[2][k];
            s[0][k] ^= s[3][k];
            s[2][k] ^= t;
            s[3][k] = s[3][k].rotate_left(45);
        }
        out
    }

    /// 64 numbers of 32 bits.
    #[inline]
    pub fn word(&mut self) -> [u32; 64] {
        let mut out = [0; 64];
        for chunk in out.chunks_exact_mut(16) {
            let bits = self.step();
            for k in 0..8 {
                chunk[k] = bits[k] as u32;
                chunk[k + 8] = (bits[k] >> 32) as u32;
            }
        }
        out
    }
}

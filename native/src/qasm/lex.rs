//! Where blank space, comments and names end in a text that is valid UTF-8.

use super::Declined;

const SPACE: u8 = 1;
const NAME: u8 = 2;
const DIGIT: u8 = 4;

const CLASS: [u8; 256] = {
    let mut table = [0u8; 256];
    let mut c = 0;
    while c < 128 {
        let byte = c as u8;
        if byte == b' ' || (byte >= 9 && byte <= 13) {
            table[c] = SPACE;
        } else if byte == b'_' || byte.is_ascii_alphabetic() {
            table[c] = NAME;
        } else if byte.is_ascii_digit() {
            table[c] = DIGIT;
        }
        c += 1;
    }
    table
};

#[inline]
pub fn is_space(byte: u8) -> bool {
    CLASS[byte as usize] & SPACE != 0
}

#[inline]
pub fn is_digit(byte: u8) -> bool {
    CLASS[byte as usize] & DIGIT != 0
}

/// Begins an ASCII name.
#[inline]
pub fn is_letter(byte: u8) -> bool {
    CLASS[byte as usize] & NAME != 0
}

/// Continues a name; a byte beyond ASCII must be looked at by `letter_beyond`.
#[inline]
pub fn is_word(byte: u8) -> bool {
    CLASS[byte as usize] & (NAME | DIGIT) != 0
}

/// The length of the letter beyond ASCII at `at`, 0 when none that every Unicode version calls a letter stands there.
fn letter_beyond(text: &[u8], at: usize) -> usize {
    let pair = (text[at], text.get(at + 1).copied().unwrap_or(0));
    let code = match pair {
        (0xC3..=0xDF, low) => ((pair.0 as u32 & 0x1F) << 6) | (low as u32 & 0x3F),
        (0xE2, 0x84) if text.get(at + 2) == Some(&0x87) => return 3, // Euler's constant
        _ => return 0,
    };
    let latin = (0xC0..=0x24F).contains(&code) && code != 0xD7 && code != 0xF7;
    let greek = (0x391..=0x3A1).contains(&code) || (0x3A3..=0x3FF).contains(&code) && code != 0x3F6;
    if latin || greek {
        2
    } else {
        0
    }
}

/// Where the blank space and comments at `at` end.
#[inline]
pub fn skip(text: &[u8], mut at: usize) -> Result<usize, Declined> {
    loop {
        match text.get(at) {
            Some(&c) if is_space(c) => at += 1,
            Some(b'/') if matches!(text.get(at + 1), Some(b'/' | b'*')) => at = comment(text, at)?,
            _ => return Ok(at),
        }
    }
}

#[cold]
fn comment(text: &[u8], at: usize) -> Result<usize, Declined> {
    if text[at + 1] == b'/' {
        return Ok(text[at..].iter().position(|&c| c == b'\n').map_or(text.len(), |k| at + k));
    }
    match text[at + 2..].windows(2).position(|pair| pair == b"*/") {
        Some(k) => Ok(at + k + 4),
        None => Err(Declined::at(at, "the comment is never closed")),
    }
}

/// Where the name at `at` ends; `at` itself when none begins there.
#[inline]
pub fn name_end(text: &[u8], at: usize) -> usize {
    let mut end = at;
    match text.get(at) {
        Some(&c) if is_letter(c) => end += 1,
        Some(&c) if c >= 0x80 => match letter_beyond(text, at) {
            0 => return at,
            n => end += n,
        },
        _ => return at,
    }
    loop {
        match text.get(end) {
            Some(&c) if is_word(c) => end += 1,
            Some(&c) if c >= 0x80 => match letter_beyond(text, end) {
                0 => return end,
                n => end += n,
            },
            _ => return end,
        }
    }
}

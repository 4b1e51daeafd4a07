//! Tokens of OpenQASM 2 and 3, read in place from the text; nothing is copied.

use super::Declined;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tok {
    End,
    Name,
    Number,
    /// A bit string or file name, quotes included.
    Text,
    Hardware,
    /// `#pragma` or `#dim`.
    Hash,
    /// An assignment that also operates, such as `+=`.
    Compound,
    Arrow,
    Join,
    Power,
    Left,
    Right,
    AtMost,
    AtLeast,
    Same,
    Differs,
    AndAlso,
    OrElse,
    Plus,
    Minus,
    Star,
    Slash,
    Percent,
    And,
    Or,
    Caret,
    Tilde,
    Less,
    More,
    Not,
    Assign,
    Semi,
    Colon,
    Comma,
    Dot,
    At,
    Open,
    Close,
    OpenSquare,
    CloseSquare,
    OpenBrace,
    CloseBrace,
}

/// One token of lookahead over a text that is valid UTF-8.
pub struct Lexer<'a> {
    pub text: &'a [u8],
    pub tok: Tok,
    /// Where the current token begins and ends.
    pub start: usize,
    pub end: usize,
}

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

/// Where the number at `at` ends: the caller saw a digit, or a point before one.
fn number_end(text: &[u8], at: usize) -> usize {
    let run = |from: usize, good: &dyn Fn(u8) -> bool| {
        text[from..].iter().position(|&c| !good(c) && c != b'_').map_or(text.len(), |k| from + k)
    };
    let radix: Option<fn(&u8) -> bool> = match (text[at], text.get(at + 1)) {
        (b'0', Some(b'x' | b'X')) => Some(u8::is_ascii_hexdigit),
        (b'0', Some(b'o' | b'O')) => Some(|c| (b'0'..=b'7').contains(c)),
        (b'0', Some(b'b' | b'B')) => Some(|c| matches!(c, b'0' | b'1')),
        _ => None,
    };
    if let Some(good) = radix {
        let end = run(at + 2, &|c| good(&c));
        if end > at + 2 {
            return end;
        }
    }
    let mut end = at;
    if is_digit(text[at]) {
        end = run(at, &is_digit);
    }
    if text.get(end) == Some(&b'.') {
        end += 1;
        if text.get(end).is_some_and(|&c| is_digit(c)) {
            end = run(end, &is_digit);
        }
    }
    if matches!(text.get(end), Some(b'e' | b'E')) {
        let sign = matches!(text.get(end + 1), Some(b'+' | b'-')) as usize;
        let digits = end + 1 + sign;
        if text.get(digits).is_some_and(|&c| is_digit(c)) {
            end = text[digits..].iter().position(|&c| !is_digit(c)).map_or(text.len(), |k| digits + k);
        }
    }
    end
}

impl<'a> Lexer<'a> {
    pub fn new(text: &'a [u8]) -> Lexer<'a> {
        Lexer { text, tok: Tok::End, start: 0, end: 0 }
    }

    /// The current token's bytes.
    #[inline]
    pub fn word(&self) -> &'a [u8] {
        &self.text[self.start..self.end]
    }

    /// Makes the token at or after `at` current.
    pub fn seek(&mut self, at: usize) -> Result<(), Declined> {
        self.end = at;
        self.advance()
    }

    pub fn advance(&mut self) -> Result<(), Declined> {
        let at = skip(self.text, self.end)?;
        self.start = at;
        let Some(&c) = self.text.get(at) else {
            (self.tok, self.end) = (Tok::End, at);
            return Ok(());
        };
        if is_letter(c) || c >= 0x80 {
            self.end = name_end(self.text, at);
            self.tok = Tok::Name;
            return if self.end > at { Ok(()) } else { Err(Declined::at(at, "a character beyond ASCII")) };
        }
        if is_digit(c) || (c == b'.' && self.text.get(at + 1).is_some_and(|&d| is_digit(d))) {
            self.end = number_end(self.text, at);
            self.tok = Tok::Number;
            return Ok(());
        }
        self.other(at, c)
    }

    fn other(&mut self, at: usize, c: u8) -> Result<(), Declined> {
        match c {
            b'"' | b'\'' => {
                let rest = &self.text[at + 1..];
                match rest.iter().position(|&d| d == c || d == b'\n') {
                    Some(k) if rest[k] == c => (self.tok, self.end) = (Tok::Text, at + k + 2),
                    _ => return Err(Declined::at(at, "the string is not closed on its line")),
                }
            }
            b'$' => {
                let digits = self.text[at + 1..].iter().take_while(|&&d| is_digit(d)).count();
                if digits == 0 {
                    return Err(Declined::at(at, "'$' without a number"));
                }
                (self.tok, self.end) = (Tok::Hardware, at + 1 + digits);
            }
            b'#' => {
                let end = name_end(self.text, at + 1);
                (self.tok, self.end) = (Tok::Hash, end.max(at + 1));
            }
            _ => {
                let (tok, length) = operator(c, self.text.get(at + 1).copied(), self.text.get(at + 2).copied())
                    .ok_or(Declined::at(at, "a character without meaning"))?;
                (self.tok, self.end) = (tok, at + length);
            }
        }
        Ok(())
    }
}

fn operator(c: u8, next: Option<u8>, third: Option<u8>) -> Option<(Tok, usize)> {
    let one = |tok| Some((tok, 1));
    let two = |tok| Some((tok, 2));
    match (c, next) {
        (b'*', Some(b'*')) if third == Some(b'=') => Some((Tok::Compound, 3)),
        (b'<', Some(b'<')) if third == Some(b'=') => Some((Tok::Compound, 3)),
        (b'>', Some(b'>')) if third == Some(b'=') => Some((Tok::Compound, 3)),
        (b'-', Some(b'>')) => two(Tok::Arrow),
        (b'+', Some(b'+')) => two(Tok::Join),
        (b'*', Some(b'*')) => two(Tok::Power),
        (b'<', Some(b'<')) => two(Tok::Left),
        (b'>', Some(b'>')) => two(Tok::Right),
        (b'<', Some(b'=')) => two(Tok::AtMost),
        (b'>', Some(b'=')) => two(Tok::AtLeast),
        (b'=', Some(b'=')) => two(Tok::Same),
        (b'!', Some(b'=')) => two(Tok::Differs),
        (b'&', Some(b'&')) => two(Tok::AndAlso),
        (b'|', Some(b'|')) => two(Tok::OrElse),
        (b'-' | b'+' | b'*' | b'/' | b'%' | b'&' | b'|' | b'^' | b'~', Some(b'=')) => two(Tok::Compound),
        (b'-', _) => one(Tok::Minus),
        (b'+', _) => one(Tok::Plus),
        (b'*', _) => one(Tok::Star),
        (b'/', _) => one(Tok::Slash),
        (b'%', _) => one(Tok::Percent),
        (b'&', _) => one(Tok::And),
        (b'|', _) => one(Tok::Or),
        (b'^', _) => one(Tok::Caret),
        (b'~', _) => one(Tok::Tilde),
        (b'<', _) => one(Tok::Less),
        (b'>', _) => one(Tok::More),
        (b'!', _) => one(Tok::Not),
        (b'=', _) => one(Tok::Assign),
        (b';', _) => one(Tok::Semi),
        (b':', _) => one(Tok::Colon),
        (b',', _) => one(Tok::Comma),
        (b'.', _) => one(Tok::Dot),
        (b'@', _) => one(Tok::At),
        (b'(', _) => one(Tok::Open),
        (b')', _) => one(Tok::Close),
        (b'[', _) => one(Tok::OpenSquare),
        (b']', _) => one(Tok::CloseSquare),
        (b'{', _) => one(Tok::OpenBrace),
        (b'}', _) => one(Tok::CloseBrace),
        _ => None,
    }
}

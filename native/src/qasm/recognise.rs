//! Telling OpenQASM 2 from OpenQASM 3 by the version statement, or else by the first statements: the same rules as
//! `qmk.frontends.openqasm.recognise`.

use super::lex::{is_digit, is_space, is_word, skip};
use super::Declined;

const HEAD_BYTES: usize = 65_536;

/// What the head of a text says: whether it is OpenQASM 2 (else 3), the version as written (empty: by the first
/// statements), and where its statements begin.
pub struct Head<'a> {
    pub two: bool,
    pub version: &'a [u8],
    pub start: usize,
}

pub fn head(text: &[u8]) -> Result<Head<'_>, Declined> {
    let start = skip(text, 0)?;
    if let Some(rest) = text[start..].strip_prefix(b"OPENQASM") {
        let at = start + 8;
        if rest.first().is_some_and(|&c| is_space(c) || c == b'/') {
            return version(text, skip(text, at)?);
        }
    }
    let head = &text[..text.len().min(HEAD_BYTES)];
    let begins = |c: &u8| c.is_ascii_alphabetic() || b"_@$#{".contains(c);
    if head.contains(&0) || !text.get(start).is_some_and(begins) {
        return Err(Declined::at(start, "neither OpenQASM 2 nor 3 by its first bytes"));
    }
    let (old, new) = marks(head);
    match (old, new) {
        (_, true) => Ok(Head { two: false, version: b"", start }),
        (true, false) => Ok(Head { two: true, version: b"", start }),
        (false, false) => Err(Declined::at(start, "neither OpenQASM 2 nor 3 by its first statements")),
    }
}

fn version(text: &[u8], at: usize) -> Result<Head<'_>, Declined> {
    let length = text[at..].iter().take_while(|&&c| is_digit(c) || c == b'.').count();
    let two = match &text[at..at + length] {
        b"2" | b"2.0" => true,
        b"3" | b"3.0" | b"3.1" => false,
        _ => return Err(Declined::at(at, "another version of OpenQASM")),
    };
    let end = skip(text, at + length)?;
    if text.get(end) != Some(&b';') {
        return Err(Declined::at(end, "the version statement is not closed"));
    }
    Ok(Head { two, version: &text[at..at + length], start: end + 1 })
}

/// Whether words that only OpenQASM 2 has, and words that only OpenQASM 3 has, stand in the head of a text.
fn marks(head: &[u8]) -> (bool, bool) {
    let (mut old, mut at) = (false, 0);
    while at < head.len() {
        let end = word_end(head, at);
        if end == at {
            at += 1;
            continue;
        }
        let rest = &head[end..];
        match &head[at..end] {
            b"include" => {
                let file = &rest[blank(rest)..];
                if blank(rest) > 0 && file.starts_with(b"\"stdgates.inc\"") {
                    return (old, true);
                }
                old |= blank(rest) > 0 && file.starts_with(b"\"qelib1.inc\"");
            }
            b"qreg" | b"creg" => old |= named(rest, b"["),
            b"opaque" => old |= blank(rest) > 0 && word_end(rest, blank(rest)) > blank(rest),
            b"qubit" | b"bit" if typed(rest) => return (old, true),
            b"input" if blank(rest) > 0 && word_end(rest, blank(rest)) > blank(rest) => return (old, true),
            b"def" if named(rest, b"(") => return (old, true),
            b"let" if named(rest, b"=") => return (old, true),
            b"ctrl" | b"negctrl" | b"inv" | b"pow" if modifier(rest) => return (old, true),
            b"gphase" if rest.get(blank(rest)) == Some(&b'(') => return (old, true),
            _ => {}
        }
        at = end;
    }
    (old, false)
}

fn blank(text: &[u8]) -> usize {
    text.iter().take_while(|&&c| is_space(c)).count()
}

fn word_end(text: &[u8], at: usize) -> usize {
    at + text[at..].iter().take_while(|&&c| is_word(c) || c >= 0x80).count()
}

/// Blank space, a name, perhaps blank space, one of `marks`.
fn named(rest: &[u8], marks: &[u8]) -> bool {
    let start = blank(rest);
    let end = word_end(rest, start);
    let after = end + blank(&rest[end..]);
    start > 0 && end > start && rest.get(after).is_some_and(|c| marks.contains(c))
}

/// `[4] q;` or ` c =` behind the word qubit or bit.
fn typed(rest: &[u8]) -> bool {
    let open = blank(rest);
    let mut from = 0;
    if rest.get(open) == Some(&b'[') {
        match rest[open..].iter().position(|&c| c == b']' || c == b'\n') {
            Some(close) if rest[open + close] == b']' => from = open + close + 1,
            _ => return false,
        }
    }
    named(&rest[from..], b";=")
}

/// An '@' before the statement or line ends.
fn modifier(rest: &[u8]) -> bool {
    rest.iter().find(|&&c| matches!(c, b'@' | b';' | b'\n')) == Some(&b'@')
}

//! MessagePack to JSON, for answers that are too large to be made of Python's objects.

#[cfg(feature = "python")]
pub mod python;

use std::io::Write;

/// Values nest no deeper than this.
const DEPTH: usize = 64;
const HEXADECIMAL: &[u8; 16] = b"0123456789abcdef";
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Why bytes are not one value of MessagePack that JSON has, and where.
#[derive(Debug, PartialEq, Eq)]
pub struct Unreadable {
    pub what: &'static str,
    pub at: usize,
}

/// Writes one value of MessagePack as JSON: bytes in base64, NaN and infinities as null, keys as texts. Extensions are
/// not read.
pub fn of_msgpack(data: &[u8]) -> Result<Vec<u8>, Unreadable> {
    let mut reader = Reader { data, at: 0, out: Vec::with_capacity(data.len() + data.len() / 4) };
    reader.value(0)?;
    if reader.at < data.len() {
        return Err(reader.fault("more than one value"));
    }
    Ok(reader.out)
}

struct Reader<'a> {
    data: &'a [u8],
    at: usize,
    out: Vec<u8>,
}

impl<'a> Reader<'a> {
    fn fault(&self, what: &'static str) -> Unreadable {
        Unreadable { what, at: self.at }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Unreadable> {
        let rest = &self.data[self.at..];
        if count > rest.len() {
            return Err(self.fault("the end is missing"));
        }
        self.at += count;
        Ok(&rest[..count])
    }

    fn unsigned(&mut self, width: usize) -> Result<u64, Unreadable> {
        Ok(self.take(width)?.iter().fold(0, |value, octet| value << 8 | u64::from(*octet)))
    }

    fn signed(&mut self, width: usize) -> Result<i64, Unreadable> {
        let unused = 64 - 8 * width as u32;
        Ok((self.unsigned(width)? << unused) as i64 >> unused)
    }

    fn length(&mut self, width: usize) -> Result<usize, Unreadable> {
        Ok(self.unsigned(width)? as usize)
    }

    fn print(&mut self, value: impl std::fmt::Display) {
        write!(self.out, "{value}").expect("writing to memory does not fail");
    }

    fn value(&mut self, depth: usize) -> Result<(), Unreadable> {
        if depth > DEPTH {
            return Err(self.fault("nested too deep"));
        }
        let tag = self.take(1)?[0];
        match tag {
            0x00..=0x7f => self.print(tag),
            0x80..=0x8f => self.map(usize::from(tag & 0x0f), depth)?,
            0x90..=0x9f => self.array(usize::from(tag & 0x0f), depth)?,
            0xa0..=0xbf | 0xd9..=0xdb => self.text(tag)?,
            0xc0 => self.out.extend(b"null"),
            0xc2 => self.out.extend(b"false"),
            0xc3 => self.out.extend(b"true"),
            0xc4..=0xc6 => self.binary(1 << (tag - 0xc4))?,
            0xca => {
                let value = f32::from_bits(self.unsigned(4)? as u32);
                self.float(f64::from(value));
            }
            0xcb => {
                let value = f64::from_bits(self.unsigned(8)?);
                self.float(value);
            }
            0xcc..=0xcf => {
                let value = self.unsigned(1 << (tag - 0xcc))?;
                self.print(value);
            }
            0xd0..=0xd3 => {
                let value = self.signed(1 << (tag - 0xd0))?;
                self.print(value);
            }
            0xdc | 0xdd => {
                let count = self.length(2 << (tag - 0xdc))?;
                self.array(count, depth)?;
            }
            0xde | 0xdf => {
                let count = self.length(2 << (tag - 0xde))?;
                self.map(count, depth)?;
            }
            0xe0..=0xff => self.print(tag as i8),
            _ => return Err(self.fault("an extension")),
        }
        Ok(())
    }

    fn array(&mut self, count: usize, depth: usize) -> Result<(), Unreadable> {
        self.out.push(b'[');
        for number in 0..count {
            if number > 0 {
                self.out.push(b',');
            }
            self.value(depth + 1)?;
        }
        self.out.push(b']');
        Ok(())
    }

    fn map(&mut self, count: usize, depth: usize) -> Result<(), Unreadable> {
        self.out.push(b'{');
        for number in 0..count {
            if number > 0 {
                self.out.push(b',');
            }
            let tag = self.take(1)?[0];
            self.text(tag)?;
            self.out.push(b':');
            self.value(depth + 1)?;
        }
        self.out.push(b'}');
        Ok(())
    }

    fn text(&mut self, tag: u8) -> Result<(), Unreadable> {
        let count = match tag {
            0xa0..=0xbf => usize::from(tag & 0x1f),
            0xd9..=0xdb => self.length(1 << (tag - 0xd9))?,
            _ => return Err(self.fault("a key that is not a text")),
        };
        let text = self.take(count)?;
        if std::str::from_utf8(text).is_err() {
            return Err(self.fault("a text that is not UTF-8"));
        }
        self.out.push(b'"');
        let mut plain = 0;
        for (at, &octet) in text.iter().enumerate() {
            if octet >= 0x20 && octet != b'"' && octet != b'\\' {
                continue;
            }
            self.out.extend(&text[plain..at]);
            plain = at + 1;
            match octet {
                b'"' | b'\\' => self.out.extend([b'\\', octet]),
                _ => {
                    let digits = [HEXADECIMAL[usize::from(octet >> 4)], HEXADECIMAL[usize::from(octet & 0x0f)]];
                    self.out.extend(b"\\u00");
                    self.out.extend(digits);
                }
            }
        }
        self.out.extend(&text[plain..]);
        self.out.push(b'"');
        Ok(())
    }

    fn binary(&mut self, width: usize) -> Result<(), Unreadable> {
        let count = self.length(width)?;
        let data = self.take(count)?;
        self.out.push(b'"');
        self.out.reserve(data.len().div_ceil(3) * 4);
        for three in data.chunks(3) {
            let bits = three.iter().fold(0u32, |bits, octet| bits << 8 | u32::from(*octet)) << (8 * (3 - three.len()));
            let digits = [18, 12, 6, 0].map(|shift| BASE64[(bits >> shift & 63) as usize]);
            self.out.extend(&digits[..=three.len()]);
            self.out.extend(&b"=="[..3 - three.len()]);
        }
        self.out.push(b'"');
        Ok(())
    }

    fn float(&mut self, value: f64) {
        let size = value.abs();
        if !value.is_finite() {
            self.out.extend(b"null");
        } else if size != 0.0 && !(1e-5..1e16).contains(&size) {
            self.print(format_args!("{value:e}"));
        } else {
            self.print(format_args!("{value:?}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(data: &[u8]) -> String {
        String::from_utf8(of_msgpack(data).expect("it is MessagePack")).expect("JSON is text")
    }

    #[test]
    fn every_kind_of_value_has_its_json() {
        assert_eq!(json(b"\x83\xa1a\x01\xa1b\x92\xc0\xc2\xa1\"\xc3"), r#"{"a":1,"b":[null,false],"\"":true}"#);
        assert_eq!(json(b"\x94\xcc\xff\xcd\x01\x00\xd0\x80\xff"), "[255,256,-128,-1]");
        assert_eq!(json(b"\xd3\x80\x00\x00\x00\x00\x00\x00\x00"), i64::MIN.to_string());
        assert_eq!(json(b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), u64::MAX.to_string());
        assert_eq!(json(b"\xdd\x00\x00\x00\x01\xdf\x00\x00\x00\x00"), "[{}]");
        assert_eq!(json(b"\xd9\x03\n\\x"), r#""\u000a\\x""#);
    }

    #[test]
    fn bytes_are_base64() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")] {
            let packed = [&[0xc4, bytes.len() as u8], bytes.as_bytes()].concat();
            assert_eq!(json(&packed), format!("\"{text}\""));
        }
    }

    #[test]
    fn floats_read_back_as_they_were() {
        for value in [0.0, -0.0, 1.0, 0.1, -1e-5, 9e-6, 1e16, 123456789.125, 5e-324, f64::MAX, f64::MIN_POSITIVE] {
            let text = json(&[&[0xcb][..], &value.to_be_bytes()].concat());
            assert_eq!(text.parse::<f64>().expect("a number").to_bits(), value.to_bits(), "{text}");
            assert!(text.len() < 26, "{text}");
        }
        assert_eq!(json(&[&[0xcb][..], &f64::NAN.to_be_bytes()].concat()), "null");
    }

    #[test]
    fn what_is_not_one_value_is_refused() {
        let deep = [0x91u8; 100];
        let cases: [&[u8]; 9] =
            [b"", b"\x91", b"\x01\x01", b"\xa2a", b"\xc1", b"\xd4\x00\x00", b"\x81\x01\x01", b"\xa1\xff", &deep];
        for data in cases {
            assert!(of_msgpack(data).is_err(), "{data:?}");
        }
        assert!(of_msgpack(b"\xdd\xff\xff\xff\xff").is_err(), "a length is no reason to ask for memory");
    }
}

//! Bytes as pairs of hexadecimal digits.

/// Lower-case digits. Caches of the dynamic linker are long: no formatting.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    let digit = |value: u8| b"0123456789abcdef"[usize::from(value & 0xf)];
    let mut text = Vec::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(*byte));
    }
    String::from_utf8(text).unwrap_or_default()
}

/// The bytes of digits of either case. `None`: they are no such pairs.
#[must_use]
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = vec![0; text.len() / 2];
    decode_into(text, &mut bytes).then_some(bytes)
}

/// As [`decode`], of as many bytes as there is place for. `false`: they are no such pairs, or more or fewer;
/// what is in `bytes` then is of no use.
#[must_use]
pub fn decode_into(text: &[u8], bytes: &mut [u8]) -> bool {
    let digit = |b: u8| char::from(b).to_digit(16);
    let (pairs, rest) = text.as_chunks::<2>();
    rest.is_empty()
        && pairs.len() == bytes.len()
        && pairs.iter().zip(bytes).all(|([high, low], byte)| {
            let value = digit(*high).zip(digit(*low)).map(|(high, low)| high << 4 | low);
            *byte = value.and_then(|value| u8::try_from(value).ok()).unwrap_or_default();
            value.is_some()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let all: Vec<u8> = (0..=255).collect();
        let text = encode(&all);
        assert!(text.starts_with("000102") && text.ends_with("fdfeff"));
        assert_eq!(decode(text.as_bytes()), Some(all.clone()));
        assert_eq!(decode(text.to_uppercase().as_bytes()), Some(all));
        assert_eq!(decode(b""), Some(vec![]));
        for bad in [&b"0"[..], b"000", b"0g", b"+1", b" 1", b"\xc3\xa9"] {
            assert_eq!(decode(bad), None, "{}", bad.escape_ascii());
        }
        let mut two = [9; 2];
        assert!(decode_into(b"01fe", &mut two));
        assert_eq!(two, [1, 0xfe]);
        assert!(!decode_into(b"01", &mut two) && !decode_into(b"010203", &mut two));
    }
}

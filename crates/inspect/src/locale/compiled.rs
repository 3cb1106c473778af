//! The shape of compiled locale data: whether one C library accepts what another's `localedef` made.
//!
//! Mirrors `_nl_intern_locale_data` of glibc's locale/loadlocale.c: the first word of each category must
//! be the magic of that category, which changes with its format, and the second, the number of its
//! items, must not be lower than the number that the C library knows. More are ignored.

/// The categories with their file names in a locale's directory, by the number of the category in
/// `locale.h` (6 is `LC_ALL`).
pub const CATEGORIES: &[(usize, &str)] = &[
    (0, "LC_CTYPE"),
    (1, "LC_NUMERIC"),
    (2, "LC_TIME"),
    (3, "LC_COLLATE"),
    (4, "LC_MONETARY"),
    (5, "LC_MESSAGES/SYS_LC_MESSAGES"),
    (7, "LC_PAPER"),
    (8, "LC_NAME"),
    (9, "LC_ADDRESS"),
    (10, "LC_TELEPHONE"),
    (11, "LC_MEASUREMENT"),
    (12, "LC_IDENTIFICATION"),
];

/// The first two words of each category: magic and number of items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape(pub Vec<(u32, u32)>);

impl Shape {
    /// Whether a C library whose own data have the shape `own` accepts data of this shape.
    pub fn is_accepted_by(&self, own: &Shape) -> bool {
        self.0.len() == own.0.len()
            && self.0.iter().zip(&own.0).all(|(data, own)| data.0 == own.0 && data.1 >= own.1)
    }
}

/// The words at the start of a category's data.
pub fn head(bytes: &[u8]) -> Option<(u32, u32)> {
    let (magic, rest) = bytes.split_first_chunk::<4>()?;
    let (items, _) = rest.split_first_chunk::<4>()?;
    Some((u32::from_le_bytes(*magic), u32::from_le_bytes(*items)))
}

/// The item of `LC_CTYPE` that names the character set: `CODESET` of `langinfo.h`.
const CODESET: usize = 14;

/// Whether data begin with the magic of their category (`LIMAGIC` of locale/localeinfo.h). It has not
/// changed since glibc 2.11.
pub fn has_magic(category: usize, head: (u32, u32)) -> bool {
    const LC_CTYPE: usize = 0;
    const LC_COLLATE: usize = 3;
    let magic = match category {
        LC_CTYPE => 0x2009_0720,
        LC_COLLATE => 0x2005_1014,
        _ => 0x2003_1115,
    };
    u32::try_from(category).is_ok_and(|number| head.0 == magic ^ number)
}

/// The name of the character set in the data of `LC_CTYPE`: after the two words of the head stand
/// offsets of the items.
pub fn codeset(content: &[u8]) -> Option<&str> {
    let at = 8 + CODESET * 4;
    let (offset, _) = content.get(at..)?.split_first_chunk::<4>()?;
    let text = content.get(usize::try_from(u32::from_le_bytes(*offset)).ok()?..)?;
    std::str::from_utf8(&text[..text.iter().position(|b| *b == 0)?]).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damaged_data_are_none() {
        let mut content = vec![0; 8 + 15 * 4];
        content[8 + 14 * 4] = 68;
        content.extend(b"UTF-8\0");
        assert_eq!(codeset(&content), Some("UTF-8"));
        for end in 0..content.len() {
            assert_eq!(codeset(&content[..end]), None, "{end}");
        }
        assert!(has_magic(0, (0x2009_0720, 1)) && has_magic(7, (0x2003_1112, 1)));
        assert!(!has_magic(3, (0x2009_0720, 1)));
    }

    #[test]
    fn newer_data_serve_older_libraries() {
        let shape = |items: u32| Shape(vec![(0x2009_0720, 86), (0x2003_1115, items)]);
        assert!(shape(7).is_accepted_by(&shape(7)));
        assert!(shape(8).is_accepted_by(&shape(7)));
        assert!(!shape(6).is_accepted_by(&shape(7)));
        let other = Shape(vec![(0x2007_0720, 86), (0x2003_1115, 7)]);
        assert!(!other.is_accepted_by(&shape(7)));
        assert!(!Shape(vec![]).is_accepted_by(&shape(7)));
        assert_eq!(head(&[1, 0, 0, 0, 2, 0, 0, 0, 9]), Some((1, 2)));
        assert_eq!(head(&[1, 0, 0, 0, 2]), None);
    }
}

//! Reads DER (X.690), element by element, as far as certificates need it; knows no certificate.

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OID: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;

/// A position in DER. Every step returns `None` when the bytes are not what is expected.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    /// The next element: its tag, its content, and the whole of it.
    pub(super) fn element(&mut self) -> Option<(u8, &'a [u8], &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81..=0x84 => {
                let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                (digits.iter().fold(0, |length, &digit| length << 8 | usize::from(digit)), rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        let whole = self.0.get(..self.0.len() - rest.len())?;
        self.0 = rest;
        Some((tag, content, whole))
    }

    /// The next element's content, when it has this tag.
    pub(super) fn expect(&mut self, wanted: u8) -> Option<&'a [u8]> {
        self.element().filter(|(tag, ..)| *tag == wanted).map(|(_, content, _)| content)
    }

    /// The next element's content, when it has this tag; `Some(None)` when it has another, or there is none.
    pub(super) fn optional(&mut self, wanted: u8) -> Option<Option<&'a [u8]>> {
        if self.0.first() == Some(&wanted) { self.expect(wanted).map(Some) } else { Some(None) }
    }

    /// The contents of the elements of the next one, all of this tag.
    pub(super) fn list(&mut self, wanted: u8) -> Option<Vec<&'a [u8]>> {
        let mut list = Reader(self.expect(SEQUENCE)?);
        let mut found = Vec::new();
        while !list.0.is_empty() {
            found.push(list.expect(wanted)?);
        }
        Some(found)
    }

    /// The first sixteen bits of a bit string, the first the highest; those that it does not have are 0.
    pub(super) fn bits(&mut self) -> Option<u16> {
        // A bit string begins with the number of bits that its last byte does not use.
        let (_, bytes) = self.expect(BIT_STRING)?.split_first()?;
        let byte = |at: usize| bytes.get(at).copied().unwrap_or_default();
        Some(u16::from_be_bytes([byte(0), byte(1)]))
    }
}

//! Protocol buffers as they are encoded: the fields of one message, borrowed from its bytes. Nothing is built of what
//! nobody asks for, so that a message takes no more memory than it has.

/// Bytes that are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body is not protobuf")]
pub(super) struct NotProtobuf;

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content<'a> {
    /// A whole number, a truth value or one of several words.
    Varint(u64),
    /// Eight bytes.
    Fixed64(u64),
    /// Four bytes.
    Fixed32(u32),
    /// A text, bytes, or a message.
    Bytes(&'a [u8]),
}

/// The fields of a message, with their numbers.
pub(super) struct MessageFields<'a>(&'a [u8]);

impl<'a> MessageFields<'a> {
    pub(super) fn of(message: &'a [u8]) -> Self {
        Self(message)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut number = 0;
        for place in 0..10 {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 0x7F).checked_shl(7 * place)?;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn take(&mut self, n: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(usize::try_from(n).ok()?)?;
        self.0 = rest;
        Some(taken)
    }

    fn field(&mut self) -> Option<(u64, Content<'a>)> {
        let key = self.varint()?;
        let content = match key & 7 {
            0 => Content::Varint(self.varint()?),
            1 => Content::Fixed64(u64::from_le_bytes(self.take(8)?.try_into().ok()?)),
            2 => {
                let n = self.varint()?;
                Content::Bytes(self.take(n)?)
            }
            5 => Content::Fixed32(u32::from_le_bytes(self.take(4)?.try_into().ok()?)),
            // Groups have been out of use since long before this protocol.
            _ => return None,
        };
        Some((key >> 3, content))
    }
}

impl<'a> Iterator for MessageFields<'a> {
    type Item = Result<(u64, Content<'a>), NotProtobuf>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field().ok_or(NotProtobuf);
        if field.is_err() {
            self.0 = &[];
        }
        Some(field)
    }
}

impl<'a> Content<'a> {
    /// The bytes, where it has some.
    pub(super) fn bytes(self) -> Result<&'a [u8], NotProtobuf> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            _ => Err(NotProtobuf),
        }
    }

    /// A text; bytes that are none are replaced.
    pub(super) fn text(self) -> Result<String, NotProtobuf> {
        self.bytes().map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    /// The number, however it is encoded.
    pub(super) fn number(self) -> Result<u64, NotProtobuf> {
        match self {
            Self::Varint(number) | Self::Fixed64(number) => Ok(number),
            Self::Fixed32(number) => Ok(number.into()),
            Self::Bytes(_) => Err(NotProtobuf),
        }
    }
}

/// Adds a field with a whole number to a message.
pub(super) fn put_number(message: &mut Vec<u8>, field: u64, number: u64) {
    put_varint(message, field << 3);
    put_varint(message, number);
}

/// Adds a field with bytes to a message.
pub(super) fn put_bytes(message: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    put_varint(message, field << 3 | 2);
    put_varint(message, bytes.len() as u64);
    message.extend_from_slice(bytes);
}

fn put_varint(message: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        message.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    message.push(number.to_le_bytes()[0]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_as_they_are_written() {
        let mut message = Vec::new();
        put_number(&mut message, 1, 0);
        put_number(&mut message, 15, 300);
        put_number(&mut message, 16, u64::MAX);
        put_bytes(&mut message, 2, b"text");
        message.extend([0x19, 1, 0, 0, 0, 0, 0, 0, 0, 0x25, 2, 0, 0, 0]);
        let fields: Result<Vec<_>, _> = MessageFields::of(&message).collect();
        let expected = vec![
            (1, Content::Varint(0)),
            (15, Content::Varint(300)),
            (16, Content::Varint(u64::MAX)),
            (2, Content::Bytes(b"text")),
            (3, Content::Fixed64(1)),
            (4, Content::Fixed32(2)),
        ];
        assert_eq!(fields, Ok(expected));
    }

    #[test]
    fn what_is_no_message_ends() {
        let check = |bytes: &[u8]| {
            let fields: Vec<_> = MessageFields::of(bytes).collect();
            assert_eq!(fields.last(), Some(&Err(NotProtobuf)), "{bytes:?}");
        };
        check(&[0x80]);
        check(&[0xFF; 11]);
        check(&[0x0A, 5, 1]);
        check(&[0x0B]);
        check(&[0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1]);
        check(b"{\"resourceSpans\":[]}");
    }
}

//! Protocol buffers, as far as a few records need them: they are written and never read.

/// A message under construction. Fields are written in the order in which they are added.
#[derive(Clone, Debug, Default)]
pub(super) struct Message(Vec<u8>);

impl Message {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Adds an integer.
    pub(super) fn number(mut self, field: u32, value: u64) -> Self {
        self.varint(u64::from(field) << 3);
        self.varint(value);
        self
    }

    /// Adds a text.
    pub(super) fn text(self, field: u32, text: &str) -> Self {
        self.bytes(field, text.as_bytes())
    }

    /// Adds a message.
    pub(super) fn message(self, field: u32, message: Self) -> Self {
        self.bytes(field, &message.finish())
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.0
    }

    fn bytes(mut self, field: u32, bytes: &[u8]) -> Self {
        self.varint(u64::from(field) << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
        self
    }

    /// Seven bits a byte, the lowest first; the eighth says that more follow.
    fn varint(&mut self, mut value: u64) {
        while value > 0x7f {
            self.0.push(value.to_le_bytes()[0] | 0x80);
            value >>= 7;
        }
        self.0.push(value.to_le_bytes()[0]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_as_the_encoding_says() {
        let check = |message: Message, expected: &[u8]| assert_eq!(message.finish(), expected);
        check(Message::new().number(1, 150), &[0x08, 0x96, 0x01]);
        check(Message::new().text(2, "testing"), b"\x12\x07testing");
        check(Message::new().message(3, Message::new().number(1, 150)), b"\x1a\x03\x08\x96\x01");
        check(Message::new().text(16, ""), &[0x82, 0x01, 0x00]);
    }
}

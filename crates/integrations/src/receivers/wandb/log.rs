//! The log that Weights & Biases keeps a run in: records in blocks of 32 KiB, as `LevelDB` writes its log, with the plain CRC-32.

use super::protobuf::Message;

/// Bytes of a block.
const BLOCK: usize = 32 << 10;

/// Bytes before each piece of a record: checksum, length, kind.
const HEAD: usize = 7;

/// What a file begins with: a name, a number and version 0.
const BEGIN: [u8; 7] = [b':', b'W', b'&', b'B', 0xe1, 0xbe, 0];

const FULL: u8 = 1;
const FIRST: u8 = 2;
const MIDDLE: u8 = 3;
const LAST: u8 = 4;

/// A log under construction.
pub(super) struct Log {
    bytes: Vec<u8>,
    n_records: u64,
}

impl Log {
    pub(super) fn new() -> Self {
        Self { bytes: BEGIN.to_vec(), n_records: 0 }
    }

    /// Adds a record whose content is this field of it.
    pub(super) fn record(&mut self, field: u32, content: Message) {
        self.n_records += 1;
        let record = Message::new().number(1, self.n_records).message(field, content);
        self.add(&record.finish());
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.bytes
    }

    /// Writes a record in as many pieces as the blocks ask for.
    fn add(&mut self, record: &[u8]) {
        let mut rest = record;
        let mut is_first = true;
        loop {
            let mut room = BLOCK - self.bytes.len() % BLOCK;
            if room < HEAD {
                self.bytes.resize(self.bytes.len() + room, 0);
                room = BLOCK;
            }
            let (piece, later) = rest.split_at(rest.len().min(room - HEAD));
            let kind = match (is_first, later.is_empty()) {
                (true, true) => FULL,
                (true, false) => FIRST,
                (false, false) => MIDDLE,
                (false, true) => LAST,
            };
            self.piece(kind, piece);
            (rest, is_first) = (later, false);
            if rest.is_empty() {
                return;
            }
        }
    }

    fn piece(&mut self, kind: u8, piece: &[u8]) {
        let mut checksum = crc32fast::Hasher::new();
        checksum.update(&[kind]);
        checksum.update(piece);
        self.bytes.extend(checksum.finalize().to_le_bytes());
        let [low, high, ..] = piece.len().to_le_bytes();
        self.bytes.extend([low, high]);
        self.bytes.push(kind);
        self.bytes.extend_from_slice(piece);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The records of a log, read as the format says.
    fn read(bytes: &[u8]) -> Vec<Vec<u8>> {
        let (mut at, mut records, mut open) = (BEGIN.len(), Vec::new(), Vec::new());
        while at < bytes.len() {
            let left = BLOCK - at % BLOCK;
            if left < HEAD {
                assert!(bytes[at..at + left].iter().all(|byte| *byte == 0));
                at += left;
                continue;
            }
            let length = usize::from(u16::from_le_bytes([bytes[at + 4], bytes[at + 5]]));
            let kind = bytes[at + 6];
            assert!(HEAD + length <= left, "a piece crosses a block");
            open.extend_from_slice(&bytes[at + HEAD..at + HEAD + length]);
            at += HEAD + length;
            if kind == FULL || kind == LAST {
                records.push(std::mem::take(&mut open));
            }
        }
        assert!(open.is_empty());
        records
    }

    #[test]
    fn records_of_any_length_are_read_back() {
        for lengths in [
            vec![0, 1, 2],
            vec![BLOCK - 14, 3],
            vec![BLOCK - 15, 3],
            vec![BLOCK - 20, 3],
            vec![BLOCK - 21, 100_000, 0, BLOCK],
        ] {
            let mut log = Log::new();
            let records: Vec<_> = lengths
                .iter()
                .enumerate()
                .map(|(i, length)| vec![i.to_le_bytes()[0]; *length])
                .collect();
            for record in &records {
                log.add(record);
            }
            assert_eq!(read(&log.finish()), records, "{lengths:?}");
        }
    }
}

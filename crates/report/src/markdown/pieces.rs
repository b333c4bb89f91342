//! A document below a limit: what matters most comes first, what does not fit is left out, and that is said.

use std::fmt::Write;

use evalmark_core::number_format::count;

/// Room that a section keeps for saying what it leaves out.
const REMARK: usize = 200;

/// A part of the document: a head, pieces of which as many are taken as fit, and an end.
pub(super) struct Section {
    /// Before the pieces.
    pub(super) head: String,
    /// The most important first.
    pub(super) pieces: Vec<String>,
    /// Behind the pieces; empty or with a line break.
    pub(super) tail: String,
    /// What one piece is called, and several.
    pub(super) called: [&'static str; 2],
    /// How many there are that were never pieces.
    pub(super) n_more: u64,
}

/// A document that grows up to a limit.
pub(super) struct Document {
    text: String,
    limit: usize,
    is_cut: bool,
}

/// What a document ends with that is not whole.
const ELSEWHERE: &str =
    "The whole verdict is in the run's `verdict.json`; `evalmark diff` shows every changed item.\n";

impl Document {
    pub(super) fn new(text: String, limit: usize) -> Self {
        Self { text, limit: limit - ELSEWHERE.len(), is_cut: false }
    }

    /// How much more fits.
    pub(super) fn room(&self) -> usize {
        self.limit.saturating_sub(self.text.len())
    }

    /// Appends a section with as many of its pieces as fit into `room`; what is left out is said, if only that fits.
    /// Answers with the number of pieces that are there.
    pub(super) fn push(&mut self, section: &Section, room: usize) -> usize {
        let room = room.min(self.room());
        let frame = section.head.len() + section.tail.len() + REMARK;
        let mut taken = 0;
        let mut used = frame;
        while let Some(piece) = section.pieces.get(taken).filter(|piece| used + piece.len() <= room)
        {
            used += piece.len();
            taken += 1;
        }
        let left_out = (section.pieces.len() - taken) as u64 + section.n_more;
        self.is_cut |= left_out > 0;
        let called = section.called[usize::from(left_out != 1)];
        if taken > 0 {
            self.text.push_str(&section.head);
            self.text.extend(section.pieces[..taken].iter().map(String::as_str));
            if left_out > 0 {
                let _ = writeln!(self.text, "\n{} more {called} left out.", count(left_out));
            }
            self.text.push_str(&section.tail);
        } else if left_out > 0 && self.room() >= REMARK {
            let _ = writeln!(self.text, "{} {called} left out.\n", count(left_out));
        }
        taken
    }

    /// The document, with a word on where the rest is, if it is not whole.
    pub(super) fn into_text(self) -> String {
        if self.is_cut { self.text + ELSEWHERE } else { self.text }
    }
}

//! Who is told what became of a run: the suite's receivers, and those of the project.

use super::Checker;
use crate::{
    receiver::ReceiverSpec,
    suite::{
        raw::RawSuite,
        receivers::{ReceiverReader, of_project, together},
    },
};

impl Checker<'_> {
    /// Every receiver; what is wrong with them is told with all other mistakes.
    pub(super) fn receivers(&mut self, raw: &RawSuite) -> Vec<ReceiverSpec> {
        let kinds = self.readers.receivers;
        let reader = ReceiverReader {
            kinds,
            document: &self.document,
            is_wrong: !self.mistakes.is_empty(),
            folder: &self.folder,
            access: &self.access,
        };
        let (own, wrong) = reader.read(&raw.notify, &raw.export);
        for mistake in wrong {
            match mistake.hint {
                Some(hint) => self.complain_with_hint(&mistake.pointer, mistake.message, hint),
                None => self.complain(&mistake.pointer, mistake.message),
            }
        }
        // Whoever knows no kind of receiver tells nobody.
        if kinds.is_empty() {
            return own;
        }
        match of_project(&self.path, kinds, &self.access) {
            Ok(of_project) => together(own, of_project),
            Err(mistakes) => {
                self.mistakes.extend(mistakes);
                own
            }
        }
    }
}

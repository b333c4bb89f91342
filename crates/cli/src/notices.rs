//! The engine's notices on a terminal: remarks and warnings on stderr, and progress.

use std::sync::{PoisonError, RwLock};

use evalmark_runner::{Notice, NoticeLevel};

use crate::{print::Printer, progress::Progress, run_text};

/// A terminal that hears notices.
pub(crate) struct Terminal {
    printer: Printer,
    /// Whether results alone are wanted.
    quiet: bool,
    progress: RwLock<Option<Progress>>,
}

impl Terminal {
    pub(crate) fn new(printer: Printer, quiet: bool) -> Self {
        Self { printer, quiet, progress: RwLock::new(None) }
    }

    /// Shows a notice.
    pub(crate) fn hear(&self, notice: &Notice<'_>) {
        match (notice, notice.level()) {
            (Notice::BaselineMissing(error) | Notice::Incomparable(error), _) => {
                self.printer.run_error(error);
            }
            (Notice::RunAnswered(run), _) => run_text::tell_missing(run, self.printer),
            (_, NoticeLevel::Progress) => self.show_progress(notice),
            (_, NoticeLevel::Detail | NoticeLevel::EarlyWarning) if self.quiet => {}
            (_, NoticeLevel::Detail | NoticeLevel::Remark) => {
                self.printer.remark(&notice.to_string());
            }
            (_, NoticeLevel::EarlyWarning | NoticeLevel::Warning | NoticeLevel::Error) => {
                self.printer.warning(&notice.to_string());
            }
        }
    }

    fn show_progress(&self, notice: &Notice<'_>) {
        if let Notice::Asked { model, event } = notice {
            let progress = self.progress.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(progress) = &*progress {
                progress.tell(*model, event);
            }
            return;
        }
        let begun = match notice {
            Notice::AskingBegins(asking) => Some(Progress::start(asking, self.quiet, self.printer)),
            _ => None,
        };
        let mut progress = self.progress.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(ended) = std::mem::replace(&mut *progress, begun) {
            ended.finish();
        }
    }
}

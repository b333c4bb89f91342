//! Checking `logs.watch`: categories, the language's column, and the names of streams that raise alarms.

use crate::{
    logs::{LogFields, LogWatch, WATCHED_STREAMS, WatchCycle},
    suite::{
        check::{Checker, suggest},
        document::escape,
        raw::{RawLogWatch, RawWatchCycle},
    },
};

impl Checker<'_> {
    pub(super) fn log_watch(&mut self, raw: &RawLogWatch, fields: &mut LogFields) -> LogWatch {
        for (name, path) in &raw.categories {
            let at = format!("/logs/watch/categories/{}", escape(name));
            let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
            if name.is_empty() || name.len() > 40 || !name.chars().all(is_plain) {
                self.complain(&at, "the name has 1 to 40 letters, digits, `-` or `_`");
            } else if WATCHED_STREAMS.contains(&name.as_str()) {
                let message =
                    format!("`{name}` is watched already, and is the name of that stream");
                let hint = "choose another name".to_owned();
                self.complain_with_hint(&at, message, hint);
            }
            let path = path.as_str().and_then(|path| self.log_path(&at, path));
            fields.categories.extend(path.map(|path| (name.clone(), path)));
        }
        if let Some(column) = &raw.language {
            self.watched_language(column, fields);
        }
        let usual = LogWatch::default();
        let alarm = raw.alarm.as_ref().map(|names| self.alarmed_streams(names, raw));
        LogWatch {
            language: raw.language.clone(),
            alarm: alarm.unwrap_or(usual.alarm),
            cycle: match raw.cycle {
                Some(RawWatchCycle::Day) => WatchCycle::Day,
                Some(RawWatchCycle::Week) | None => WatchCycle::Week,
            },
        }
    }

    fn watched_language(&mut self, column: &str, fields: &LogFields) {
        let known: Vec<&str> = fields.variables.iter().map(|(name, _)| name.as_str()).collect();
        if !known.contains(&column) && !self.document.lost("/logs/fields/variables") {
            let message =
                format!("`fields.variables` has no `{column}`, whose language is watched");
            let hint = if known.is_empty() {
                "name it there, with its path in a line of the logs".to_owned()
            } else {
                suggest(column, &known, "its columns")
            };
            self.complain_with_hint("/logs/watch/language", message, hint);
        }
    }

    fn alarmed_streams(
        &mut self,
        names: &[String],
        raw: &RawLogWatch,
    ) -> std::collections::BTreeSet<String> {
        let own = raw.categories.keys().map(String::as_str);
        let known: Vec<_> = WATCHED_STREAMS.into_iter().chain(own).collect();
        for (i, name) in names.iter().enumerate() {
            let at = format!("/logs/watch/alarm/{i}");
            if !known.contains(&name.as_str()) {
                let place = self.document.position(&at);
                let message = format!("no stream beside the metrics is called `{name}`");
                let hint = suggest(name, &known, "they are");
                self.mistakes.push(crate::suite::Mistake::at(place, message).hint(hint));
            } else if name == "language" && raw.language.is_none() {
                let message =
                    "`language` needs `watch.language`, the column whose language is told";
                self.complain(&at, message);
            }
        }
        names.iter().cloned().collect()
    }
}

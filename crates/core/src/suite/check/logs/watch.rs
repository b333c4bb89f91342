//! Checking `logs.watch`: categories, the language's column, and the names of streams that raise alarms.

use crate::{
    logs::{LogFields, LogWatch, WATCHED_STREAMS, WatchCycle, WatchedEmbedding},
    suite::{
        check::{Checker, suggest},
        document::escape,
        raw::{RawLogWatch, RawLogs, RawWatchCycle, RawWatchedEmbedding},
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
            embedding: None,
            language: raw.language.clone(),
            alarm: alarm.unwrap_or(usual.alarm),
            cycle: match raw.cycle {
                Some(RawWatchCycle::Day) => WatchCycle::Day,
                Some(RawWatchCycle::Week) | None => WatchCycle::Week,
            },
        }
    }

    pub(super) fn watched_embedding(
        &mut self,
        RawWatchedEmbedding { column, model, prefix }: &RawWatchedEmbedding,
        logs: &RawLogs,
        models: &[String],
    ) -> WatchedEmbedding {
        let fields = logs.fields.as_ref();
        let known = fields.iter().flat_map(|fields| fields.variables.keys()).map(String::as_str);
        let known: Vec<_> = known.collect();
        let at = "/logs/watch/embedding/column";
        self.watched_column(at, column, "meaning", &known);
        let names: Vec<_> = models.iter().map(String::as_str).collect();
        if !names.contains(&model.as_str()) {
            let hint = suggest(model, &names, "the models are");
            let message = format!("no model is called `{model}`");
            self.complain_with_hint("/logs/watch/embedding/model", message, hint);
        }
        if logs.judges.is_none() && !self.document.lost("/logs/judges") {
            let message = "a model is asked for embeddings of a share of the records, and nothing says which share";
            let hint = "add `judges: { rate: 0.02 }` to `logs`".to_owned();
            self.complain_with_hint("/logs/watch/embedding", message.to_owned(), hint);
        }
        let (column, model, prefix) = (column.clone(), model.clone(), prefix.clone());
        WatchedEmbedding { column, model, prefix }
    }

    fn watched_language(&mut self, column: &str, fields: &LogFields) {
        let known: Vec<&str> = fields.variables.iter().map(|(name, _)| name.as_str()).collect();
        self.watched_column("/logs/watch/language", column, "language", &known);
    }

    fn watched_column(&mut self, at: &str, column: &str, what: &str, known: &[&str]) {
        if !known.contains(&column) && !self.document.lost("/logs/fields/variables") {
            let message = format!("`fields.variables` has no `{column}`, whose {what} is watched");
            let hint = if known.is_empty() {
                "name it there, with its path in a line of the logs".to_owned()
            } else {
                suggest(column, known, "its columns")
            };
            self.complain_with_hint(at, message, hint);
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
            } else if name == "embedding" && raw.embedding.is_none() {
                let message =
                    "`embedding` needs `watch.embedding`, the column and the model of its vectors";
                self.complain(&at, message);
            }
        }
        names.iter().cloned().collect()
    }
}

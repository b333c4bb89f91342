//! `wandb`: a folder as Weights & Biases writes it offline, with a run and its tables. `wandb sync` takes it; no key is needed
//! here, and nothing is sent.

mod log;
mod protobuf;

use evalmark_core::{
    metric::ParamError,
    receiver::{Hears, ReceiverSection, SecretUse},
};
use evalmark_report::run_message::RunMessage;
use jiff::{Timestamp, tz::TimeZone};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use self::{log::Log, protobuf::Message};
use super::{
    courier::{Courier, DeliveryError},
    definition::{About, DefineReceiver, Letter},
    samples::stable_id,
    tables::Table,
};

/// The version of wandb whose files these are like, and the oldest that reads them.
const LIKE: &str = "0.31.0";
const OLDEST: &str = "0.17.0";

/// Kinds of records, by the number of their field.
mod record {
    pub(super) const HISTORY: u32 = 2;
    pub(super) const SUMMARY: u32 = 3;
    pub(super) const FILES: u32 = 6;
    pub(super) const RUN: u32 = 17;
    pub(super) const EXIT: u32 = 18;
    pub(super) const FINAL: u32 = 20;
    pub(super) const HEADER: u32 = 21;
    pub(super) const FOOTER: u32 = 22;
}

/// Rows of a table that Weights & Biases shows.
const MOST_SAMPLES: usize = 10_000;

/// Parameters of `wandb`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    /// The project that `wandb sync` puts the run into. Default: the suite's name.
    #[serde(default)]
    project: Option<String>,
    /// The user or team that the project belongs to. Default: that of whoever syncs.
    #[serde(default)]
    entity: Option<String>,
    /// Whether the table of samples has the texts of requests, answers and targets, too, and not only ids and scores.
    #[serde(default)]
    texts: bool,
}

#[derive(Debug)]
pub(super) struct Wandb(Params);

impl DefineReceiver for Wandb {
    const ABOUT: About = About {
        name: "wandb",
        section: ReceiverSection::Export,
        hears: Hears::Runs,
        summary: "Weights & Biases: an offline folder with the run and its tables, which `wandb sync` takes.",
        tells_repetitions: true,
        updates: false,
        check_template: None,
    };
    type Params = Params;

    fn open(params: Params) -> Result<Self, ParamError> {
        for (key, name) in [("project", &params.project), ("entity", &params.entity)] {
            let is_plain = |name: &String| {
                let is_wrong = |c: char| c.is_control() || "/\\#?%:".contains(c);
                !name.trim().is_empty() && name.chars().count() <= 128 && !name.contains(is_wrong)
            };
            if name.as_ref().is_some_and(|name| !is_plain(name)) {
                let message = format!(
                    "`{key}` is a name of at most 128 characters without `/`, `\\`, `#`, `?`, `%` and `:`"
                );
                return Err(ParamError { pointer: format!("/{key}"), message });
            }
        }
        Ok(Self(params))
    }

    fn secrets(&self) -> Vec<SecretUse> {
        Vec::new()
    }

    fn deliver(
        &self,
        letter: &Letter<'_>,
        courier: &mut dyn Courier,
    ) -> Result<Option<Value>, DeliveryError> {
        let message = letter.message;
        let id = &stable_id(&["wandb", &message.suite, &message.run_id])[..16];
        let began = message.started_at.parse::<Timestamp>().unwrap_or(Timestamp::UNIX_EPOCH);
        let date = began.to_zoned(TimeZone::UTC).strftime("%Y%m%d_%H%M%S").to_string();
        let folder = format!("wandb/offline-run-{date}-{id}");
        let tables = [
            Table::of_scores(message),
            Table::of_comparisons(message),
            Table::of_samples(letter, self.0.texts, MOST_SAMPLES)?,
        ];
        let mut summary = summary(message);
        let mut files = Vec::new();
        for table in tables.into_iter().filter(|table| !table.rows.is_empty()) {
            let (path, value, bytes) = file(&table);
            let (below, name) = path.rsplit_once('/').unwrap_or(("", &path));
            courier.keep(&format!("{folder}/files/{below}"), name, &bytes)?;
            summary.insert(table.name.to_owned(), value);
            files.push(path);
        }
        let log = self.log((id, began), message, &summary, &files);
        courier.keep(&folder, &format!("run-{id}.wandb"), &log)?;
        Ok(Some(json!({ "files": [format!("outbox/{folder}")] })))
    }
}

impl Wandb {
    /// The records of a run, as the client of Weights & Biases writes them.
    fn log(
        &self,
        (id, began): (&str, Timestamp),
        message: &RunMessage,
        summary: &Map<String, Value>,
        files: &[String],
    ) -> Vec<u8> {
        let mut log = Log::new();
        let version = Message::new().text(1, LIKE).text(2, OLDEST);
        log.record(record::HEADER, Message::new().message(1, version));
        log.record(record::RUN, self.run((id, began), message));
        // The figures as one step, from which charts are drawn, and as what the run ended with.
        let mut history = Message::new();
        let mut ended = Message::new();
        let stamp = json!(began.as_millisecond() as f64 / 1000.0);
        let beside = [("_step", json!(0)), ("_timestamp", stamp)];
        let beside = beside.iter().map(|(key, value)| (*key, value));
        let figures = summary.iter().map(|(key, value)| (&**key, value));
        for (key, value) in figures.chain(beside) {
            let item = || Message::new().text(1, key).text(16, &value.to_string());
            history = history.message(1, item());
            ended = ended.message(1, item());
        }
        log.record(record::HISTORY, history.message(2, Message::new().number(1, 0)));
        log.record(record::SUMMARY, ended);
        let listed = files
            .iter()
            .fold(Message::new(), |listed, path| listed.message(1, Message::new().text(1, path)));
        log.record(record::FILES, listed);
        log.record(record::EXIT, Message::new().number(1, u64::from(message.fails)));
        log.record(record::FINAL, Message::new());
        log.record(record::FOOTER, Message::new());
        log.finish()
    }

    fn run(&self, (id, began): (&str, Timestamp), message: &RunMessage) -> Message {
        let config = [
            ("suite", json!(message.suite)),
            ("baseline", json!(message.baseline)),
            ("run_id", json!(message.run_id)),
            ("link", json!(message.link)),
        ];
        let config = config.iter().fold(Message::new(), |all, (key, value)| {
            all.message(1, Message::new().text(1, key).text(16, &value.to_string()))
        });
        let project = self.0.project.as_deref().unwrap_or(&message.suite);
        let start = u64::try_from(began.as_second()).unwrap_or_default();
        let mut run = Message::new().text(1, id);
        if let Some(entity) = &self.0.entity {
            run = run.text(2, entity);
        }
        run = run
            .text(3, project)
            .message(4, config)
            .text(6, &message.suite)
            .text(7, "evaluation")
            .text(8, &message.run_id)
            .text(9, &message.plain_text())
            .text(10, &message.answer)
            .message(17, Message::new().number(1, start));
        match &message.commit {
            Some(commit) => run.message(21, Message::new().text(2, commit)),
            None => run,
        }
    }
}

/// The scores and changes of a run by name, and what was decided.
fn summary(message: &RunMessage) -> Map<String, Value> {
    let mut all = Map::new();
    all.insert("verdict".to_owned(), json!(message.answer));
    for one in &message.scores {
        let name = [&*one.metric, &one.prompt, &one.model].join("/");
        all.insert(format!("{name}/lower"), json!(one.lower));
        all.insert(format!("{name}/upper"), json!(one.upper));
        all.insert(format!("{name}/missing"), json!(one.n_missing));
        all.insert(name, json!(one.value));
    }
    for one in &message.comparisons {
        let what = if one.is_ratio { "ratio" } else { "change" };
        let name = [&*one.metric, &one.prompt, &one.model, what].join("/");
        all.insert(name, json!(one.change_value));
    }
    all.retain(|_, value| !value.is_null());
    all
}

/// A table's file: its path, the value that names it in the run, and its content.
fn file(table: &Table) -> (String, Value, Vec<u8>) {
    let content = table.content();
    let digest = Sha256::digest(content.as_bytes());
    let sha256 = digest.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    let path = format!("media/table/{}_0_{}.table.json", table.name, &sha256[..20]);
    let value = json!({
        "_type": "table-file",
        "path": path,
        "sha256": sha256,
        "size": content.len(),
        "ncols": table.columns.len(),
        "nrows": table.rows.len(),
    });
    (path, value, content.into_bytes())
}

//! Alarms about streams in words, the same wherever they are told.

use crate::{
    drift::{
        ChangedAlongside, DriftAlarm, DriftReport, Movement, StreamDrift, StreamKind, StreamLevel,
    },
    number_format::percent,
};

/// What is before the names of streams of a monitor that are no metrics.
pub const RECORD_PREFIX: &str = "record/";

/// Other changes that are told with an alarm; programs have them all.
const ALONGSIDE: usize = 4;

/// A change that is less likely than this much by itself is not told: three standard errors or so.
const CLEAR: f64 = 4.5;

/// The share of categories that the reference has not, and how many of them are named.
const UNSEEN: &str = "(unseen)";
const UNSEEN_NAMED: usize = 3;

/// An alarm in words. They may hold names that the logs hold, as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlarmText {
    /// What it is about: a stream, and the category whose share moved.
    pub what: String,
    /// The level before it began.
    pub before: String,
    /// The level since.
    pub now: String,
    /// All of it in a sentence.
    pub says: String,
    /// What else changed then, the clearest first.
    pub alongside: String,
}

impl AlarmText {
    /// The alarm of a stream; `look` names a look.
    pub fn of(
        report: &DriftReport,
        stream: &StreamDrift,
        alarm: &DriftAlarm,
        look: impl Fn(i64) -> String,
    ) -> Self {
        let name = stream.shown_name();
        let what = match stream.category.as_deref() {
            Some(UNSEEN) => format!("{name}: {}", unseen_names(stream)),
            Some(category) => format!("{name}: `{category}`"),
            None => name.to_owned(),
        };
        let level = |level: &StreamLevel| stream.kind.text(level.amount.unwrap_or(level.mean));
        let moved = if alarm.moved == Movement::Up { "up" } else { "down" };
        let range = if alarm.began_earliest == alarm.began_latest {
            String::new()
        } else {
            format!(" ({} to {})", look(alarm.began_earliest), look(alarm.began_latest))
        };
        let (before, now) = (level(&alarm.before), level(&alarm.now));
        let (began, at) = (look(alarm.began), look(alarm.at));
        let says =
            format!("{what} {moved} from {before} to {now} since {began}{range}; called {at}");
        Self { what, before, now, says, alongside: alongside(report, alarm) }
    }
}

impl StreamDrift {
    /// Its name as people read it.
    pub fn shown_name(&self) -> &str {
        shown_name(&self.name)
    }
}

impl StreamKind {
    /// A value or share of a stream of this kind, as people read it.
    pub fn text(self, value: f64) -> String {
        match self {
            Self::Category => percent(value),
            Self::Score if (0.0..=1.0).contains(&value) => percent(value),
            _ => format!("{value:.3}"),
        }
    }
}

fn shown_name(name: &str) -> &str {
    name.strip_prefix(RECORD_PREFIX).unwrap_or(name)
}

/// The clearest of what else changed then.
fn alongside(report: &DriftReport, alarm: &DriftAlarm) -> String {
    let clear = alarm.alongside.iter().filter(|one| one.strength >= CLEAR).take(ALONGSIDE);
    let told: Vec<_> = clear.map(|one| changed(report, one)).collect();
    if told.is_empty() {
        return "Nothing else that is watched changed clearly with it.".to_owned();
    }
    format!("Changed with it: {}.", told.join("; "))
}

fn changed(report: &DriftReport, one: &ChangedAlongside) -> String {
    let stream = report.streams.iter().find(|stream| stream.name == one.name);
    let kind = stream.map_or(StreamKind::Score, |stream| stream.kind);
    let category = one.category.as_ref().map_or(String::new(), |name| format!(" `{name}`"));
    let unseen = stream.filter(|_| one.category.as_deref() == Some(UNSEEN));
    let category = unseen.map_or(category, |stream| format!(" {}", unseen_names(stream)));
    let (before, now) = (kind.text(one.before), kind.text(one.now));
    format!("{}{category} from {before} to {now}", shown_name(&one.name))
}

/// The categories that the reference has not, the most frequent first.
fn unseen_names(stream: &StreamDrift) -> String {
    let mut by_count: Vec<_> = stream.unseen.iter().collect();
    by_count.sort_by_key(|one| std::cmp::Reverse(one.n));
    let names: Vec<_> =
        by_count.iter().take(UNSEEN_NAMED).map(|one| format!("`{}`", one.name)).collect();
    format!("{} (new)", names.join(", "))
}

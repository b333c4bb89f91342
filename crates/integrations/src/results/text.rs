//! Names and texts made of what other tools write.

use serde_json::Value;

/// Letters of a name that people read in tables.
const NAME_LENGTH: usize = 60;

/// A text as a name: its first line that is not empty, and not more of that than a table has room for.
pub(super) fn name_of(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("(empty)");
    if line.chars().count() <= NAME_LENGTH && text.trim() == line {
        return line.to_owned();
    }
    let start: String = line.chars().take(NAME_LENGTH - 1).collect();
    format!("{}…", start.trim_end())
}

/// A value as a text: a text as it is, nothing as nothing, everything else as JSON.
pub(super) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// The texts of a value: of each element, where it is a list.
pub(super) fn texts_of(value: &Value) -> Vec<String> {
    match value {
        Value::Array(values) => values.iter().filter_map(text_of).collect(),
        value => text_of(value).into_iter().collect(),
    }
}

/// A time in UTC with whole seconds, as runs keep it; one without an offset is UTC.
pub(super) fn moment(text: &str) -> Option<String> {
    let zoned = text.parse::<jiff::Timestamp>().ok();
    let bare =
        || text.parse::<jiff::civil::DateTime>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
    let time = zoned.or_else(|| Some(bare()?.timestamp()))?;
    Some(time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

//! How numbers read: the one place where a figure becomes text, for terminals, pages, Markdown, sentences and messages.
//!
//! No text says more or less than its number. What is not zero never reads as zero, what is not all never reads as
//! 100 %, and zero has no sign: where the usual decimals would say so, there are more of them. What somebody declared,
//! such as a margin, keeps the digits that it was declared with.

use std::time::Duration;

use crate::{estimate::Estimate, metric::Range};

/// Shown in place of a missing number.
pub const NONE: &str = "–";

/// Closer than this to zero or all, a number is that, up to errors of rounding.
const EXACT: f64 = 1e-9;

/// The most decimals of a number.
const MOST_DECIMALS: usize = 9;

/// From here on, digits would be a long line of noughts.
const LARGE: f64 = 1e15;

/// The text, or [`NONE`].
pub fn or_none(text: Option<String>) -> String {
    text.unwrap_or_else(|| NONE.to_owned())
}

/// A share as a percentage: `71.3 %`.
pub fn percent(share: f64) -> String {
    percentage(share) + " %"
}

/// A share as a percentage, without the sign: `71.3`.
pub fn percentage(share: f64) -> String {
    fixed(100.0 * share, 1, &[0.0, 100.0, -100.0])
}

/// A declared share as a percentage, to the digit: `80 %`.
pub fn declared_percent(share: f64) -> String {
    declared_number(100.0 * share, 0) + " %"
}

/// A score or a mean: a percentage where values lie in [0, 1].
pub fn value(value: f64, range: Range) -> String {
    if range.is_share() { percent(value) } else { bare(value, range) }
}

/// The same without a unit.
pub fn bare(value: f64, range: Range) -> String {
    match range {
        Range::Binary | Range::Unit => percentage(value),
        Range::Hundred => fixed(value, 1, &[0.0, 100.0]),
        Range::Signed | Range::Open => decimal(value),
    }
}

/// Two values that are compared: where they differ, their texts do.
pub fn values(values: [f64; 2], range: Range) -> [String; 2] {
    let texts = values.map(|one| value(one, range));
    if texts[0] != texts[1] || (values[0] - values[1]).abs() < EXACT {
        return texts;
    }
    let (scale, unit) = if range.is_share() { (100.0, " %") } else { (1.0, "") };
    apart(values.map(|value| scale * value)).map(|digits| digits + unit)
}

/// The scores of one item in two runs, without needless digits: `1`, `0.5`, `34.1`. Where they differ, their texts do.
pub fn item_scores(scores: [f64; 2], range: Range) -> [String; 2] {
    let texts = scores.map(|score| item_score(score, range));
    if texts[0] == texts[1] && (scores[0] - scores[1]).abs() >= EXACT {
        apart(scores)
    } else {
        texts
    }
}

/// The score of one item, without needless digits: `1`, `0.5`, `34.1`.
pub fn item_score(score: f64, range: Range) -> String {
    if range.is_share() {
        trimmed(fixed(score, 3, &[0.0, 1.0]))
    } else {
        trimmed(bare(score, range))
    }
}

/// A moment in UTC that is written by RFC 3339, to the second: `2026-11-27 15:10:14 UTC`. What is no such moment stays
/// as it is.
pub fn moment(rfc3339: &str) -> String {
    let parts = rfc3339.strip_suffix('Z').and_then(|moment| moment.split_once('T'));
    match parts.and_then(|(date, time)| Some((date, time.get(..8)?))) {
        Some((date, time)) => format!("{date} {time} UTC"),
        None => rfc3339.to_owned(),
    }
}

/// Two numbers with as many decimals as tell them apart.
fn apart(values: [f64; 2]) -> [String; 2] {
    let written = |places| values.map(|value| fixed(value, places, &[0.0]));
    let mut all = (1..=MOST_DECIMALS).map(written);
    all.find(|[a, b]| a != b).unwrap_or_else(|| written(MOST_DECIMALS))
}

/// A lower and an upper end in brackets, without a unit: `[64.9, 77.0]`. [`NONE`] where there is neither.
pub fn interval(low: Option<f64>, high: Option<f64>, range: Range) -> String {
    if low.is_none() && high.is_none() {
        return NONE.to_owned();
    }
    let end = |end: Option<f64>| or_none(end.map(|end| bare(end, range)));
    format!("[{}, {}]", end(low), end(high))
}

/// An estimate with its interval, where both ends of that are known: `71.3 % [64.9, 77.0]`.
pub fn estimate(estimate: &Estimate, range: Range) -> String {
    let mean = value(estimate.mean, range);
    match (estimate.ci_low, estimate.ci_high) {
        (Some(low), Some(high)) => format!("{mean} {}", interval(Some(low), Some(high), range)),
        _ => mean,
    }
}

/// A difference with its sign, without a unit: in points where values lie in [0, 1].
pub fn difference(value: f64, range: Range) -> String {
    signed(value, bare(value, range))
}

/// The same with its unit: `+2.1 points`.
pub fn change(value: f64, range: Range) -> String {
    difference(value, range) + unit(range)
}

/// A difference as a statistic, with its sign: `+0.012`.
pub fn signed_decimal(value: f64) -> String {
    signed(value, decimal(value))
}

fn signed(value: f64, text: String) -> String {
    if value >= EXACT { format!("+{text}") } else { text }
}

/// The unit of a difference: percentage points where values lie in [0, 1].
pub fn unit(range: Range) -> &'static str {
    if range.is_share() { " points" } else { "" }
}

/// A declared difference, such as a margin, to the digit and without a unit: `3`, `2.5`.
pub fn declared(value: f64, range: Range) -> String {
    let value = if range.is_share() { 100.0 * value } else { value };
    declared_number(value, 0)
}

/// The same with its unit: `3 points`, `1 point`.
pub fn declared_change(value: f64, range: Range) -> String {
    let text = declared(value, range);
    if range.is_share() && text == "1" { "1 point".to_owned() } else { text + unit(range) }
}

/// A declared value, such as a minimum, to the digit: `70 %`.
pub fn declared_value(value: f64, range: Range) -> String {
    if range.is_share() { declared_percent(value) } else { declared(value, range) }
}

/// What so many things do: `1 item detects`, `2 items detect`.
pub fn counted_that(n: u64, noun: &str, verb: &str) -> String {
    format!("{} {verb}{}", counted(n, noun), if n == 1 { "s" } else { "" })
}

/// The smallest difference that can be detected or resolved, without a unit: rounded up, so that what it says is enough.
pub fn detectable(value: f64, range: Range) -> String {
    let (value, scale) = if range.is_share() { (100.0 * value, 100.0) } else { (value, 1.0) };
    let places = match range {
        Range::Binary | Range::Unit | Range::Hundred => 1,
        Range::Signed | Range::Open => decimals(value),
    };
    let ten = 10_f64.powi(i32::try_from(places).unwrap_or_default());
    bare((value * ten - 1e-6).ceil() / ten / scale, range)
}

/// The same with its unit: `2.4 points`.
pub fn detectable_change(value: f64, range: Range) -> String {
    detectable(value, range) + unit(range)
}

/// The smallest growth that can be detected, rounded up: `4.1 %`.
pub fn detectable_percent(share: f64) -> String {
    detectable(share, Range::Unit) + " %"
}

/// A ratio to the baseline: `1.02×`.
pub fn times(ratio: f64) -> String {
    fixed(ratio, 2, &[0.0, 1.0]) + "×"
}

/// A ratio to the baseline with its direction: `1.02× (2.0 % more)`.
pub fn growth(ratio: f64) -> String {
    let times = times(ratio);
    let change = percent((ratio - 1.0).abs());
    match ratio - 1.0 {
        none if none.abs() < EXACT => format!("{times} (no change)"),
        more if more > 0.0 => format!("{times} ({change} more)"),
        _ => format!("{times} ({change} less)"),
    }
}

/// A ratio of speeds with its direction: `1.02× (2.0 % faster)`.
pub fn speed(ratio: f64) -> String {
    let told = growth(ratio);
    told.replace(" more)", " faster)").replace(" less)", " slower)")
}

/// A declared decrease, to the digit: `10 % (down to 0.90×)`.
pub fn declared_decrease(share: f64) -> String {
    format!("{} (down to {}×)", declared_percent(share), declared_number(1.0 - share, 2))
}

/// A declared growth, to the digit: `10 % (up to 1.10×)`.
pub fn declared_growth(share: f64) -> String {
    format!("{} (up to {}×)", declared_percent(share), declared_number(1.0 + share, 2))
}

/// A statistic, such as a correlation or a standard deviation: three decimals; of what is too small for them, three
/// significant digits.
pub fn decimal(value: f64) -> String {
    with_thousands(fixed(value, decimals(value), &[0.0, 1.0, -1.0]))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 3 to 11")]
fn decimals(value: f64) -> usize {
    let size = value.abs();
    match size {
        EXACT..0.01 => (2.0 - size.log10().floor()) as usize,
        1000.0.. => 1,
        _ => 3,
    }
}

/// An amount without a unit: `1,234`, `12.3`, `0.0123`, `0`.
pub fn quantity(value: f64) -> String {
    let size = value.abs();
    if size < EXACT {
        "0".to_owned()
    } else if size < 1.0 {
        decimal(value)
    } else {
        with_thousands(fixed(value, usize::from(size < 100.0), &[]))
    }
}

/// A number for programs and spreadsheets, with all of its digits and no more: `0.25`, `-3`, `1e308`.
pub fn exact(value: f64) -> String {
    let size = value.abs();
    if size >= LARGE || size > 0.0 && size < EXACT {
        format!("{value:e}")
    } else {
        value.to_string()
    }
}

/// A p-value, without its name: `0.031`, `< 0.001`.
pub fn p_value(p: f64) -> String {
    match p {
        ..0.001 => "< 0.001".to_owned(),
        0.9995..1.0 => "> 0.999".to_owned(),
        p => format!("{p:.3}"),
    }
}

/// A p-value or the like, with its name: `p = 0.031`, `p < 0.001`.
pub fn named_p(name: &str, p: f64) -> String {
    let text = p_value(p);
    if text.starts_with(['<', '>']) { format!("{name} {text}") } else { format!("{name} = {text}") }
}

/// A whole number with its thousands apart: `1,234,567`.
pub fn count(n: u64) -> String {
    with_thousands(n.to_string())
}

/// `1 item`, `1,234 items`: a count with its noun, which takes an `s`.
pub fn counted(n: u64, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{} {noun}s", count(n)) }
}

/// Milliseconds in a fitting unit: `4.2 ms`, `102 ms`, `1.23 s`, `2.5 min`.
pub fn latency(ms: f64) -> String {
    match ms.abs() {
        ..9.95 => trimmed(fixed(ms, 1, &[0.0])) + " ms",
        9.95..999.5 => fixed(ms, 0, &[]) + " ms",
        999.5..59_995.0 => fixed(ms / 1e3, 2, &[]) + " s",
        59_995.0..3_597_000.0 => fixed(ms / 6e4, 1, &[]) + " min",
        _ => with_thousands(fixed(ms / 3.6e6, 1, &[])) + " h",
    }
}

/// How long something lasts or has lasted, roughly: `4.2 s`, `76 s`, `12 min`, `3.5 h`.
pub fn span(span: Duration) -> String {
    let seconds = span.as_secs_f64();
    match seconds {
        ..9.95 => trimmed(fixed(seconds, 1, &[])) + " s",
        9.95..120.0 => fixed(seconds, 0, &[]) + " s",
        120.0..7200.0 => fixed(seconds / 60.0, 0, &[]) + " min",
        _ => with_thousands(trimmed(fixed(seconds / 3600.0, 1, &[]))) + " h",
    }
}

/// A pace: `47/s`, `4.7/s`, or `2.4/min` where it is slower.
pub fn rate(per_second: f64) -> String {
    match per_second {
        9.95.. => with_thousands(fixed(per_second, 0, &[])) + "/s",
        0.1.. => fixed(per_second, 1, &[]) + "/s",
        _ => fixed(60.0 * per_second, 1, &[0.0]) + "/min",
    }
}

/// US dollars: `$1,234.50`, `$0.10`; below a dollar up to three significant digits: `$0.0123`.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 2 to 9")]
pub fn dollars(usd: f64) -> String {
    let size = usd.abs();
    if size < EXACT {
        return "$0".to_owned();
    }
    let places =
        if size < 0.9995 { (2.0 - size.log10().floor()).clamp(2.0, 9.0) as usize } else { 2 };
    let text = fixed(size, places, &[0.0]);
    // Cents are always there.
    let (whole, decimals) = text.split_once('.').unwrap_or((&text, ""));
    let decimals = format!("{:0<2}", decimals.trim_end_matches('0'));
    let sign = if usd < 0.0 { "-" } else { "" };
    format!("{sign}${}.{decimals}", with_thousands(whole.to_owned()))
}

/// Bytes in a fitting unit: `512 B`, `12.3 kB`, `1.2 MB`.
pub fn bytes(n: u64) -> String {
    let size = n as f64;
    match size {
        ..1e3 => format!("{n} B"),
        1e3..999_950.0 => format!("{:.1} kB", size / 1e3),
        999_950.0..999_950_000.0 => format!("{:.1} MB", size / 1e6),
        _ => with_thousands(format!("{:.1}", size / 1e9)) + " GB",
    }
}

/// A number with so many decimals, and with more where it would read as a landmark that it is not.
fn fixed(value: f64, places: usize, landmarks: &[f64]) -> String {
    if value.is_nan() {
        return NONE.to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "∞" } else { "-∞" }.to_owned();
    }
    if value.abs() >= LARGE {
        return format!("{value:.2e}");
    }
    if let Some(landmark) = landmarks.iter().find(|mark| (value - **mark).abs() < EXACT) {
        return format!("{landmark:.places$}");
    }
    let misreads = |text: &str| text.parse::<f64>().is_ok_and(|read| landmarks.contains(&read));
    let mut all = (places..=MOST_DECIMALS).map(|places| format!("{value:.places$}"));
    let text = all.find(|text| !misreads(text)).unwrap_or_else(|| format!("{value:.places$}"));
    // Of a number without landmarks, too, zero has no sign.
    let is_zero = text.bytes().all(|byte| matches!(byte, b'-' | b'0' | b'.'));
    if is_zero { text.trim_start_matches('-').to_owned() } else { text }
}

/// The fewest decimals, from so many on, that give the number as it was declared.
fn declared_number(value: f64, least: usize) -> String {
    let is_it = |text: &String| {
        let near = EXACT * value.abs().max(EXACT);
        text.parse::<f64>().is_ok_and(|read| (read - value).abs() <= near)
    };
    let mut all = (least..=12).map(|places| format!("{value:.places$}"));
    let text = if value.abs() < LARGE { all.find(is_it) } else { None };
    text.map_or_else(|| format!("{value:e}"), with_thousands)
}

/// Without zeros at the end of the decimals.
fn trimmed(text: String) -> String {
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// Separates the thousands of what stands before the point.
fn with_thousands(text: String) -> String {
    let digits = text.trim_start_matches('-');
    let (whole, rest) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    if whole.len() <= 3 || !whole.bytes().all(|byte| byte.is_ascii_digit()) {
        return text;
    }
    let sign = &text[..text.len() - digits.len()];
    let first = (whole.len() - 1) % 3 + 1;
    let (head, tail) = whole.split_at(first);
    let groups = tail.as_bytes().chunks(3).map(String::from_utf8_lossy);
    let grouped = groups.fold(head.to_owned(), |text, group| format!("{text},{group}"));
    format!("{sign}{grouped}{rest}")
}

#[cfg(test)]
mod tests;

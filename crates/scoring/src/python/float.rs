//! Python's `float`: what it reads, and how it writes.

use super::numeral;

/// A finite `float(text)`: digits of any script, single underscores between digits, white space
/// around. `None` also for infinities and not-a-number.
pub(crate) fn parse(text: &str) -> Option<f64> {
    let text = text.trim_matches(|c: char| match c {
        '\t'..='\r' | ' ' => true,
        _ => !c.is_ascii() && c.is_whitespace(),
    });
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().map(|c| numeral::decimal(c).unwrap_or(c)).peekable();
    while let Some(c) = chars.next() {
        if c != '_' {
            plain.push(c);
        } else if !plain.ends_with(is_digit) || !chars.peek().copied().is_some_and(is_digit) {
            return None;
        }
    }
    plain.parse().ok().filter(|number: &f64| number.is_finite())
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}

/// `repr(float)`: the shortest digits that read back as the same number.
pub(crate) fn repr(number: f64) -> String {
    let (sign, digits, exponent) = parts(&format!("{number:e}"));
    let body = if (-4..16).contains(&exponent) {
        format!("{:?}", number.abs())
    } else {
        scientific(&digits, exponent)
    };
    format!("{sign}{body}")
}

/// `format(number, ".Ng")`: `precision` significant digits without zeros at the end.
pub(crate) fn general(number: f64, precision: usize) -> String {
    let rounded = format!("{number:.*e}", precision.saturating_sub(1));
    let (sign, digits, exponent) = parts(&rounded);
    let significant = digits.trim_end_matches('0');
    let significant = if significant.is_empty() { "0" } else { significant };
    let below = i32::try_from(precision).unwrap_or(i32::MAX);
    let body = if (-4..below).contains(&exponent) {
        fixed(significant, exponent)
    } else {
        scientific(significant, exponent)
    };
    format!("{sign}{body}")
}

/// Sign, digits without the point, and exponent of a number in Rust's scientific form.
fn parts(scientific: &str) -> (&'static str, String, i32) {
    let sign = if scientific.starts_with('-') { "-" } else { "" };
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let digits = mantissa.chars().filter(char::is_ascii_digit).collect();
    (sign, digits, exponent.parse().unwrap_or(0))
}

fn scientific(digits: &str, exponent: i32) -> String {
    let (first, rest) = digits.split_at(1);
    let point = if rest.is_empty() { "" } else { "." };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{first}{point}{rest}e{sign}{:02}", exponent.unsigned_abs())
}

fn fixed(digits: &str, exponent: i32) -> String {
    let Ok(before) = usize::try_from(exponent) else {
        let zeros = "0".repeat(exponent.unsigned_abs() as usize - 1);
        return format!("0.{zeros}{digits}");
    };
    match digits.split_at_checked(before + 1) {
        Some((whole, "")) => whole.to_owned(),
        Some((whole, fraction)) => format!("{whole}.{fraction}"),
        None => format!("{digits:0<width$}", width = before + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_float_reads() {
        for (text, expected) in [
            ("5\u{85}", Some(5.0)),
            ("\u{A0}5", Some(5.0)),
            ("\u{1C}5", None),
            ("٥\u{1C}", None),
            ("٣_٤", Some(34.0)),
            ("1_000", Some(1000.0)),
            ("_1", None),
            ("1__0", None),
            ("1_.0", None),
            ("1e5_0", Some(1e50)),
            ("1e٥", Some(1e5)),
            ("𝟓", Some(5.0)),
            ("²", None),
            ("−5", None),
            (" -.5\n", Some(-0.5)),
            ("5.", Some(5.0)),
            ("inf", None),
            ("nan", None),
            ("1e999", None),
            ("0x1", None),
            ("", None),
        ] {
            assert_eq!(parse(text), expected, "{text:?}");
        }
    }

    #[test]
    fn how_float_writes() {
        for (number, shown, rounded) in [
            (3.0, "3.0", "3"),
            (-0.0, "-0.0", "-0"),
            (0.1, "0.1", "0.1"),
            (1e16, "1e+16", "1e+16"),
            (1e15, "1000000000000000.0", "1e+15"),
            (0.0001, "0.0001", "0.0001"),
            (0.000_012_5, "1.25e-05", "1.25e-05"),
            (123_456.7, "123456.7", "1.2346e+05"),
            (12_345.0, "12345.0", "12345"),
            (99_999.5, "99999.5", "1e+05"),
            (1e-7, "1e-07", "1e-07"),
            (-2.5, "-2.5", "-2.5"),
            (100.0, "100.0", "100"),
        ] {
            assert_eq!((&*repr(number), &*general(number, 5)), (shown, rounded));
        }
    }
}

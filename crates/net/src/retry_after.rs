//! How long a server asks to wait.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, header::RETRY_AFTER};

static RETRY_AFTER_MS: HeaderName = HeaderName::from_static("retry-after-ms");

/// How long a server asks to wait: `retry-after-ms`, or `Retry-After` in seconds or as a date.
pub fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let seconds = |text: &str| Duration::try_from_secs_f64(text.trim().parse().ok()?).ok();
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(wait) = text(&RETRY_AFTER_MS).and_then(seconds) {
        return Some(wait / 1000);
    }
    let value = text(&RETRY_AFTER)?;
    seconds(value).or_else(|| {
        let date = httpdate::parse_http_date(value).ok()?;
        Some(date.duration_since(now).unwrap_or_default())
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const NOW: Duration = Duration::from_secs(1_700_000_000);

    fn check_header(name: &'static str, value: &'static str, expected: Option<f64>) {
        let mut headers = HeaderMap::new();
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        let wait = retry_after(&headers, SystemTime::UNIX_EPOCH + NOW);
        assert_eq!(wait.map(|wait| wait.as_secs_f64()), expected, "{name}: {value}");
    }

    #[test]
    fn reads_what_the_server_asks_for() {
        check_header("retry-after", "7", Some(7.0));
        check_header("retry-after", "0.25", Some(0.25));
        check_header("retry-after-ms", "40", Some(0.04));
        check_header("retry-after", "Tue, 14 Nov 2023 22:13:23 GMT", Some(3.0));
        check_header("retry-after", "Tue, 14 Nov 2023 22:13:00 GMT", Some(0.0));
        check_header("retry-after", "-1", None);
        check_header("retry-after", "inf", None);
        check_header("retry-after", "soon", None);
        check_header("content-type", "7", None);
    }
}

//! What a server's headers say is left until its limits are reset.
//!
//! Each protocol names its headers. They hold a count of what remains, and when the limit is reset: a
//! span (`6m0s`, `20ms`, or seconds) or a moment (RFC 3339).

use std::time::{Duration, SystemTime};

use evalmark_net::HeaderMap;
use tokio::time::Instant;

use super::BURST;

/// The headers of a protocol's limits, each the one with what remains and the one with the reset.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LimitHeaders {
    /// Of requests.
    pub(crate) requests: (&'static str, &'static str),
    /// Of tokens.
    pub(crate) tokens: (&'static str, &'static str),
}

/// Nobody is held back for longer than this because of a header.
const LONGEST: Duration = Duration::from_mins(1);

/// What is left, spread evenly over the time until more is there.
///
/// For a limit that is refilled at once this uses all of it and never runs out. For one that is
/// refilled all the time it settles where half is left, at exactly the rate of the refill.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Quota {
    interval: Duration,
    next_at: Instant,
    until: Instant,
    is_empty: bool,
}

impl Quota {
    /// Whether nothing is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.is_empty
    }

    /// Requests that may be sent in a second.
    pub(crate) fn per_second(&self) -> f64 {
        1.0 / self.interval.as_secs_f64().max(1e-6)
    }

    /// Reads the headers of these names; `usual_tokens` is what a request uses. `None`: they say nothing, or there
    /// is enough.
    pub(crate) fn read(
        headers: &HeaderMap,
        names: &[LimitHeaders],
        usual_tokens: f64,
        (now, wall): (Instant, fn() -> SystemTime),
    ) -> Option<Self> {
        if !headers.keys().any(|name| name.as_str().contains("ratelimit")) {
            return None;
        }
        let left = |of: fn(&LimitHeaders) -> (&str, &str), each: f64| {
            let (left, reset) = names.iter().map(of).find_map(|(left, reset)| {
                let text = |name: &str| headers.get(name)?.to_str().ok();
                Some((text(left)?.trim().parse::<f64>().ok()?, span(text(reset)?, wall)?))
            })?;
            Some((left.max(0.0) / each.max(1.0), reset.min(LONGEST)))
        };
        let quotas = [left(|of| of.requests, 1.0), left(|of| of.tokens, usual_tokens)];
        let slowest = quotas.into_iter().flatten().map(|(left, reset)| {
            // The last one is kept: others may be asking, too.
            (reset.div_f64((left - 1.0).max(1.0)), reset, left < 1.0)
        });
        let (interval, reset, is_empty) = slowest.max_by_key(|(interval, ..)| *interval)?;
        let next_at = if is_empty { now + reset + BURST } else { now };
        Some(Self { interval, next_at, until: now + reset, is_empty })
    }

    /// The newer one takes over; what was just sent counts.
    pub(crate) fn after(self, earlier: &Self) -> Self {
        let next_at = self.next_at.max(earlier.next_at.min(self.next_at + self.interval));
        Self { next_at, ..self }
    }

    /// When to ask again, if nothing may go yet.
    pub(crate) fn hold(&self, now: Instant) -> Option<Instant> {
        (now + BURST < self.next_at && now < self.until).then_some(self.next_at - BURST)
    }

    pub(crate) fn take(&mut self, now: Instant) {
        self.next_at = self.next_at.max(now) + self.interval;
    }

    pub(crate) fn is_over(&self, now: Instant) -> bool {
        now >= self.until
    }
}

/// `1s`, `6m0s`, `20ms`, `1.5` (seconds) or a moment.
fn span(text: &str, wall: fn() -> SystemTime) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    if text.contains('T') {
        let moment = SystemTime::from(text.parse::<jiff::Timestamp>().ok()?);
        return Some(moment.duration_since(wall()).unwrap_or_default());
    }
    humantime::parse_duration(text).ok()
}

#[cfg(test)]
mod tests {
    use evalmark_net::{HeaderName, HeaderValue};

    use super::*;

    const NAMES: [LimitHeaders; 2] = [
        LimitHeaders {
            requests: ("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
            tokens: ("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
        },
        LimitHeaders {
            requests: ("other-ratelimit-requests-remaining", "other-ratelimit-requests-reset"),
            tokens: ("other-ratelimit-tokens-remaining", "other-ratelimit-tokens-reset"),
        },
    ];

    fn wall() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
    }

    fn check_span(text: &str, expected: Option<f64>) {
        let read = span(text, wall).map(|span| span.as_secs_f64());
        assert_eq!(read, expected, "{text}");
    }

    #[test]
    fn reads_spans_and_moments() {
        check_span("1s", Some(1.0));
        check_span("6m0s", Some(360.0));
        check_span("20ms", Some(0.02));
        check_span("1h0m0.5s", Some(3_600.5));
        check_span("7", Some(7.0));
        check_span("2023-11-14T22:13:23Z", Some(3.0));
        check_span("2023-11-14T22:13:00Z", Some(0.0));
        check_span("soon", None);
        check_span("5x", None);
        check_span("-1s", None);
        check_span("nan", None);
        check_span("10000000000000000000s10000000000000000000s", None);
    }

    /// Milliseconds between requests, and until the first.
    fn quota(headers: &[(&'static str, &'static str)], tokens: f64) -> Option<(u128, u128)> {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let now = Instant::now();
        let quota = Quota::read(&headers.collect(), &NAMES, tokens, (now, wall))?;
        Some((quota.interval.as_millis(), (quota.next_at - now).as_millis()))
    }

    #[test]
    fn spreads_what_is_left() {
        let requests = [
            ("x-ratelimit-remaining-requests", "11"),
            ("x-ratelimit-reset-requests", "2s"),
            ("x-ratelimit-remaining-tokens", "1100"),
            ("x-ratelimit-reset-tokens", "500ms"),
        ];
        assert_eq!(quota(&requests, 10.0), Some((200, 0)));
        // Five requests' tokens for half a second: four are spent.
        assert_eq!(quota(&requests[2..], 220.0), Some((125, 0)));
        assert_eq!(quota(&requests[..1], 10.0), None);
        assert_eq!(quota(&[], 10.0), None);
        let other = [
            ("other-ratelimit-requests-remaining", "0"),
            ("other-ratelimit-requests-reset", "2023-11-14T22:13:23Z"),
        ];
        assert_eq!(quota(&other, 10.0), Some((3_000, 3_005)));
    }

    #[test]
    fn holds_until_more_is_there() {
        let now = Instant::now();
        let second = Duration::from_secs(1);
        let until = now + 3 * second;
        let mut quota = Quota { interval: second, next_at: now, until, is_empty: false };
        assert_eq!(quota.hold(now), None);
        quota.take(now);
        assert_eq!(quota.hold(now), Some(now + second - BURST));
        assert!(!quota.is_over(now + second) && quota.is_over(now + 3 * second));
        let newer = Quota { interval: second / 10, until: now + second, next_at: now, ..quota };
        assert_eq!(newer.after(&quota).next_at, now + second / 10);
    }
}

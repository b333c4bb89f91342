//! Servers with limits, in a time that only passes when something happens: what the flow makes of
//! them, counted exactly.

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

use rand::{RngExt, SeedableRng, rngs::SmallRng};
use tokio::time::Instant;

use super::{Flow, Load, Ticket};

/// What a server limits.
#[derive(Clone, Copy, Debug)]
enum Cap {
    /// So many at once.
    Number(usize),
    /// So many a second, from a bucket that holds this many.
    Rate(f64, f64),
    /// So many in each second by the clock.
    Seconds(u32),
    /// Whatever comes.
    None,
}

struct Server {
    cap: Cap,
    in_hand: usize,
    level: f64,
    at: f64,
    used: u32,
}

impl Server {
    fn accepts(&mut self, now: f64) -> bool {
        match self.cap {
            Cap::None => true,
            Cap::Number(most) => self.in_hand < most,
            Cap::Rate(rate, holds) => {
                self.level = (self.level + (now - self.at) * rate).min(holds);
                self.at = now;
                let has_one = self.level >= 1.0;
                self.level -= f64::from(u8::from(has_one));
                has_one
            }
            Cap::Seconds(most) => {
                if now.floor() > self.at.floor() {
                    self.used = 0;
                }
                self.at = now;
                self.used += u32::from(self.used < most + 1);
                self.used <= most
            }
        }
    }

    /// What it can do in a second, where an answer takes `latency` seconds, for a client that asks
    /// for `most` at once.
    fn per_second(&self, latency: f64, most: usize) -> f64 {
        match self.cap {
            Cap::None => most as f64 / latency,
            Cap::Number(most) => most as f64 / latency,
            Cap::Rate(rate, _) => rate,
            Cap::Seconds(most) => f64::from(most),
        }
    }
}

/// After the warm-up: the share of what the server can do, and the share that was refused.
#[derive(Debug)]
struct Figures {
    use_of_cap: f64,
    refused_share: f64,
}

/// An answer's time in seconds: always the same, or up to half of it more or less.
#[derive(Clone, Copy, Debug)]
enum Latency {
    Fixed(f64),
    Varied(f64),
}

/// A client that wants as much as it gets, and the time.
struct Run {
    begin: Instant,
    now: f64,
    rng: SmallRng,
    server: Server,
    latency: Latency,
    /// The share that is refused whatever the load, and how each refusal is told.
    scattered: f64,
    refusal: Load,
    wish: Option<Duration>,
    flow: Flow,
    tickets: Vec<(Ticket, bool)>,
    /// Ends by time in nanoseconds, with their ticket's number.
    ends: BinaryHeap<Reverse<(u128, usize)>>,
}

impl Run {
    fn at(&self, seconds: f64) -> Instant {
        self.begin + Duration::from_secs_f64(seconds)
    }

    /// Sends what may go now; when to try again, if time alone helps.
    fn send(&mut self) -> f64 {
        while self.ends.len() < self.flow.size() {
            let ticket = match self.flow.go(self.at(self.now)) {
                Ok(ticket) => ticket,
                Err(until) => {
                    // As timers do: to the next millisecond.
                    let delay = until.saturating_duration_since(self.at(self.now));
                    return self.now + (delay.as_secs_f64() * 1e3).ceil().max(1.0) / 1e3;
                }
            };
            let is_lucky = self.rng.random::<f64>() >= self.scattered;
            let is_accepted = is_lucky && self.server.accepts(self.now);
            self.server.in_hand += usize::from(is_accepted);
            let took = match self.latency {
                _ if !is_accepted => 0.001 + self.rng.random::<f64>() * 0.001,
                Latency::Fixed(time) => time,
                Latency::Varied(time) => time * (0.5 + self.rng.random::<f64>()),
            };
            let end = Duration::from_secs_f64(self.now + took).as_nanos();
            self.ends.push(Reverse((end, self.tickets.len())));
            self.tickets.push((ticket, is_accepted));
        }
        f64::INFINITY
    }

    /// Goes on to the next end or to `wake`; whether an attempt was accepted, if one ended.
    fn advance(&mut self, wake: f64) -> Option<bool> {
        let next = self.ends.peek().map_or(f64::INFINITY, |Reverse((end, _))| *end as f64 / 1e9);
        self.now = next.min(wake).max(self.now);
        if wake < next {
            return None;
        }
        let Reverse((_, index)) = self.ends.pop()?;
        let (ticket, is_accepted) = self.tickets[index];
        self.server.in_hand -= usize::from(is_accepted);
        let load = if is_accepted { Load::Normal } else { self.refusal };
        let wish = self.wish.filter(|_| !is_accepted);
        self.flow.arrive(ticket, load, wish, self.at(self.now));
        Some(is_accepted)
    }
}

fn start(cap: Cap, most: usize, latency: Latency) -> Run {
    let begin = Instant::now();
    let level = if let Cap::Rate(_, holds) = cap { holds } else { 0.0 };
    Run {
        begin,
        now: 0.0,
        rng: SmallRng::seed_from_u64(7),
        server: Server { cap, in_hand: 0, level, at: 0.0, used: 0 },
        latency,
        scattered: 0.0,
        refusal: Load::TooMany,
        wish: None,
        flow: Flow::new(most, begin),
        tickets: Vec::new(),
        ends: BinaryHeap::new(),
    }
}

/// Two minutes, of which the first quarter is the warm-up.
fn figures(mut run: Run, most: usize) -> Figures {
    let (seconds, warm) = (120.0, 30.0);
    let (mut accepted, mut refused) = (0, 0);
    while run.now < seconds {
        let wake = run.send();
        let ended = run.advance(wake).filter(|_| run.now > warm);
        accepted += u32::from(ended == Some(true));
        refused += u32::from(ended == Some(false));
    }
    let (Latency::Fixed(mean) | Latency::Varied(mean)) = run.latency;
    let possible = run.server.per_second(mean, most) * (seconds - warm);
    Figures {
        use_of_cap: f64::from(accepted) / possible,
        refused_share: f64::from(refused) / f64::from(refused + accepted),
    }
}

fn check(cap: Cap, most: usize, latency: Latency) {
    let figures = figures(start(cap, most, latency), most);
    assert!(figures.use_of_cap >= 0.9, "{cap:?}, {latency:?}: {figures:?}");
    assert!(figures.refused_share < 0.02, "{cap:?}, {latency:?}: {figures:?}");
}

#[test]
fn a_number_at_once_is_found_from_ten_times_too_many() {
    for number in [2, 3, 6, 20, 100, 400] {
        for time in [0.02, 0.2] {
            check(Cap::Number(number), number * 10, Latency::Fixed(time));
            check(Cap::Number(number), number * 10, Latency::Varied(time));
        }
    }
}

#[test]
fn a_rate_is_found_from_ten_times_too_many() {
    for rate in [20_u32, 100, 450, 2_000] {
        for milliseconds in [2, 50, 500] {
            // Ten times what the rate needs.
            let most = (rate * milliseconds / 100).max(10) as usize;
            let (per_second, time) = (f64::from(rate), f64::from(milliseconds) / 1e3);
            if milliseconds < 100 {
                let cap = Cap::Rate(per_second, (per_second / 20.0).max(1.0));
                check(cap, most, Latency::Fixed(time));
            }
            check(Cap::Rate(per_second, per_second), most, Latency::Varied(time));
            check(Cap::Seconds(rate), most, Latency::Varied(time));
        }
    }
}

/// How many were accepted and refused in the first second.
fn first_second(mut run: Run) -> (u32, u32) {
    let (mut accepted, mut refused) = (0, 0);
    while run.now < 1.0 {
        let wake = run.send();
        match run.advance(wake) {
            Some(true) => accepted += 1,
            Some(false) => refused += 1,
            None => {}
        }
    }
    (accepted, refused)
}

#[test]
fn a_limit_that_the_server_bears_is_used_at_once() {
    for most in [50, 65, 400, 4_096] {
        let (accepted, _) = first_second(start(Cap::None, most, Latency::Fixed(0.18)));
        let possible = u32::try_from(5 * most).expect("few");
        assert!(accepted >= possible, "{most}: {accepted}");
    }
}

#[test]
fn a_limit_far_above_the_servers_costs_few_refusals() {
    for number in [10, 100, 1_000] {
        let latency = Latency::Varied(0.2);
        let (_, refused) = first_second(start(Cap::Number(number), 20_000, latency));
        assert!(refused < 2_000, "{number}: {refused}");
    }
}

/// At least `least` of what the server can do is used, though a share of all requests is refused
/// whatever the load, with this wish for a pause; no more is refused than there must be.
fn check_scattered(
    cap: Cap,
    (most, latency): (usize, f64),
    (share, wish): (f64, Option<u64>),
    least: f64,
) {
    for refusal in [Load::TooMany, Load::Overloaded] {
        let mut run = start(cap, most, Latency::Varied(latency));
        (run.scattered, run.refusal) = (share, refusal);
        run.wish = wish.map(Duration::from_millis);
        let figures = figures(run, most);
        let shown = format!("{cap:?}, {latency}, {share}, {wish:?}, {refusal:?}: {figures:?}");
        assert!(figures.use_of_cap >= least, "{shown}");
        assert!(figures.refused_share < 1.5 * share + 0.05, "{shown}");
    }
}

#[test]
fn refusals_that_come_at_any_rate_starve_nobody() {
    for share in [0.01, 0.2] {
        check_scattered(Cap::None, (64, 0.02), (share, None), 0.8);
    }
    for share in [0.003, 0.01, 0.03, 0.1] {
        check_scattered(Cap::None, (64, 0.1), (share, Some(50)), 0.8);
        check_scattered(Cap::None, (64, 1.0), (share, Some(1_000)), 0.6);
        check_scattered(Cap::None, (8, 0.2), (share, None), 0.6);
    }
}

#[test]
fn a_limit_is_kept_to_where_others_are_refused_at_any_rate() {
    for share in [0.003, 0.01] {
        check_scattered(Cap::Number(20), (200, 0.1), (share, None), 0.5);
        check_scattered(Cap::Rate(200.0, 20.0), (100, 0.1), (share, None), 0.5);
        check_scattered(Cap::Rate(200.0, 200.0), (100, 0.1), (share, Some(200)), 0.5);
    }
}

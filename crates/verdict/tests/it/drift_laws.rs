//! Laws of drift: what changes nothing, what is forgotten, and evidence that does not grow while nothing drifts.

use evalmark_core::metric::Direction;
use evalmark_verdict::{
    DriftMonitor, DriftRule, ReferenceSample, ScoreRange, StreamRule, StreamValue, ValueSums,
};
use proptest::prelude::*;

use crate::common::Draw;

/// A value of each stream: a score, an amount and a category, and whose it is.
#[derive(Clone, Debug)]
struct Record {
    score: f64,
    amount: f64,
    word: &'static str,
    user: Option<u64>,
    language: &'static str,
}

impl Record {
    fn of<V>(&self, value: V) -> StreamValue<'static, V> {
        StreamValue { cluster: self.user, stratum: self.language, ..StreamValue::of(value) }
    }
}

fn record() -> impl Strategy<Value = Record> {
    let score =
        prop_oneof![Just(0.0), Just(1.0), (0_u8..=4).prop_map(|four| f64::from(four) / 4.0)];
    let word = prop::sample::select(vec!["stop", "length", "filter", "tools"]);
    let language = prop::sample::select(vec!["en", "de"]);
    let all = (score, 0.0..100.0, word, prop::option::of(0_u64..5), language);
    all.prop_map(|(score, amount, word, user, language)| Record {
        score,
        amount,
        word,
        user,
        language,
    })
}

/// Days of records.
fn days(most: usize) -> impl Strategy<Value = Vec<Vec<Record>>> {
    prop::collection::vec(prop::collection::vec(record(), 1..12), 1..most)
}

/// A monitor of three streams, which is held against eighty records.
fn monitor(rule: DriftRule) -> DriftMonitor {
    let mut draw = Draw::new(1);
    let mut one = |i: usize| Record {
        score: f64::from(u8::from(draw.uniform() < 0.9)),
        amount: 10.0 * draw.uniform(),
        word: if i.is_multiple_of(20) { "length" } else { "stop" },
        user: None,
        language: if i.is_multiple_of(4) { "de" } else { "en" },
    };
    let records: Vec<_> = (0..80).map(&mut one).collect();
    let scores: Vec<_> = records.iter().map(|record| record.of(record.score)).collect();
    let amounts: Vec<_> = records.iter().map(|record| record.of(record.amount)).collect();
    let words: Vec<_> = records.iter().map(|record| record.of(record.word)).collect();
    let scores = ReferenceSample::of_scores(ScoreRange::UNIT, &scores).expect("sound");
    let amounts = ReferenceSample::of_amounts(&amounts).expect("sound");
    let streams = vec![
        (StreamRule::new("score").worse(Direction::Higher), scores),
        (StreamRule::new("amount"), amounts),
        (StreamRule::new("word"), ReferenceSample::of_categories(&words)),
    ];
    DriftMonitor::new(rule, streams).expect("a sound rule")
}

fn observe(monitor: &mut DriftMonitor, record: &Record) {
    monitor.observe(0, &record.of(record.score));
    monitor.observe(1, &record.of(record.amount));
    monitor.observe_category(2, &record.of(record.word));
}

fn watch(monitor: &mut DriftMonitor, days: &[Vec<Record>], from: i64) {
    for (at, day) in (from..).zip(days) {
        for record in day {
            observe(monitor, record);
        }
        monitor.close_look(at);
    }
}

/// The evidence of each stream, and whether it has an alarm.
fn evidence(monitor: &DriftMonitor) -> Vec<(f64, bool)> {
    let streams = monitor.report().streams;
    streams.iter().map(|stream| (stream.evidence, stream.alarm.is_some())).collect()
}

/// But for the rounding of sums.
fn are_close(a: &[(f64, bool)], b: &[(f64, bool)]) -> bool {
    let close = |a: f64, b: f64| (a - b).abs() <= 1e-6 * a.abs().max(1e-6);
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| close(a.0, b.0) && a.1 == b.1)
}

fn daily() -> DriftRule {
    DriftRule::default()
}

fn weekly() -> DriftRule {
    DriftRule { cycle: 7, ..DriftRule::default() }
}

/// A look without one of the languages waits for it.
fn patient(rule: &DriftRule) -> DriftRule {
    DriftRule { patience: 1000, ..rule.clone() }
}

proptest! {
    #[test]
    fn the_order_of_records_within_a_day_does_not_matter(
        days in days(20), seed in any::<u64>(), is_weekly in any::<bool>(),
    ) {
        let rule = if is_weekly { weekly() } else { daily() };
        let mut shuffled = days.clone();
        let mut draw = Draw::new(seed);
        for day in &mut shuffled {
            day.sort_by_cached_key(|_| draw.uniform().to_bits());
        }
        let (mut one, mut other) = (monitor(rule.clone()), monitor(rule));
        watch(&mut one, &days, 0);
        watch(&mut other, &shuffled, 0);
        prop_assert!(are_close(&evidence(&one), &evidence(&other)), "{one:?} {other:?}");
    }

    /// Nor does that of the days of a week.
    #[test]
    fn the_order_of_days_within_a_week_does_not_matter(
        days in prop::collection::vec(prop::collection::vec(record(), 1..12), 7..=7), by in 1_usize..7,
    ) {
        let mut rotated = days.clone();
        rotated.rotate_left(by);
        let (mut one, mut other) = (monitor(weekly()), monitor(weekly()));
        watch(&mut one, &days, 0);
        watch(&mut other, &rotated, 0);
        prop_assert!(are_close(&evidence(&one), &evidence(&other)), "{one:?} {other:?}");
    }

    /// A day without records is no bet, whenever it comes.
    #[test]
    fn days_without_records_change_nothing(days in days(20), after in 0_usize..20, n in 1_usize..30) {
        let mut with = days.clone();
        let after = after.min(days.len());
        with.splice(after..after, vec![Vec::new(); n]);
        let (mut one, mut other) = (monitor(patient(&daily())), monitor(patient(&daily())));
        watch(&mut one, &days, 0);
        watch(&mut other, &with, 0);
        prop_assert_eq!(evidence(&one), evidence(&other));
    }

    /// Nor do whole weeks without any.
    #[test]
    fn weeks_without_records_change_nothing(days in days(30), weeks in 0_usize..4, n in 1_usize..5) {
        let mut with = days.clone();
        let after = (7 * weeks).min(days.len() / 7 * 7);
        with.splice(after..after, vec![Vec::new(); 7 * n]);
        let (mut one, mut other) = (monitor(patient(&weekly())), monitor(patient(&weekly())));
        watch(&mut one, &days, 0);
        watch(&mut other, &with, 0);
        prop_assert_eq!(evidence(&one), evidence(&other));
    }

    #[test]
    fn a_cleared_stream_is_as_new(
            before in days(15), after in days(15), is_weekly in any::<bool>(),
        ) {
            let rule = if is_weekly { weekly() } else { daily() };
            let (mut cleared, mut new) = (monitor(rule.clone()), monitor(rule));
        watch(&mut cleared, &before, 0);
        (0..3).for_each(|place| cleared.clear_alarm(place));
        prop_assert!(evidence(&cleared).iter().all(|one| *one == (0.0, false)));
        watch(&mut cleared, &after, 200);
        watch(&mut new, &after, 200);
        prop_assert!(are_close(&evidence(&cleared), &evidence(&new)), "{cleared:?} {new:?}");
    }

    /// Whoever writes twice as much in a day counts once all the same.
    #[test]
    fn a_user_who_says_the_same_twice_counts_once(days in days(15)) {
        let user = |record: Record, user: u64| Record { user: Some(user), ..record };
        let named: Vec<Vec<_>> =
            days.into_iter().map(|day| day.into_iter().zip(0..).map(|(one, at)| user(one, at)).collect()).collect();
        let twice: Vec<Vec<_>> = named.iter().map(|day| [&day[..], day].concat()).collect();
        let (mut one, mut other) = (monitor(daily()), monitor(daily()));
        watch(&mut one, &named, 0);
        watch(&mut other, &twice, 0);
        prop_assert!(are_close(&evidence(&one), &evidence(&other)), "{one:?} {other:?}");
    }
}

/// Ville's inequality in 400 years of a stream that is what it is held against: the largest evidence reaches 1/a in a share a of
/// them at most, by three standard errors.
#[test]
fn evidence_seldom_gets_large_while_nothing_drifts() {
    // So many items are released that the end of their interval is nearly their mean.
    let share_of = |right: bool| f64::from(u8::from(right));
    let values: Vec<_> = (0..400_000).map(|i| StreamValue::of(share_of(i % 10 > 0))).collect();
    let sample = ReferenceSample::of_scores(ScoreRange::UNIT, &values).expect("sound");
    let base = DriftMonitor::new(daily(), vec![(StreamRule::new("score"), sample)]);
    let base = base.expect("a sound rule");
    let year = |seed: u64| {
        let mut draw = Draw::new(1000 + seed);
        let mut monitor = base.clone();
        for at in 0..365 {
            let ones = (0..20).filter(|_| draw.uniform() < 0.9).count() as u64;
            monitor.observe_sums(0, "", &ValueSums::counts(20 - ones, ones));
            monitor.close_look(at);
        }
        monitor.report().streams[0].evidence
    };
    let largest: Vec<f64> = (0..400).map(year).collect();
    for share in [0.5, 0.2, 0.05] {
        let n = largest.len() as f64;
        let reached =
            largest.iter().filter(|evidence| **evidence >= -f64::ln(share)).count() as f64;
        let limit = share * n + 3.0 * (share * (1.0 - share) * n).sqrt();
        assert!(reached <= limit, "1/{share}: {reached} years of {n}");
    }
    assert!(largest.iter().any(|evidence| *evidence > 0.5), "bets are made");
}

/// Twenty users come every day, and end half of their answers early; many others come once, and hardly ever do.
#[test]
fn users_who_come_every_day_weigh_as_much_in_the_first_days_as_later() {
    let day = |draw: &mut Draw, look: u32| -> Vec<StreamValue<'static, &'static str>> {
        let one = |user: u64| {
            let cluster = if user < 20 { user } else { user + 1000 * (1 + u64::from(look)) };
            let chance = if user < 20 { 0.5 } else { 0.02 };
            let word = if draw.uniform() < chance { "length" } else { "stop" };
            StreamValue { cluster: Some(cluster), look, ..StreamValue::of(word) }
        };
        (0..60).map(one).collect()
    };
    let mut alarms = 0;
    for seed in 0..20 {
        let mut draw = Draw::new(seed);
        let first: Vec<_> = (0..7).flat_map(|look| day(&mut draw, look)).collect();
        let streams = vec![(StreamRule::new("finish"), ReferenceSample::of_categories(&first))];
        let mut monitor = DriftMonitor::new(weekly(), streams).expect("sound");
        for at in 7..182 {
            for value in day(&mut draw, 7 + at) {
                monitor.observe_category(0, &value);
            }
            monitor.close_look(i64::from(at));
        }
        let level = monitor.report().streams.remove(0);
        alarms += u32::from(level.alarm.is_some());
    }
    assert_eq!(alarms, 0, "years with an alarm, of 20");
}

//! Drift: what raises an alarm and what does not, since when and with what, and simulated years.

use crate::common::Draw;
use evalmark_core::{
    drift::{Movement, StreamDrift},
    metric::Direction,
};
use evalmark_verdict::{
    DriftError, DriftMonitor, DriftRule, ReferenceSample, ScoreRange, StreamRule, StreamValue,
    ValueSums,
};

/// A monitor of one stream of right and wrong answers, of which the released run has so many.
fn binary(rule: DriftRule, n: u64, right: u64) -> DriftMonitor {
    let values: Vec<_> = (0..n).map(|i| StreamValue::of(share_of(i < right))).collect();
    let sample = ReferenceSample::of_scores(ScoreRange::UNIT, &values).expect("sound");
    let stream = StreamRule::new("exact").worse(Direction::Higher);
    DriftMonitor::new(rule, vec![(stream, sample)]).expect("a sound rule")
}

fn share_of(right: bool) -> f64 {
    f64::from(u8::from(right))
}

/// A day of so many answers, of which each is right with this chance.
fn day(draw: &mut Draw, n: u64, chance: f64) -> ValueSums {
    let ones = (0..n).filter(|_| draw.uniform() < chance).count() as u64;
    ValueSums::counts(n - ones, ones)
}

fn first(monitor: &DriftMonitor) -> StreamDrift {
    monitor.report().streams.remove(0)
}

#[test]
fn a_drop_is_called_and_dated() {
    let mut monitor = binary(DriftRule::default(), 1000, 900);
    let mut draw = Draw::new(1);
    for at in 0..60 {
        let chance = if at < 40 { 0.9 } else { 0.8 };
        monitor.observe_sums(0, "", &day(&mut draw, 100, chance));
        let raised = monitor.close_look(at);
        assert!(at >= 40 || !raised, "a false alarm at {at}");
    }
    let stream = first(&monitor);
    let alarm = stream.alarm.expect("a drop of ten points is called in twenty days");
    assert!((40..50).contains(&alarm.at), "{alarm:?}");
    assert_eq!(alarm.moved, Movement::Down);
    assert!(alarm.began_earliest <= 40 && alarm.began_latest >= 40, "{alarm:?}");
    assert!((38..=42).contains(&alarm.began), "{alarm:?}");
    assert!((alarm.before.mean - 0.9).abs() < 0.01 && (alarm.now.mean - 0.8).abs() < 0.03);
    assert!(stream.threshold.is_some_and(|threshold| stream.evidence >= threshold));
}

#[test]
fn only_the_watched_movement_is_called() {
    let mut monitor = binary(DriftRule::default(), 500, 400);
    for at in 0..30 {
        monitor.observe_sums(0, "", &ValueSums::counts(2, 98));
        assert!(!monitor.close_look(at), "a rise of a score that only may not drop");
    }
}

#[test]
fn what_the_released_run_cannot_tell_is_no_drift() {
    // 88 % is within the interval of 45 of 50, and so it stays however much production there is.
    let mut monitor = binary(DriftRule::default(), 50, 45);
    for at in 0..365 {
        monitor.observe_sums(0, "", &ValueSums::counts(1200, 8800));
        assert!(!monitor.close_look(at));
    }
    // Within the tolerance it is none either.
    let values: Vec<_> = (0..100_000).map(|i| StreamValue::of(share_of(i % 10 > 0))).collect();
    let sample = ReferenceSample::of_scores(ScoreRange::UNIT, &values).expect("sound");
    let rule = StreamRule { tolerance: 0.03, ..StreamRule::new("exact") };
    let mut monitor =
        DriftMonitor::new(DriftRule::default(), vec![(rule, sample)]).expect("a sound rule");
    for at in 0..100 {
        monitor.observe_sums(0, "", &ValueSums::counts(1200, 8800));
        assert!(!monitor.close_look(at));
    }
}

/// Right with 95 % in English and 60 % in German: the mix may change, the answers may not.
#[test]
fn another_mix_of_languages_is_no_drift() {
    let chance = |german: bool| if german { 0.6 } else { 0.95 };
    let mut draw = Draw::new(2);
    let mut value = |share: f64, loss: f64| {
        let german = draw.uniform() < share;
        let right = draw.uniform() < chance(german) - loss;
        let stratum = if german { "de" } else { "en" };
        StreamValue { stratum, ..StreamValue::of(share_of(right)) }
    };
    let released: Vec<_> = (0..2000).map(|_| value(0.2, 0.0)).collect();
    let sample = ReferenceSample::of_scores(ScoreRange::UNIT, &released).expect("sound");
    let rule = StreamRule::new("exact");
    let mut monitor =
        DriftMonitor::new(DriftRule::default(), vec![(rule, sample)]).expect("a sound rule");
    for at in 0..100 {
        let weekend = at % 7 >= 5;
        for _ in 0..if weekend { 40 } else { 200 } {
            let loss = if at < 70 { 0.0 } else { 0.1 };
            monitor.observe(0, &value(if weekend { 0.7 } else { 0.2 }, loss));
        }
        let raised = monitor.close_look(at);
        assert!(at >= 70 || !raised, "called at {at}, where only the mix changes");
    }
    let alarm = first(&monitor).alarm.expect("ten points in all languages are called");
    assert!(alarm.began_earliest <= 70 && 70 <= alarm.began_latest, "{alarm:?}");
    // A language that the released run has not says nothing about it.
    monitor.observe(0, &StreamValue { stratum: "fr", ..StreamValue::of(0.0) });
    assert_eq!(first(&monitor).n_left_out, 1);
}

/// Six points less at weekends, made up for on other days.
#[test]
fn a_weekly_rhythm_is_no_drift_in_a_cycle_of_seven() {
    let mut alarms = [0, 0];
    for seed in 0..20 {
        for (at, cycle) in [1, 7].into_iter().enumerate() {
            let rule = DriftRule { cycle, ..DriftRule::default() };
            let mut monitor = binary(rule, 5000, 4500);
            let mut draw = Draw::new(seed);
            for look in 0..364 {
                let chance = if look % 7 >= 5 { 0.84 } else { 0.924 };
                monitor.observe_sums(0, "", &day(&mut draw, 500, chance));
                monitor.close_look(look);
            }
            alarms[at] += u32::from(first(&monitor).alarm.is_some());
        }
    }
    assert_eq!(alarms[1], 0, "alarms in cycles of seven");
    assert!(alarms[0] >= 10, "days by themselves do differ: {}", alarms[0]);
}

#[test]
fn a_model_swap_is_called_and_named() {
    let served = |name| StreamValue::of(name);
    let models = vec![served("small-2026-05"); 300];
    let sample = ReferenceSample::of_categories(&models);
    let answers: Vec<_> = (0..300).map(|i| StreamValue::of(share_of(i % 10 > 0))).collect();
    let exact = ReferenceSample::of_scores(ScoreRange::UNIT, &answers).expect("sound");
    let lengths: Vec<_> = (0..300).map(|i| StreamValue::of(f64::from(100 + i % 60))).collect();
    let length = ReferenceSample::of_amounts(&lengths).expect("sound");
    let streams = vec![
        (StreamRule::new("model"), sample),
        (StreamRule::new("exact"), exact),
        (StreamRule::new("length"), length),
    ];
    let mut monitor = DriftMonitor::new(DriftRule::default(), streams).expect("sound");
    let mut draw = Draw::new(3);
    for at in 0..40 {
        let swapped = at >= 30;
        monitor.observe_sums(1, "", &day(&mut draw, 50, if swapped { 0.7 } else { 0.9 }));
        for _ in 0..50 {
            let model = if swapped { "small-2026-09" } else { "small-2026-05" };
            monitor.observe_category(0, &served(model));
            monitor.observe(2, &StreamValue::of(100.0 + (60.0 * draw.uniform()).floor()));
        }
        monitor.close_look(at);
    }
    let report = monitor.report();
    let [model, exact, length] = &report.streams[..] else { panic!("three streams") };
    let alarm = model.alarm.as_ref().expect("another model is called");
    assert_eq!((alarm.at, alarm.began, alarm.began_latest), (30, 30, 30), "{alarm:?}");
    assert_eq!(model.unseen[0].name, "small-2026-09");
    assert_eq!((model.unseen[0].first_seen, model.unseen[0].n), (30, 500));
    let alarm = exact.alarm.as_ref().expect("twenty points are called");
    assert_eq!(alarm.alongside[0].name, "model", "{:?}", alarm.alongside);
    assert!(alarm.alongside[0].strength > 10.0 * alarm.alongside[1].strength.max(1.0));
    assert_eq!(length.alarm, None);
}

#[test]
fn amounts_are_held_against_the_whole_distribution() {
    let mut draw = Draw::new(4);
    let released: Vec<_> = (0..500).map(|_| StreamValue::of(draw.normal().exp())).collect();
    let sample = ReferenceSample::of_amounts(&released).expect("sound");
    let rule = StreamRule::new("latency").worse(Direction::Lower);
    let mut monitor = DriftMonitor::new(DriftRule::default(), vec![(rule, sample)]).expect("sound");
    for at in 0..60 {
        for _ in 0..100 {
            let slower = if at < 40 { 1.0 } else { 1.5 };
            monitor.observe(0, &StreamValue::of(slower * draw.normal().exp()));
        }
        // One answer that took a century moves no rank by more than its own.
        monitor.observe(0, &StreamValue::of(3e9));
        let raised = monitor.close_look(at);
        assert!(at >= 40 || !raised, "a false alarm at {at}");
    }
    let alarm = first(&monitor).alarm.expect("half as slow again is called");
    assert_eq!(alarm.moved, Movement::Up);
    assert!(alarm.now.mean > 0.55, "{alarm:?}");
}

#[test]
fn a_monitor_goes_on_where_it_stopped() {
    let values: Vec<_> = (0..200_u64)
        .map(|i| StreamValue {
            cluster: Some(i / 4),
            stratum: if i % 8 < 4 { "a" } else { "b" },
            ..StreamValue::of(share_of(i % 5 > 0))
        })
        .collect();
    let sample = ReferenceSample::of_scores(ScoreRange::UNIT, &values).expect("sound");
    let streams = vec![(StreamRule::new("exact"), sample)];
    let mut whole = DriftMonitor::new(DriftRule::default(), streams).expect("sound");
    let mut stopped = whole.clone();
    let mut draw = Draw::new(5);
    for at in 0..30 {
        for one in 0..40 {
            let value = StreamValue {
                cluster: Some(one / 3),
                stratum: if one % 2 == 0 { "a" } else { "b" },
                ..StreamValue::of(share_of(draw.uniform() < 0.6))
            };
            whole.observe(0, &value);
            stopped.observe(0, &value);
            if one % 17 == 0 {
                let text = serde_json::to_string(&stopped).expect("plain data");
                stopped = serde_json::from_str(&text).expect("what was written");
            }
        }
        assert_eq!(whole.close_look(at), stopped.close_look(at));
    }
    assert_eq!(whole, stopped);
    assert!(first(&whole).alarm.is_some(), "twenty points");
}

/// Once one stream has its alarm, the others need less.
#[test]
fn streams_share_alpha_and_inherit_it() {
    let stream = |name: &str| {
        let values: Vec<_> = (0..1000).map(|i| StreamValue::of(share_of(i % 10 > 0))).collect();
        let sample = ReferenceSample::of_scores(ScoreRange::UNIT, &values).expect("sound");
        (StreamRule::new(name), sample)
    };
    let streams = ["a", "b", "c", "d"].map(stream).into();
    let mut monitor = DriftMonitor::new(DriftRule::default(), streams).expect("sound");
    let threshold = |monitor: &DriftMonitor| {
        monitor.report().streams[1].threshold.expect("a stream that raises alarms")
    };
    let before = threshold(&monitor);
    monitor.observe_sums(0, "", &ValueSums::counts(900, 100));
    assert!(monitor.close_look(0));
    let report = monitor.report();
    assert_eq!(report.alarmed().count(), 1);
    let gained = before - threshold(&monitor);
    assert!((gained - (4.0_f64 / 3.0).ln()).abs() < 1e-12, "{gained}");
    monitor.clear_alarm(0);
    assert_eq!(monitor.report().alarmed().count(), 0);
}

#[test]
fn a_stream_without_weight_only_accompanies_others() {
    let words = [StreamValue::of("stop"); 50];
    let rule = StreamRule::new("finish").context();
    let streams = vec![(rule, ReferenceSample::of_categories(&words))];
    let mut monitor = DriftMonitor::new(DriftRule::default(), streams).expect("sound");
    for at in 0..50 {
        for _ in 0..50 {
            monitor.observe_category(0, &StreamValue::of("length"));
        }
        assert!(!monitor.close_look(at));
    }
    let text = serde_json::to_string(&monitor).expect("plain data");
    assert_eq!(serde_json::from_str::<DriftMonitor>(&text).expect("as written"), monitor);
    let stream = first(&monitor);
    assert_eq!((stream.alarm, stream.threshold), (None, None));
    assert_eq!(stream.unseen[0].n, 2500);
}

#[test]
fn what_cannot_be_watched_is_said() {
    let sample =
        || ReferenceSample::of_scores(ScoreRange::UNIT, &[StreamValue::of(1.0)]).expect("sound");
    let check = |rule: DriftRule, streams: Vec<StreamRule>, expected: DriftError| {
        let streams = streams.into_iter().map(|one| (one, sample())).collect();
        assert_eq!(DriftMonitor::new(rule, streams).err(), Some(expected));
    };
    let rule = DriftRule::default;
    let one = || StreamRule::new("x");
    check(DriftRule { alpha: 0.0, ..rule() }, vec![], DriftError::Alpha(0.0));
    check(DriftRule { cycle: 0, ..rule() }, vec![], DriftError::Looks);
    check(DriftRule { looks_per_year: 3, cycle: 7, ..rule() }, vec![], DriftError::Looks);
    check(rule(), vec![one(), one()], DriftError::SameName("x".into()));
    let light = StreamRule { weight: -1.0, ..one() };
    check(rule(), vec![light], DriftError::Stream("x".into()));
    let nothing = ReferenceSample::of_amounts(&[]).expect("nothing is wrong");
    let monitor = DriftMonitor::new(rule(), vec![(one(), nothing)]);
    assert_eq!(monitor.err(), Some(DriftError::Empty("x".into())));
    let outside = [StreamValue::of(1.5)];
    let sample = ReferenceSample::of_scores(ScoreRange::UNIT, &outside);
    assert_eq!(sample.err(), Some(DriftError::Value(1.5)));
}

/// Years in which nothing changes: at most 5 % of them have an alarm, by three standard errors.
#[test]
fn null_years_raise_no_more_alarms_than_stated() {
    type Value = fn(&mut Draw) -> f64;
    let binary: Value = |draw| share_of(draw.uniform() < 0.9);
    let rare: Value = |draw| share_of(draw.uniform() < 0.01);
    let ceiling: Value = |draw| (1.2 * draw.uniform()).min(1.0);
    let skewed: Value = |draw| 1.0 - draw.uniform().powi(6);
    for (name, value) in
        [("binary", binary), ("rare", rare), ("ceiling", ceiling), ("skewed", skewed)]
    {
        for n in [30, 300] {
            let years = 60;
            let alarms = (0..years).filter(|&seed| null_year(value, n, seed)).count();
            let limit = 0.05 * years as f64 + 3.0 * (0.05 * 0.95 * years as f64).sqrt();
            assert!(
                (alarms as f64) <= limit,
                "{name}, {n} items: {alarms} alarms in {years} years"
            );
        }
    }
}

fn null_year(value: fn(&mut Draw) -> f64, n: usize, seed: u64) -> bool {
    let mut draw = Draw::new(seed);
    let released: Vec<_> = (0..n).map(|_| StreamValue::of(value(&mut draw))).collect();
    let sample = ReferenceSample::of_scores(ScoreRange::UNIT, &released).expect("sound");
    let streams = vec![(StreamRule::new("score"), sample)];
    let mut monitor = DriftMonitor::new(DriftRule::default(), streams).expect("sound");
    (0..365).any(|at| {
        for _ in 0..50 {
            monitor.observe(0, &StreamValue::of(value(&mut draw)));
        }
        monitor.close_look(at)
    })
}

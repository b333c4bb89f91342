//! What a monitor says of its streams, in the values' own units.

use evalmark_core::drift::{
    ChangedAlongside, DriftAlarm, Movement, StreamDrift, StreamKind, StreamLevel,
};

use super::{
    look::Point,
    monitor::DriftMonitor,
    onset::{Segment, change, segment, strength, unit_variance},
    reference::ValueScale,
    stream::{RaisedAlarm, Share, Stream},
};

impl DriftMonitor {
    pub(super) fn describe(&self, stream: &Stream) -> StreamDrift {
        let place = stream.alarm.map_or_else(|| stream.most_moved(), |alarm| alarm.share);
        let share = &stream.shares[place];
        let left: f64 = self.streams.iter().filter(|one| one.is_quiet()).map(|one| one.alpha).sum();
        let alpha =
            if stream.is_quiet() { self.rule.alpha * stream.alpha / left } else { stream.alpha };
        StreamDrift {
            name: stream.rule.name.clone(),
            kind: stream.kind(),
            watched: stream.rule.watched,
            alpha: stream.alpha,
            released: stream.released_level(share),
            production: stream.level(&share.production()),
            category: stream.category(place),
            evidence: stream.largest.ln(),
            threshold: (alpha > 0.0).then(|| Stream::threshold(alpha).ln()),
            alarm: stream.alarm.and_then(|alarm| self.describe_alarm(stream, alarm)),
            n_left_out: stream.n_left_out,
            n_waiting: stream.waiting.n_values,
            strata_lacking: stream.lacking(),
            unseen: match &stream.scale {
                ValueScale::Category(categories) => categories.unseen().to_vec(),
                _ => Vec::new(),
            },
        }
    }

    fn describe_alarm(&self, stream: &Stream, alarm: RaisedAlarm) -> Option<DriftAlarm> {
        let share = &stream.shares[alarm.share];
        let points = &share.history;
        let change = change(&share.released, points, Some(alarm.moved == Movement::Up))?;
        let spread = unit_variance(&share.released, points, change.began);
        let (before, after) = points.split_at(change.began);
        let before = segment(before.iter().chain([&share.released]), spread);
        let now = segment(after.iter(), spread);
        let began = points[change.began].at;
        Some(DriftAlarm {
            at: alarm.at,
            moved: alarm.moved,
            began,
            began_earliest: points[change.earliest].at,
            began_latest: points[change.latest].at,
            before: stream.level(&before),
            now: stream.level(&now),
            alongside: self.alongside(stream, began),
        })
    }

    /// Every other stream, split at the same look.
    fn alongside(&self, of: &Stream, began: i64) -> Vec<ChangedAlongside> {
        let others = self.streams.iter().filter(|stream| stream.rule.name != of.rule.name);
        let mut found: Vec<ChangedAlongside> =
            others.filter_map(|stream| stream.alongside(began)).collect();
        found.sort_by(|a, b| b.strength.total_cmp(&a.strength));
        found
    }
}

impl Share {
    /// All of production that is remembered.
    fn production(&self) -> Segment {
        let spread = unit_variance(&self.released, &self.history, 0);
        segment(self.history.iter(), spread)
    }

    /// How clearly it changed at a look, if it has values before and after.
    fn strength(&self, began: i64) -> Option<(usize, f64)> {
        let at = self.history.partition_point(|point| point.at < began);
        (at < self.history.len()).then(|| (at, strength(&self.released, &self.history, at)))
    }
}

impl Stream {
    fn alongside(&self, began: i64) -> Option<ChangedAlongside> {
        let all = self.shares.iter().enumerate();
        let all = all.filter_map(|(place, share)| Some((place, share.strength(began)?)));
        let all: Vec<_> = all.collect();
        let most = all.iter().map(|one| one.1.1).fold(0.0, f64::max);
        // Where one category takes another's place, both move alike but for rounding: the one that comes is named.
        let (place, (at, strength)) =
            all.into_iter().rfind(|one| one.1.1 >= most * (1.0 - 1e-6))?;
        let share = &self.shares[place];
        let (before, after) = share.history.split_at(at);
        let before = segment(before.iter().chain([&share.released]), 0.0);
        let now = segment(after.iter(), 0.0);
        Some(ChangedAlongside {
            name: self.rule.name.clone(),
            category: self.category(place),
            before: self.own_units(&before),
            now: self.own_units(&now),
            strength,
        })
    }

    /// The share with the richest bets.
    fn most_moved(&self) -> usize {
        let richest =
            |share: &Share| share.sides.iter().map(|side| side.wealth.value()).fold(0.0, f64::max);
        let all = self.shares.iter().enumerate();
        // Of equally rich ones the first, which is the most frequent category.
        all.rev().max_by(|a, b| richest(a.1).total_cmp(&richest(b.1))).map_or(0, |one| one.0)
    }

    fn category(&self, place: usize) -> Option<String> {
        match &self.scale {
            ValueScale::Category(categories) => categories.names().get(place).cloned(),
            _ => None,
        }
    }

    fn lacking(&self) -> Vec<String> {
        let has_waited = self.waiting.n_units() > 0.0;
        let lacking = self.waiting.lacking().filter(|_| has_waited);
        lacking.map(|at| self.strata.names[at].clone()).collect()
    }

    fn own_units(&self, segment: &Segment) -> f64 {
        match self.kind() {
            StreamKind::Amount => segment.amount,
            _ => self.scaled(segment.mean),
        }
    }

    fn scaled(&self, value: f64) -> f64 {
        match self.scale {
            ValueScale::Score { low, high } => low + value * (high - low),
            _ => value,
        }
    }

    fn level(&self, segment: &Segment) -> StreamLevel {
        let (low, high) = segment.ends();
        StreamLevel {
            mean: self.scaled(segment.mean),
            low: self.scaled(low.max(0.0)),
            high: self.scaled(high.min(1.0)),
            n: rounded(segment.n),
            amount: (self.kind() == StreamKind::Amount).then_some(segment.amount),
        }
    }

    fn released_level(&self, share: &Share) -> StreamLevel {
        let Point { n, mean, amount, .. } = share.released;
        StreamLevel {
            mean: self.scaled(mean),
            low: self.scaled(share.low),
            high: self.scaled(share.high),
            n: rounded(n),
            amount: (self.kind() == StreamKind::Amount).then_some(amount),
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of units")]
fn rounded(n: f64) -> u64 {
    n.round() as u64
}

//! Comparisons that are decided together: correction, exit code, and the names of the items behind.

use evalmark_core::{
    metric::Direction,
    suite::{Correction, GateSpec},
    verdict::{Flip, Measure, Verdict},
};
use evalmark_store::record::RunRecord;
use evalmark_verdict::{self as verdict, Cause, Decision, gate_with};

use super::{GateOutcome, undecided};

use crate::{error::Result, variants::Variant};

/// Random flips of max-T.
const SIGN_FLIPS: u32 = 9999;

/// Comparisons that are decided together.
#[derive(Default)]
pub(crate) struct Family<'a> {
    judged: Vec<Decision>,
    /// The variants that each is about, baseline first: they name its items.
    variants: Vec<[Option<&'a Variant>; 2]>,
}

impl<'a> Family<'a> {
    pub(crate) fn push(
        &mut self,
        judged: Decision,
        before: Option<&'a Variant>,
        after: Option<&'a Variant>,
    ) {
        self.judged.push(judged);
        self.variants.push([before, after]);
    }

    /// Decides all comparisons together and names the items that flipped or do not pair up.
    pub(crate) fn decide(
        self,
        record: &RunRecord,
        baseline: &str,
        spec: &GateSpec,
    ) -> Result<GateOutcome> {
        let correction = match spec.correction {
            Correction::Holm => verdict::FamilyCorrection::Holm,
            Correction::MaxT => verdict::FamilyCorrection::MaxT { flips: SIGN_FLIPS },
        };
        let mut gated = gate_with(self.judged, correction)?;
        for (judged, [before, after]) in gated.judged.iter_mut().zip(self.variants) {
            let name = |variant: Option<&Variant>, item: usize| {
                variant
                    .and_then(|variant| variant.ids.get(item))
                    .map(ToString::to_string)
                    .unwrap_or_default()
            };
            judged.name_flips(|item| name(after, item));
            judged.name_unpaired(|item| name(before, item), |item| name(after, item));
            let is_lower = judged.comparison.direction == Direction::Lower;
            sort_flips(&mut judged.comparison.flips, is_lower);
            if judged.comparison.measure == Measure::Ratio {
                // Amounts differ nearly everywhere, which names no item.
                judged.comparison.flips.clear();
                judged.comparison.n_flips = 0;
            }
        }
        let lacks_answers = gated.judged.iter().any(|judged| judged.cause == Some(Cause::Missing));
        let verdict = Verdict {
            answer: gated.answer,
            says: gated.says,
            correction: gated.correction,
            comparisons: gated.judged.into_iter().map(|judged| judged.comparison).collect(),
            ..undecided(record, baseline)
        };
        Ok(GateOutcome { verdict, lacks_answers })
    }
}

/// Worst first; equal changes in the order of their names.
fn sort_flips(flips: &mut [Flip], is_lower: bool) {
    let sign = if is_lower { -1.0 } else { 1.0 };
    let change = |flip: &Flip| sign * (flip.candidate - flip.baseline);
    flips.sort_by(|x, y| change(x).total_cmp(&change(y)).then_with(|| x.item_id.cmp(&y.item_id)));
}

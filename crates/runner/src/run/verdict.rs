//! The gate at the end of a run.

use evalmark_core::suite::GateSpec;
use evalmark_store::baseline::cannot_be_baseline;

use super::Run;

use crate::{
    Notice, against,
    error::Result,
    gate::{GateOutcome, gate_minima, gate_or_refuse, gate_without, write_verdict},
    resolvable_margins::judge_margins,
};

impl Run<'_> {
    /// The verdict, where there is something to compare with.
    pub(crate) fn gate(&self) -> Result<Option<GateOutcome>> {
        let spec = self.loaded.suite.gate_or_default();
        let mut decision = self.decide(&spec)?;
        if let Some(GateOutcome { verdict, .. }) = &mut decision {
            let out = self.folder.out();
            for warning in judge_margins(&out, &self.record, &spec, verdict) {
                self.host.notices.tell(&Notice::MarginUnresolved(&warning));
            }
        }
        match &decision {
            Some(decision) => write_verdict(&self.folder, &decision.verdict)?,
            // What an earlier pass over this run decided holds no longer.
            None => drop(self.folder.remove_verdict()),
        }
        Ok(decision)
    }

    /// The verdict against the baseline; where there is none, against the minima, and a gate that
    /// should have one does not pass.
    fn decide(&self, spec: &GateSpec) -> Result<Option<GateOutcome>> {
        let (folder, record, notices) = (&self.folder, &self.record, self.host.notices);
        match (&self.against.baseline, &self.against.missing) {
            (Some(baseline), _) => {
                if spec.is_default {
                    notices.tell(&Notice::DefaultGate);
                }
                for warning in baseline.warnings() {
                    notices.tell(&Notice::BaselineWarning(&warning));
                }
                gate_or_refuse(folder, record, baseline, spec, self.host).map(Some)
            }
            (None, Some(missing)) if !missing.is_allowed => {
                let can = cannot_be_baseline(record).is_none();
                let error = missing.error(can.then_some(&*folder.path));
                notices.tell(&Notice::BaselineMissing(&error));
                gate_without(folder, record, missing, spec).map(Some)
            }
            (None, Some(missing)) => {
                notices.tell(&Notice::FirstRun(&missing.first_run(&folder.path, record)));
                gate_minima(folder, record, spec)
            }
            (None, None) => {
                if let Some(why) = &record.ungated {
                    notices.tell(&Notice::Ungated(why));
                    let how = against::how_to_compare(&folder.path, record);
                    notices.tell(&Notice::HowToCompare(&how));
                }
                gate_minima(folder, record, spec)
            }
        }
    }
}

//! Asking until the answer is certain: chunk by chunk, with a look at the scores after each.

use std::ops::Range;

use evalmark_harness::Stop;
use evalmark_store::run_record::StoppedEarly;

use crate::{
    Asking, Notice,
    ask::{Asks, Endpoints},
    collect_answers::Source,
    early::{
        Order,
        sequential_gate::{SequentialGate, SequentialPlan},
    },
    error::Result,
    judges::questions_each,
    redacted_keys::hide,
    run::Run,
    score_samples::for_each_scored,
};

impl Run<'_> {
    /// The order to ask in and who looks on, where the run may stop early.
    pub fn watch(&mut self) -> Result<Option<(Order, SequentialGate)>> {
        let Some(early) = self.record.stop_early.clone().filter(|early| !early.ended) else {
            return Ok(None);
        };
        if self.asks != Asks::Everyone {
            return Ok(None);
        }
        let (order, planned) = Order::read(&self.loaded.plan, early.seed)?;
        let watching = match &self.against.baseline {
            Some(baseline) => {
                SequentialGate::open(&self.loaded, &self.record, &early, baseline, &planned)?
            }
            None => SequentialPlan::No("its baseline no longer exists".to_owned()),
        };
        match watching {
            SequentialPlan::Yes(watch) => {
                if let Some(why) = &watch.undecided {
                    self.host.notices.tell(&Notice::OnlyDropStops(why));
                }
                Ok(Some((order, watch)))
            }
            SequentialPlan::No(why) => {
                self.host.notices.tell(&Notice::CannotStopEarly(&why));
                self.record.stop_early = None;
                self.folder.write(&self.record, hide)?;
                Ok(None)
            }
        }
    }

    /// Asks samples and judges until the gate's answer is certain, or to the end; answers whether
    /// it was interrupted. The plan is then over the items that were asked.
    pub fn ask_until_certain(
        &mut self,
        (order, mut watch): (Order, SequentialGate),
        endpoints: &Endpoints,
        stop: &Stop,
    ) -> Result<bool> {
        let whole = self.loaded.plan.clone();
        let total = whole.n_samples() * (1 + questions_each(&self.loaded));
        self.host.notices.tell(&Notice::AskingBegins(&Asking {
            doing: "Running",
            total,
            plan: &whole,
            metrics: &self.loaded.metrics,
            endpoints: endpoints.asked_models(),
        }));
        let (mut asked, mut certain) = (0, false);
        for chunk in order.chunks() {
            // Who lost a model has nothing to be certain of: the others are asked to the end.
            let is_down = endpoints.any_down();
            let chunk = if is_down { chunk.start..order.len() } else { chunk.clone() };
            self.loaded.plan = order.part(&whole, chunk.clone());
            self.ask_part(endpoints, stop)?;
            asked = chunk.end;
            if !is_down && !endpoints.out_of_budget() {
                certain = self.look(&order, &mut watch, chunk, endpoints, stop)?;
            }
            if endpoints.out_of_budget() {
                asked = order.len();
            }
            if is_down || certain || endpoints.out_of_budget() || stop.is_requested() {
                break;
            }
        }
        self.host.notices.tell(&Notice::AskingEnds);
        self.record.totals.spent_usd += endpoints.spent_usd();
        if stop.is_requested() {
            return Ok(true);
        }
        if let Some(early) = &mut self.record.stop_early {
            early.ended = !endpoints.any_down() && !endpoints.out_of_budget();
        }
        self.loaded.plan = order.part(&whole, 0..asked);
        if certain && asked < order.len() {
            self.stopped(whole.n_samples(), order.len());
        }
        Ok(false)
    }

    /// Asks every sample of the plan as it is now, then every judge.
    fn ask_part(&self, endpoints: &Endpoints, stop: &Stop) -> Result<()> {
        let notices = self.host.notices;
        let events = |model, event| notices.tell(&Notice::Asked { model, event: &event });
        endpoints.ask_samples(&self.loaded, &events, stop)?;
        if questions_each(&self.loaded) > 0 && !stop.is_requested() {
            let records = || self.records(endpoints);
            endpoints.ask_judges(&self.loaded, &records, &events, stop)?;
        }
        Ok(())
    }

    /// Scores the chunk that was asked, and answers whether that makes the gate's answer certain.
    fn look(
        &self,
        order: &Order,
        watch: &mut SequentialGate,
        chunk: Range<usize>,
        endpoints: &Endpoints,
        stop: &Stop,
    ) -> Result<bool> {
        if stop.is_requested() {
            return Ok(false);
        }
        let mut judges = endpoints.judges(&self.loaded)?;
        let source = Source::after(self.records(endpoints)?);
        let mut seen = watch.chunk(order.places(chunk));
        let see = |sample: &_, scores: &[_]| watch.see(&mut seen, sample, scores);
        let is_whole = for_each_scored(&self.loaded, source, &mut judges, stop, see)?;
        Ok(is_whole && watch.look(seen))
    }

    /// Records that the run is over the items of its plan as it is now.
    fn stopped(&mut self, planned_samples: u64, planned_items: usize) {
        let plan = &self.loaded.plan;
        self.record.n_items = plan.profile.n_items;
        self.record.stopped_early = Some(StoppedEarly {
            asked_items: plan.profile.n_items,
            planned_items: planned_items as u64,
            asked_samples: plan.n_samples(),
            planned_samples,
            saved_samples: planned_samples - plan.n_samples(),
            seed: self.record.stop_early.as_ref().map_or(0, |early| early.seed),
        });
    }
}

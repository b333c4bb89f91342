//! From the first request to scores: samples and judges are asked, and scored along with it where
//! that can be.

use std::thread;

use evalmark_core::record::ErrorKind;
use evalmark_harness::{Stop, Tally};

use super::Run;

use crate::{
    Asking, Notice,
    ask::{Asks, Endpoints},
    collect_answers::Source,
    error::Result,
    judges::questions_each,
    records::{AwaitedRecords, RecordedSamples, Records},
    reorder::{PATIENCE, ReorderBuffer},
    score_samples::{Scored, write_reports},
};

impl Run<'_> {
    /// From the first request to the data files and an up-to-date `run.json`; `None` when it was
    /// interrupted.
    pub(crate) fn answer(&mut self, endpoints: &Endpoints) -> Result<Option<Scored>> {
        let stop = endpoints.stop_on_signals()?;
        let mut scored = match self.watch()? {
            Some(watched) => {
                let interrupted = self.ask_until_certain(watched, endpoints, &stop)?;
                if interrupted { None } else { self.score(endpoints, None, &stop)? }
            }
            None => self.ask_and_score(endpoints, &stop)?,
        };
        match &mut scored {
            Some(scored) => {
                self.close(scored, endpoints)?;
                self.tell_budget(endpoints);
            }
            None => self.interrupted(endpoints)?,
        }
        Ok(scored)
    }

    /// The answers, from the first: those in the ledger, or those that the run has in its files.
    pub fn records<'a>(&self, endpoints: &'a Endpoints) -> Result<Box<dyn Records + 'a>> {
        match self.asks {
            Asks::Everyone => Ok(Box::new(endpoints.records(&self.loaded)?)),
            Asks::Judges => Ok(Box::new(RecordedSamples::open(&self.folder.samples())?)),
        }
    }

    /// Asks samples and judges, and scores; `None` when it was interrupted.
    fn ask_and_score(&mut self, endpoints: &Endpoints, stop: &Stop) -> Result<Option<Scored>> {
        let plan = &self.loaded.plan;
        // A program is not started for a handful of answers.
        let has_program = self.loaded.metrics.iter().any(|metric| metric.program().is_some());
        let patience = (!has_program).then_some(PATIENCE);
        let arrivals = ReorderBuffer::new(plan, |model| endpoints.asks(model), patience);
        // Scores that wait for judges are made when all is there; so are those over some items
        // only, which have no ranks.
        let is_judged = questions_each(&self.loaded) > 0;
        let along = self.asks == Asks::Everyone && !is_judged && plan.dataset.only.is_none();
        let (asked, scored) = thread::scope(|scope| {
            let score = || self.score(endpoints, Some(&arrivals), stop);
            let scoring = along.then(|| scope.spawn(score));
            let asked = self.ask(endpoints, &arrivals, stop);
            let join = |thread: thread::ScopedJoinHandle<'_, _>| {
                thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            (asked, scoring.map(join))
        });
        asked?;
        self.record.totals.spent_usd += endpoints.spent_usd();
        match scored {
            Some(scored) => scored,
            None if stop.is_requested() => Ok(None),
            None => self.score(endpoints, None, stop),
        }
    }

    /// Scores and report files, after asking or along with it; `None` when it was interrupted.
    fn score(
        &self,
        endpoints: &Endpoints,
        arrivals: Option<&ReorderBuffer>,
        stop: &Stop,
    ) -> Result<Option<Scored>> {
        let (loaded, run_id) = (&self.loaded, &self.record.run_id);
        let mut judges = endpoints.judges(loaded)?;
        let records = self.records(endpoints)?;
        let source = match arrivals {
            Some(arrivals) => Source::along(arrivals, records),
            None => Source::after(records),
        };
        write_reports(loaded, &self.folder, run_id, source, &mut judges, stop)
    }

    /// Asks every sample, and every judge about the answers as they come.
    fn ask(&self, endpoints: &Endpoints, arrivals: &ReorderBuffer, stop: &Stop) -> Result<()> {
        let loaded = &self.loaded;
        let n_judged = questions_each(loaded);
        let (doing, passes) = match self.asks {
            Asks::Everyone => ("Running", 1 + n_judged),
            Asks::Judges => ("Judging", n_judged),
        };
        let notices = self.host.notices;
        notices.tell(&Notice::AskingBegins(&Asking {
            doing,
            total: loaded.plan.n_samples() * passes,
            plan: &loaded.plan,
            metrics: &loaded.metrics,
            endpoints: endpoints.asked_models(),
        }));
        let events = |model, event| {
            notices.tell(&Notice::Asked { model, event: &event });
            arrivals.see(event);
        };
        let records = || self.records_along(endpoints, arrivals);
        let judged = thread::scope(|scope| {
            let judging = scope.spawn(|| endpoints.ask_judges(loaded, &records, &events, stop));
            let asked = match self.asks {
                Asks::Everyone => endpoints.ask_samples(loaded, &events, stop),
                Asks::Judges => Ok(Tally::default()),
            };
            // An interrupted run is not scored.
            if asked.is_err() || stop.is_requested() {
                arrivals.give_up();
            } else {
                arrivals.close();
            }
            let judged = judging.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            asked.and(judged)
        });
        endpoints.tidy();
        notices.tell(&Notice::AskingEnds);
        judged.map(drop)
    }

    /// The answers while they come in.
    fn records_along<'a>(
        &self,
        endpoints: &'a Endpoints,
        arrivals: &'a ReorderBuffer,
    ) -> Result<Box<dyn Records + 'a>> {
        match self.asks {
            Asks::Everyone => {
                let records = endpoints.records(&self.loaded)?;
                Ok(Box::new(AwaitedRecords { records, arrivals }))
            }
            Asks::Judges => self.records(endpoints),
        }
    }

    /// What was left out where the budget was too small.
    fn tell_budget(&self, endpoints: &Endpoints) {
        if !endpoints.out_of_budget() {
            return;
        }
        let left_out = self.record.counts.errors.get(ErrorKind::Budget.as_str()).copied();
        if let Some(model) = endpoints.cost_unknown() {
            let model = &self.loaded.suite.models[model].name;
            self.host.notices.tell(&Notice::CostUnknown { model, left_out });
            return;
        }
        let (spent, run) = (endpoints.spent(), &*self.folder.path);
        self.host.notices.tell(&Notice::BudgetReached { spent: &spent, left_out, run });
    }
}

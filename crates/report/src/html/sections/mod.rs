//! The sections of the page: each file makes of the page's data what the template beside it shows.

mod changes;
mod comparisons;
mod confusion;
mod display_names;
mod distributions;
mod errors;
mod flips;
mod forest;
mod headline;
mod provenance;
mod samples;
mod scores;
mod slices;
mod tradeoffs;

use evalmark_core::verdict::Verdict;
use serde::Serialize;

use super::data::PageData;

/// What the templates see.
#[derive(Serialize)]
pub(super) struct Sections<'a> {
    headline: headline::Headline,
    forest: Vec<forest::ForestGroup>,
    flips: flips::Flips<'a>,
    changes: changes::Changes,
    samples: samples::SampleTable,
    comparisons: Vec<comparisons::ComparisonLine<'a>>,
    verdict: comparisons::VerdictLine<'a>,
    scores: scores::SummaryTable<'a>,
    distributions: Vec<distributions::Panel<'a>>,
    tradeoffs: tradeoffs::Tradeoffs<'a>,
    confusion: Vec<confusion::ConfusionPanel<'a>>,
    slices: slices::Slices<'a>,
    errors: errors::Errors<'a>,
    provenance: Vec<provenance::FactLine<'a>>,
}

impl<'a> Sections<'a> {
    pub(super) fn of(page: &'a PageData) -> Self {
        let verdict = page.verdict.as_ref();
        let comparisons = verdict.map(Verdict::worst_first).unwrap_or_default();
        Self {
            headline: headline::Headline::of(page, &comparisons),
            forest: forest::groups(&comparisons),
            flips: flips::Flips::of(page, &comparisons),
            changes: changes::Changes::of(verdict),
            samples: samples::SampleTable::of(&page.samples),
            comparisons: comparisons.iter().map(|c| comparisons::ComparisonLine::new(c)).collect(),
            verdict: verdict.map(comparisons::VerdictLine::new).unwrap_or_default(),
            scores: scores::SummaryTable::of_all(&page.summary),
            distributions: distributions::panels(&page.samples),
            tradeoffs: tradeoffs::Tradeoffs::of(page),
            confusion: confusion::panels(&page.confusion),
            slices: slices::Slices::of(&page.summary, verdict),
            errors: errors::Errors::of(page),
            provenance: provenance::lines(page),
        }
    }
}

//! Where the run comes from.

use serde::Serialize;

use super::super::data::PageData;

/// Something worth saying of the run.
#[derive(Serialize)]
pub(super) struct FactLine<'a> {
    name: &'a str,
    value: &'a str,
}

pub(super) fn lines(page: &PageData) -> Vec<FactLine<'_>> {
    let facts = page.run.facts.iter();
    facts.map(|fact| FactLine { name: &fact.name, value: &fact.value }).collect()
}

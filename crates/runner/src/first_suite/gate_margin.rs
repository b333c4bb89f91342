//! The margin of the first gate: what as many items can resolve, by the same estimate as `evalmark plan`.

use evalmark_core::metric::Range;
use evalmark_core::number_format::{counted, declared_change};
use evalmark_verdict::{Clustering, Design, Level, Spread};

use super::{column_profile::DatasetColumns, guess::Guess, roles::ColumnRoles};
use crate::{power_plan::DISCORDANCE, resolvable_margins::POWER};

/// The gate's error rate.
pub(super) const ALPHA: f64 = 0.05;

/// A gate with a wider margin than this says nothing.
const WIDEST: f64 = 0.5;

/// A margin that the dataset can resolve; `None` where it cannot tell anything.
pub(super) struct GateMargin {
    pub(super) margin: Option<f64>,
    pub(super) guess: Guess,
}

impl GateMargin {
    /// The margin for these items.
    pub(super) fn of(columns: &DatasetColumns, roles: &ColumnRoles) -> Self {
        let items = columns.n_rows;
        let clusters = roles.cluster.as_ref().and_then(|name| columns.column(name));
        // A row without a group is one of its own.
        let clusters = clusters.map(|column| column.n_distinct() + column.n_empty);
        let clustering =
            clusters.map_or(Clustering::NONE, |clusters| Clustering::cautious(items, clusters));
        let design =
            Design { items, epochs: 1, clustering, level: Level::one_sided(ALPHA), power: POWER };
        let spread = Spread { variance: DISCORDANCE, right_or_wrong: true };
        let found = design.resolution(spread, NARROW);
        let margin = found.detectable_drop.map(rounded_up).filter(|margin| *margin <= WIDEST);
        let clusters = clusters.map_or(String::new(), |n| format!(" in {}", counted(n, "group")));
        let of = format!("{}{clusters}", counted(items, "item"));
        let points = |margin| declared_change(margin, Range::Unit);
        let needed = found.items_needed.map_or(String::new(), |needed| {
            format!("; a margin of {} takes {}", points(NARROW), counted(needed, "item"))
        });
        let guess = match margin {
            Some(margin) => Guess::new(
                "margin",
                points(margin),
                format!(
                    "{of} tell a drop of that size from chance, as long as a fifth of the answers changes \
                     between two runs{needed}"
                ),
                "`gate.metrics`, once `evalmark calibrate` has measured the noise",
            ),
            None => Guess::new(
                "gate",
                "none yet",
                format!("{of} cannot tell a drop from chance{needed}"),
                "add items, then take the `#` from the gate's lines",
            ),
        };
        Self { margin, guess }
    }
}

/// The margin that a team would wish for.
const NARROW: f64 = 0.05;

/// A margin as people write it, none narrower than what was found: whole points.
fn rounded_up(drop: f64) -> f64 {
    ((drop * 100.0).ceil() / 100.0).max(0.01)
}

//! The metrics of a suite: one for each test of a name, over columns where requests expect different things.

use evalmark_core::expression::Expression;
use serde_json::{Map, Value, json};

use super::{
    formula::{Formula, Piece, written},
    suite::{Carried, Making},
    tests::Test,
};
use crate::suites::checks::{Check, make_metrics};

/// What formulas of tests may name.
const VARIABLES: [&str; 5] = ["answer", "item", "status", "headers", "latency_ms"];

/// The longest literal that stands in a formula, in bytes; longer ones become a column.
const SHORT: usize = 120;

impl Making<'_> {
    /// A metric for each test.
    pub(super) fn metrics(&mut self) {
        let mut names: Vec<(String, usize)> = Vec::new();
        for one in self.carried {
            for (at, test) in one.tests.list.iter().enumerate() {
                let key = (test.name.clone(), turn(&one.tests.list, at));
                if !names.contains(&key) {
                    names.push(key);
                }
            }
        }
        let mut checks: Vec<Vec<Check>> = self.draft.rows.iter().map(|_| Vec::new()).collect();
        for (name, turn) in names {
            let formulas = self.formulas(&name, turn);
            for (at, checks) in checks.iter_mut().enumerate() {
                if let Some(formula) = &formulas[at % self.carried.len()] {
                    let short: String = name
                        .split_whitespace()
                        .collect::<Vec<_>>()
                        .join(" ")
                        .chars()
                        .take(60)
                        .collect();
                    let short = if short.is_empty() { "test".to_owned() } else { short };
                    checks.push(Check::new(&short, "expression", formula.as_str().into()));
                }
            }
        }
        make_metrics(&mut self.draft, checks);
        if self.draft.metrics.is_empty() {
            let why =
                "there is none that could be carried over; the suite measures how long answers are";
            self.draft.lose(&self.carried[0].node.clone(), "tests", why);
            self.draft.metric("length", Map::from_iter([("length".to_owned(), json!({}))]));
        }
    }

    /// The formula of a test, by request; what only its literals tell apart is one formula over a column.
    fn formulas(&mut self, name: &str, turn_wanted: usize) -> Vec<Option<String>> {
        let carried = self.carried;
        let find = |one: &'_ Carried| -> Option<(Formula, String)> {
            let list = &one.tests.list;
            let at = (0..list.len())
                .find(|at| list[*at].name == name && turn(list, *at) == turn_wanted)?;
            Some((list[at].formula.clone(), list[at].place.clone()))
        };
        let found: Vec<Option<(Formula, String)>> = carried.iter().map(find).collect();
        let all: Vec<&Formula> = found.iter().flatten().map(|(formula, _)| formula).collect();
        let shape = |formula: &Formula| {
            formula
                .0
                .iter()
                .map(|piece| match piece {
                    Piece::Code(code) => Some(code.clone()),
                    Piece::Literal(_) => None,
                })
                .collect::<Vec<_>>()
        };
        let is_one_shape = all.iter().all(|formula| shape(formula) == shape(all[0]));
        let n_pieces = if is_one_shape { all[0].0.len() } else { 0 };
        let mut columns: Vec<Option<String>> = vec![None; n_pieces];
        for (at, column) in columns.iter_mut().enumerate() {
            let Piece::Literal(first) = &all[0].0[at] else { continue };
            let differs = all.iter().any(|formula| formula.0[at] != all[0].0[at]);
            if differs || written(first).len() > SHORT {
                let of = |one: &Carried, _: &Map<String, Value>| match find(one)
                    .map(|(formula, _)| formula.0[at].clone())
                {
                    Some(Piece::Literal(value)) => value,
                    _ => Value::Null,
                };
                *column = Some(self.column(&format!("expect_{name}"), of));
            }
        }
        let one = |(found, one): (&Option<(Formula, String)>, &Carried)| {
            let (formula, place) = found.as_ref()?;
            let text = text_of(formula, &columns);
            let why = Expression::compile(&text, &VARIABLES).err();
            let lost = |why| {
                let what = format!("the test `{name}` of `{}`", one.name);
                self.draft.losses().at(place.clone(), what, why);
            };
            why.map(lost).is_none().then_some(text)
        };
        found.iter().zip(carried).map(one).collect()
    }
}

/// A formula, with columns in the place of literals that differ.
fn text_of(formula: &Formula, columns: &[Option<String>]) -> String {
    let piece =
        |(at, piece): (usize, &Piece)| match (piece, columns.get(at).and_then(Option::as_ref)) {
            (_, Some(column)) => format!("item.{column}"),
            (Piece::Code(code), None) => code.clone(),
            (Piece::Literal(value), None) => written(value),
        };
    formula.0.iter().enumerate().map(piece).collect()
}

/// Which of several tests of a name it is.
fn turn(list: &[Test], at: usize) -> usize {
    list[..at].iter().filter(|test| test.name == list[at].name).count()
}

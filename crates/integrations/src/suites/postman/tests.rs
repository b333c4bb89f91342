//! The tests that scripts of Postman make, as formulas; what is no test, and what cannot be one, is told.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    collection::{Item, Script, lines},
    expect::expectation,
    formula::{Formula, Scope},
    script::{Expr, Statement, StatementKind, parse},
    variables::Variables,
};
use crate::suites::draft::Losses;

/// What the tests of a request ask.
#[derive(Debug, Default)]
pub(super) struct Tests {
    pub(super) list: Vec<Test>,
    /// Headers of responses that they look at.
    pub(super) headers: BTreeSet<String>,
}

#[derive(Debug)]
pub(super) struct Test {
    pub(super) name: String,
    pub(super) formula: Formula,
    /// Where it stands.
    pub(super) place: String,
}

/// Why something is not carried over, and the line of the script that says so.
struct Refusal {
    line: usize,
    why: String,
}

/// A script while it is read.
struct Reading<'a, 'v> {
    script: &'a Script,
    lines: Vec<(String, String)>,
    scope: Scope<'v>,
    found: &'a mut Tests,
    losses: &'a mut Losses,
}

/// The tests of a request.
pub(super) fn of_item(item: &Item, variables: &Variables, losses: &mut Losses) -> Tests {
    let mut found = Tests::default();
    for script in &item.tests {
        let lines = lines(&script.event);
        let source = lines.iter().map(|(line, _)| line.as_str()).collect::<Vec<_>>().join("\n");
        let scope = Scope::new(variables);
        let mut reading = Reading { script, lines, scope, found: &mut found, losses };
        match parse(&source) {
            Ok(statements) => {
                reading.top(&statements);
                let headers = std::mem::take(&mut reading.scope.headers);
                found.headers.extend(headers);
            }
            Err(line) => reading.lose(
                line,
                "the script",
                "it is no JavaScript that the importer can read".to_owned(),
            ),
        }
    }
    found
}

/// Variables that scripts set from responses, and who sets them.
pub(super) fn chained(items: &[Item]) -> BTreeMap<String, String> {
    let mut set = BTreeMap::new();
    for script in items.iter().flat_map(|item| &item.tests) {
        let source =
            lines(&script.event).into_iter().map(|(line, _)| line).collect::<Vec<_>>().join("\n");
        for name in set_in(&parse(&source).unwrap_or_default()) {
            set.entry(name).or_insert_with(|| script.owner.clone());
        }
    }
    set
}

/// The variables that statements set, those within functions included.
fn set_in(statements: &[Statement]) -> Vec<String> {
    let mut names = Vec::new();
    for statement in statements {
        let (StatementKind::Expression(expr) | StatementKind::Return(expr)) = &statement.kind
        else {
            continue;
        };
        names.extend(set_variable(expr));
        for argument in expr.call().map(|(_, arguments)| arguments).unwrap_or_default() {
            if let Expr::Function(body) = argument {
                names.extend(set_in(body));
            }
        }
    }
    names
}

/// The variable that a call sets for later requests.
fn set_variable(expr: &Expr) -> Option<String> {
    let (path, arguments) = expr.call()?;
    let sets = matches!(
        path.as_str(),
        "pm.environment.set"
            | "pm.collectionVariables.set"
            | "pm.globals.set"
            | "pm.variables.set"
            | "postman.setEnvironmentVariable"
            | "postman.setGlobalVariable"
    );
    let name = arguments.first().and_then(Expr::text).unwrap_or("…");
    sets.then(|| name.to_owned())
}

/// Whether a call does nothing that an answer is measured by.
fn is_idle(expr: &Expr) -> bool {
    let Some((path, _)) = expr.call() else { return false };
    path.starts_with("console.")
        || matches!(
            path.as_str(),
            "pm.environment.unset"
                | "pm.globals.unset"
                | "pm.collectionVariables.unset"
                | "pm.variables.unset"
        )
        || path.starts_with("pm.visualizer.")
}

impl Reading<'_, '_> {
    /// Statements outside of any test.
    fn top(&mut self, statements: &[Statement]) {
        for statement in statements {
            let line = statement.line;
            match &statement.kind {
                StatementKind::Declare(names) => self.scope.names.extend(names.clone()),
                StatementKind::Expression(expr) => self.top_call(line, expr),
                StatementKind::Assign(Expr::Index(of, name), value)
                    if of.path().as_deref() == Some("tests") =>
                {
                    let name = name.text().unwrap_or("test").to_owned();
                    match self.scope.value(value) {
                        Ok(formula) => self.keep(name, formula, line),
                        Err(why) => self.lose_test(&name, &Refusal { line, why }),
                    }
                }
                _ => {
                    self.lose(
                        line,
                        "a statement",
                        "it is code, and an import runs none".to_owned(),
                    );
                }
            }
        }
    }

    fn top_call(&mut self, line: usize, expr: &Expr) {
        if self.known_call(line, expr) || is_idle(expr) {
            return;
        }
        let why = match expectation(expr, &mut self.scope) {
            Some(_) => "it stands outside of `pm.test`, where it has no name",
            None => "it is code, and an import runs none",
        };
        self.lose(line, "a statement", why.to_owned());
    }

    /// Takes in a test, or a variable that is set.
    fn known_call(&mut self, line: usize, expr: &Expr) -> bool {
        if let Some(name) = set_variable(expr) {
            let why = "a suite asks each item by itself, so no request has what another one's response said";
            self.lose(line, &format!("the variable `{name}` is set"), why.to_owned());
            return true;
        }
        match expr.call() {
            Some((path, [name, Expr::Function(body)])) if path == "pm.test" => {
                let name = match name {
                    Expr::Literal(name) => super::variables::plain(name),
                    _ => "test".to_owned(),
                };
                self.test(line, name, body);
                true
            }
            Some((path, [name, ..])) if path == "pm.test" => {
                let name = name.text().unwrap_or("test").to_owned();
                self.lose_test(
                    &name,
                    &Refusal { line, why: "its function is not written out here".to_owned() },
                );
                true
            }
            Some((path, _)) if path == "pm.test.skip" => true,
            _ => false,
        }
    }

    fn test(&mut self, line: usize, name: String, body: &[Statement]) {
        let outer = self.scope.names.clone();
        let n_before = self.found.list.len();
        match self.conditions(body) {
            Ok(conditions) if conditions.is_empty() => {
                // A test around other tests expects nothing by itself.
                if self.found.list.len() == n_before {
                    self.lose_test(&name, &Refusal { line, why: "it expects nothing".to_owned() });
                }
            }
            Ok(conditions) => self.keep(name, Formula::all(conditions, "and"), line),
            Err(refusal) => self.lose_test(&name, &refusal),
        }
        self.scope.names = outer;
    }

    fn conditions(&mut self, body: &[Statement]) -> Result<Vec<Formula>, Refusal> {
        let mut conditions = Vec::new();
        for Statement { line, kind } in body {
            let refuse = |why: &str| Refusal { line: *line, why: why.to_owned() };
            match kind {
                StatementKind::Declare(names) => self.scope.names.extend(names.clone()),
                StatementKind::Expression(expr) | StatementKind::Return(expr) => {
                    if is_idle(expr) || self.known_call(*line, expr) {
                        continue;
                    }
                    let found = expectation(expr, &mut self.scope);
                    let found =
                        found.ok_or_else(|| refuse("it is code, and an import runs none"))?;
                    conditions.push(found.map_err(|why| refuse(&why))?);
                }
                StatementKind::Assign(..) | StatementKind::Other(_) => {
                    return Err(refuse("it is code, and an import runs none"));
                }
            }
        }
        Ok(conditions)
    }

    fn place(&self, line: usize) -> String {
        let known = self.lines.get(line.saturating_sub(1)).map(|(_, place)| place.clone());
        known.unwrap_or_else(|| self.script.event.place())
    }

    fn keep(&mut self, name: String, formula: Formula, line: usize) {
        let place = self.place(line);
        self.found.list.push(Test { name, formula, place });
    }

    fn lose_test(&mut self, name: &str, refusal: &Refusal) {
        self.lose(refusal.line, &format!("the test `{name}`"), refusal.why.clone());
    }

    fn lose(&mut self, line: usize, what: &str, why: String) {
        let text =
            self.lines.get(line.saturating_sub(1)).map(|(text, _)| text.trim()).unwrap_or_default();
        let text: String = text.chars().take(100).collect();
        let what = format!("{what} of {} (script line {line}: `{text}`)", self.script.owner);
        self.losses.at(self.place(line), what, why);
    }
}

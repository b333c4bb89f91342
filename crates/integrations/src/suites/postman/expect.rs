//! What tests of Postman expect: chains of chai (`pm.expect(x).to.be.above(1)`), as formulas.

use serde_json::Value;

use super::{
    formula::{Formula, Scope, lookup, of_type},
    script::Expr,
};
use crate::suites::javascript_pattern::javascript_pattern;

/// Words that only make a chain easier to read.
pub(super) const FILLERS: [&str; 17] = [
    "to", "be", "been", "is", "that", "which", "and", "has", "have", "with", "at", "of", "same",
    "but", "does", "still", "also",
];

/// A link of a chain: its name, and the arguments where it is called.
pub(super) type Link<'a> = (&'a str, Option<&'a [Expr]>);

type Converted = Result<Formula, String>;

/// How keys and members are compared.
#[derive(Clone, Copy, PartialEq)]
enum Keys {
    /// These and no others.
    Exactly,
    /// After `include` or `contain` without a call.
    AtLeast,
    /// After `any`.
    Any,
}

/// What a chain is about so far.
pub(super) struct Chain<'s, 'v> {
    pub(super) scope: &'s mut Scope<'v>,
    pub(super) subject: Formula,
    pub(super) is_negated: bool,
    /// After `deep`.
    is_deep: bool,
    keys: Keys,
    conditions: Vec<Formula>,
}

/// The formula of a chain; `None` where the expression is none.
pub(super) fn expectation(expr: &Expr, scope: &mut Scope<'_>) -> Option<Converted> {
    let (root, links) = links(expr)?;
    let subject = match root {
        Expr::Call(_, arguments) => match arguments.first().map(|one| scope.value(one)) {
            Some(Ok(subject)) => subject,
            Some(Err(why)) => return Some(Err(why)),
            None => return Some(Err("`pm.expect` is given nothing".to_owned())),
        },
        _ => Formula::code("answer"),
    };
    let of_response = !matches!(root, Expr::Call(..));
    let mut chain = Chain {
        scope,
        subject,
        is_negated: false,
        is_deep: false,
        keys: Keys::Exactly,
        conditions: Vec::new(),
    };
    for link in links {
        let done = if of_response && chain.conditions.is_empty() {
            chain.of_response(link)
        } else {
            chain.link(link)
        };
        if let Err(why) = done {
            return Some(Err(why));
        }
    }
    if chain.conditions.is_empty() {
        return Some(Err("it expects nothing".to_owned()));
    }
    Some(Ok(Formula::all(chain.conditions, "and")))
}

/// `pm.expect(…)` or `pm.response`, and the links behind it.
fn links(expr: &Expr) -> Option<(&Expr, Vec<Link<'_>>)> {
    let (mut links, mut at) = (Vec::new(), expr);
    loop {
        if at.call().is_some_and(|(path, _)| path == "pm.expect" || path == "expect") {
            break;
        }
        match at {
            Expr::Member(of, name) => {
                links.push((name.as_str(), None));
                at = of;
            }
            Expr::Call(callee, arguments) => {
                let Expr::Member(of, name) = callee.as_ref() else { return None };
                links.push((name.as_str(), Some(arguments.as_slice())));
                at = of;
            }
            _ => return None,
        }
        if at.path().as_deref() == Some("pm.response") {
            break;
        }
    }
    links.reverse();
    let is_chain =
        matches!(at, Expr::Call(..)) || links.first().is_some_and(|(name, _)| *name == "to");
    is_chain.then_some((at, links))
}

impl Chain<'_, '_> {
    /// Takes in what must hold of the subject, or its opposite.
    pub(super) fn must(&mut self, condition: Formula) {
        self.conditions.push(if self.is_negated {
            Formula::concat([Formula::code("(not "), condition, Formula::code(")")])
        } else {
            condition
        });
    }

    /// The same of a subject that need not be there, where the opposite must hold.
    pub(super) fn must_of_value(&mut self, condition: Formula) {
        if !self.is_negated {
            return self.must(condition);
        }
        let absent = self.subject.clone().behind("is undefined");
        let not = Formula::concat([Formula::code("(not "), condition, Formula::code(")")]);
        self.conditions.push(Formula::binary(absent, "or", not));
    }

    fn link(&mut self, (name, arguments): Link<'_>) -> Result<(), String> {
        match (name, arguments) {
            (name, None) if FILLERS.contains(&name) => {}
            ("not", None) => self.is_negated = true,
            ("deep", None) => self.is_deep = true,
            ("all" | "own", None) => {}
            ("any", None) => self.keys = Keys::Any,
            ("include" | "includes" | "contain" | "contains", None) => self.keys = Keys::AtLeast,
            ("length" | "lengthOf", None) => self.subject = self.subject.clone().behind("| length"),
            (name, None) => self.property_link(name)?,
            (name, Some([])) => return Err(format!("it calls `{name}` with nothing")),
            (name, Some(arguments)) => self.called(name, arguments)?,
        }
        Ok(())
    }

    fn property_link(&mut self, name: &str) -> Result<(), String> {
        let subject = || self.subject.clone();
        let condition = match name {
            "true" | "false" => subject().behind(&format!("is {name}")),
            "null" => subject().behind("is none"),
            "undefined" => subject().behind("is undefined"),
            "exist" | "exists" => Formula::concat([
                Formula::code("("),
                subject(),
                Formula::code(" is defined and "),
                subject(),
                Formula::code(" is not none)"),
            ]),
            "empty" => {
                Formula::concat([Formula::code("(("), subject(), Formula::code(" | length) == 0)")])
            }
            "ok" => Formula::concat([
                Formula::code("("),
                subject(),
                Formula::code(" is defined and "),
                subject(),
                Formula::code(" not in [none, false, 0, \"\"])"),
            ]),
            other => return Err(format!("evalmark has no counterpart of `{other}`")),
        };
        if matches!(name, "undefined" | "exist" | "exists" | "ok") {
            self.must(condition);
        } else {
            self.must_of_value(condition);
        }
        Ok(())
    }

    fn called(&mut self, name: &str, arguments: &[Expr]) -> Result<(), String> {
        let first = &arguments[0];
        let subject = self.subject.clone();
        let condition = match name {
            "equal" | "equals" | "eq" | "eql" | "eqls" => self.equal(name, first)?,
            "a" | "an" => {
                of_type(subject, first.text().ok_or("it asks for a type by an expression")?)?
            }
            "instanceof" | "instanceOf" => of_type(subject, &first.path().unwrap_or_default())?,
            "above" | "gt" | "greaterThan" => self.compared(">", first)?,
            "least" | "gte" | "greaterThanOrEqual" => self.compared(">=", first)?,
            "below" | "lt" | "lessThan" => self.compared("<", first)?,
            "most" | "lte" | "lessThanOrEqual" => self.compared("<=", first)?,
            "within" => {
                let most = arguments.get(1).ok_or("`within` needs two bounds")?;
                Formula::binary(self.compared(">=", first)?, "and", self.compared("<=", most)?)
            }
            "closeTo" | "approximately" => {
                let delta = arguments.get(1).ok_or("`closeTo` needs a distance")?;
                let (target, delta) = (self.scope.value(first)?, self.scope.value(delta)?);
                let distance = Formula::binary(subject, "-", target).behind("| abs");
                Formula::binary(distance, "<=", delta)
            }
            "lengthOf" | "length" => {
                Formula::binary(subject.behind("| length"), "==", self.scope.value(first)?)
            }
            "include" | "includes" | "contain" | "contains" => self.included(first)?,
            "string" => Formula::binary(self.scope.value(first)?, "in", subject),
            "match" | "matches" => {
                let Expr::Pattern { pattern, flags } = first else {
                    return Err("it matches an expression".to_owned());
                };
                let pattern = rust_pattern(pattern, flags)?;
                Formula::concat([
                    Formula::code("matches("),
                    subject,
                    Formula::code(", "),
                    Formula::literal(pattern.into()),
                    Formula::code(")"),
                ])
            }
            "oneOf" => Formula::binary(subject, "in", self.scope.value(first)?),
            "property" | "ownProperty" => return self.property(arguments),
            "keys" | "key" => self.keys(arguments)?,
            "members" => self.members(first)?,
            other => return Err(format!("evalmark has no counterpart of `{other}`")),
        };
        self.must_of_value(condition);
        Ok(())
    }

    pub(super) fn equal(&mut self, name: &str, expected: &Expr) -> Converted {
        let subject = self.subject.clone();
        if expected == &Expr::Name("undefined".to_owned()) {
            return Ok(subject.behind("is undefined"));
        }
        let expected = self.scope.value(expected)?;
        Ok(match expected.as_literal() {
            Some(Value::Null) => subject.behind("is none"),
            // Within a formula 1 equals true.
            Some(Value::Bool(truth)) => subject.behind(&format!("is {truth}")),
            Some(Value::Array(_) | Value::Object(_))
                if name.starts_with("eq") && !name.starts_with("eql") && !self.is_deep =>
            {
                return Err(format!(
                    "`{name}` is never true of lists and objects; `eql` compares what they hold"
                ));
            }
            _ => Formula::binary(subject, "==", expected),
        })
    }

    fn compared(&mut self, operator: &str, bound: &Expr) -> Converted {
        Ok(Formula::binary(self.subject.clone(), operator, self.scope.value(bound)?))
    }

    /// What a text or a list includes, or the entries that an object has.
    fn included(&mut self, expected: &Expr) -> Converted {
        if let Expr::Map(entries) = expected {
            let mut all = Vec::new();
            for (key, value) in entries {
                let of = Formula::concat([self.subject.clone(), Formula::code(&lookup(key))]);
                all.push(Formula::binary(of, "==", self.scope.value(value)?));
            }
            return Ok(Formula::concat([
                Formula::code("("),
                Formula::all(all, "and"),
                Formula::code(")"),
            ]));
        }
        Ok(Formula::binary(self.scope.value(expected)?, "in", self.subject.clone()))
    }

    /// `property(NAME)` and `property(NAME, VALUE)`; what follows is about that property.
    fn property(&mut self, arguments: &[Expr]) -> Result<(), String> {
        let name = match &arguments[0] {
            Expr::Literal(Value::String(name)) => lookup(name),
            Expr::Literal(Value::Number(number)) => format!("[{number}]"),
            _ => return Err("it names a property by an expression".to_owned()),
        };
        let of = Formula::concat([self.subject.clone(), Formula::code(&name)]);
        let mut condition = of.clone().behind("is defined");
        if let Some(expected) = arguments.get(1) {
            let subject = std::mem::replace(&mut self.subject, of.clone());
            let equal = self.equal("eql", expected)?;
            self.subject = subject;
            condition = Formula::binary(condition, "and", equal);
        }
        self.must(condition);
        if !self.is_negated {
            self.subject = of;
        }
        Ok(())
    }

    fn keys(&mut self, arguments: &[Expr]) -> Converted {
        let names =
            arguments.iter().map(|one| self.scope.constant(one)).collect::<Result<Vec<_>, _>>()?;
        let names: Vec<Value> = names
            .into_iter()
            .flat_map(|one| match one {
                Value::Array(list) => list,
                one => vec![one],
            })
            .collect();
        Ok(self.each(names))
    }

    fn members(&mut self, expected: &Expr) -> Converted {
        match self.scope.constant(expected)? {
            Value::Array(list) => Ok(self.each(list)),
            _ => Err("`members` takes a list".to_owned()),
        }
    }

    /// Each of these is in the subject, and nothing else unless the chain says `include`.
    fn each(&self, values: Vec<Value>) -> Formula {
        let n = values.len();
        let one = |value| Formula::binary(Formula::literal(value), "in", self.subject.clone());
        let mut all: Vec<_> = values.into_iter().map(one).collect();
        let between = if self.keys == Keys::Any { "or" } else { "and" };
        if self.keys == Keys::Exactly {
            all.push(Formula::binary(
                self.subject.clone().behind("| length"),
                "==",
                Formula::code(&n.to_string()),
            ));
        }
        Formula::concat([Formula::code("("), Formula::all(all, between), Formula::code(")")])
    }
}

/// A pattern of JavaScript with its flags, if evalmark's know it.
pub(super) fn rust_pattern(pattern: &str, flags: &str) -> Result<String, String> {
    let flags: String = flags.chars().filter(|flag| matches!(flag, 'i' | 'm' | 's')).collect();
    let rust = javascript_pattern(pattern);
    let rust = if flags.is_empty() { rust } else { format!("(?{flags}){rust}") };
    regex::Regex::new(&rust).map_err(|_| {
        "evalmark's patterns take linear time, and lack what this one has".to_owned()
    })?;
    Ok(rust)
}

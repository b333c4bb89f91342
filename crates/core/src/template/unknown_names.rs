//! Names of filters, tests, functions and methods that Jinja does not have, and what to write instead.

use minijinja::{Error, ErrorKind};

use crate::suite::nearest;

const FILTERS: &[&str] = &[
    "abs",
    "attr",
    "batch",
    "bool",
    "capitalize",
    "chain",
    "count",
    "default",
    "dictsort",
    "escape",
    "first",
    "float",
    "format",
    "groupby",
    "indent",
    "int",
    "items",
    "join",
    "last",
    "length",
    "lines",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "pprint",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "safe",
    "select",
    "selectattr",
    "slice",
    "sort",
    "split",
    "string",
    "sum",
    "title",
    "tojson",
    "trim",
    "unique",
    "upper",
    "zip",
];

const TESTS: &[&str] = &[
    "boolean",
    "defined",
    "divisibleby",
    "endingwith",
    "eq",
    "even",
    "false",
    "float",
    "ge",
    "gt",
    "in",
    "integer",
    "iterable",
    "le",
    "lower",
    "lt",
    "mapping",
    "ne",
    "none",
    "number",
    "odd",
    "sameas",
    "sequence",
    "startingwith",
    "string",
    "true",
    "undefined",
    "upper",
];

const FUNCTIONS: &[&str] = &["dict", "namespace", "range"];

/// Methods of Python's values, and what does the same here.
const METHODS: &[(&[&str], &str)] = &[
    (&["strip", "lstrip", "rstrip"], "`| trim`"),
    (&["upper"], "`| upper`"),
    (&["lower", "casefold"], "`| lower`"),
    (&["title"], "`| title`"),
    (&["capitalize"], "`| capitalize`"),
    (&["replace"], "`| replace(OLD, NEW)`"),
    (&["split"], "`| split(SEPARATOR)`"),
    (&["splitlines"], "`| lines`"),
    (&["join"], "`LIST | join(SEPARATOR)`"),
    (&["startswith"], "`is startingwith(TEXT)`"),
    (&["endswith"], "`is endingwith(TEXT)`"),
    (&["get"], "`['KEY'] | default('')`"),
    (&["items"], "`| items`"),
    (&["keys"], "`| list`"),
    (&["count", "len"], "`| length`"),
    (&["append", "extend"], "`LIST + [VALUE]`"),
    (&["format"], "`| format(VALUE)`"),
];

/// The sentence for a name that does not exist; `None` for other errors.
pub(super) fn describe(error: &Error) -> Option<String> {
    let detail = error.detail()?;
    let (what, known) = match error.kind() {
        ErrorKind::UnknownFilter => ("filter", FILTERS),
        ErrorKind::UnknownTest => ("test", TESTS),
        ErrorKind::UnknownFunction => ("function", FUNCTIONS),
        ErrorKind::UnknownMethod => return method(detail),
        _ => return None,
    };
    let name = detail.strip_suffix(" is unknown")?;
    let name = name.strip_prefix(what).map_or(name, str::trim_start);
    let advice = match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are: {}", known.join(", ")),
    };
    Some(format!("unknown {what} `{name}`; {advice}"))
}

fn method(detail: &str) -> Option<String> {
    let (owner, name) = detail.split_once(" has no method named ")?;
    let instead = METHODS.iter().find(|(names, _)| names.contains(&name));
    let advice = match instead {
        Some((_, instead)) => format!("; write {instead}"),
        None => String::new(),
    };
    let owner = if owner == "string" { "text" } else { owner };
    Some(format!("a {owner} has no method `{name}`{advice}"))
}

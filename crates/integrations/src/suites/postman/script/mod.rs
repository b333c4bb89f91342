//! Scripts of Postman as far as an import understands them: JavaScript is read, and never run.

mod parser;
mod tokens;

pub(super) use self::parser::parse;

use serde_json::Value;

/// A statement, and the line on which it begins, from 1.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Statement {
    pub(super) line: usize,
    pub(super) kind: StatementKind,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum StatementKind {
    /// `const NAME = …, NAME = …` and `const { NAME } = …`.
    Declare(Vec<(String, Expr)>),
    /// `… = …`.
    Assign(Expr, Expr),
    /// `return …`.
    Return(Expr),
    Expression(Expr),
    /// Anything else, with the beginning of its text.
    Other(String),
}

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expr {
    /// A text, a number, true, false or null.
    Literal(Value),
    Pattern {
        pattern: String,
        flags: String,
    },
    Name(String),
    Member(Box<Expr>, String),
    Index(Box<Expr>, Box<Expr>),
    Call(Box<Expr>, Vec<Expr>),
    Unary(String, Box<Expr>),
    Binary(String, Box<Expr>, Box<Expr>),
    List(Vec<Expr>),
    Map(Vec<(String, Expr)>),
    /// A text with expressions in it: texts and expressions by turns, a text first and last.
    Template(Vec<String>, Vec<Expr>),
    /// A function without its parameters.
    Function(Vec<Statement>),
}

impl Expr {
    /// Names with points between them, such as `pm.response.json`.
    pub(super) fn path(&self) -> Option<String> {
        match self {
            Self::Name(name) => Some(name.clone()),
            Self::Member(of, name) => Some(format!("{}.{name}", of.path()?)),
            _ => None,
        }
    }

    /// The function that is called, by its path, and its arguments.
    pub(super) fn call(&self) -> Option<(String, &[Expr])> {
        match self {
            Self::Call(callee, arguments) => Some((callee.path()?, arguments)),
            _ => None,
        }
    }

    /// The text that it is.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Literal(value) => value.as_str(),
            _ => None,
        }
    }
}

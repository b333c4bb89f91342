//! Statements and expressions of JavaScript, as far as tests of Postman use them. What is not among them
//! is kept as [`StatementKind::Other`], so that an import can say where it stands.

use serde_json::{Number, Value};

use super::{
    Expr, Statement, StatementKind,
    tokens::{Token, TokenKind, tokens},
};

/// The longest script, in bytes, and how deep its expressions may nest.
const LONGEST: usize = 200_000;
const DEEPEST: usize = 64;

/// Operators of two operands, each with how tightly it binds.
const OPERATORS: [(&str, u8); 15] = [
    ("||", 1),
    ("??", 1),
    ("&&", 2),
    ("===", 3),
    ("!==", 3),
    ("==", 3),
    ("!=", 3),
    ("<", 4),
    (">", 4),
    ("<=", 4),
    (">=", 4),
    ("+", 5),
    ("-", 5),
    ("*", 6),
    ("/", 6),
];

struct Parser<'a> {
    source: &'a str,
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

/// The statements of a script; an error has the line from which on it cannot be read.
pub(in super::super) fn parse(source: &str) -> Result<Vec<Statement>, usize> {
    if source.len() > LONGEST {
        return Err(1);
    }
    let tokens = tokens(source)?;
    let mut parser = Parser { source, tokens, at: 0, depth: 0 };
    let mut statements = Vec::new();
    while parser.at < parser.tokens.len() {
        parser.statement(&mut statements);
    }
    Ok(statements)
}

impl Parser<'_> {
    fn peek(&self) -> Option<&TokenKind> {
        self.tokens.get(self.at).map(|token| &token.kind)
    }

    fn is_sign(&self, sign: &str) -> bool {
        matches!(self.peek(), Some(TokenKind::Sign(found)) if *found == sign)
    }

    fn takes(&mut self, sign: &str) -> bool {
        let is_there = self.is_sign(sign);
        self.at += usize::from(is_there);
        is_there
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let is_there = matches!(self.peek(), Some(TokenKind::Word(found)) if found == word);
        self.at += usize::from(is_there);
        is_there
    }

    /// Reads a statement, or passes what is none.
    fn statement(&mut self, out: &mut Vec<Statement>) {
        if self.takes(";") {
            return;
        }
        let begun = self.at;
        let line = self.tokens[begun].line;
        let kind = self.known_statement().unwrap_or_else(|| {
            self.at = begun;
            self.pass();
            self.at = self.at.max(begun + 1);
            StatementKind::Other(self.shown(begun))
        });
        out.push(Statement { line, kind });
        // Whatever was read, some of it was passed.
        self.at = self.at.max(begun + 1);
    }

    fn known_statement(&mut self) -> Option<StatementKind> {
        let kind = if ["var", "let", "const"].iter().any(|word| self.takes_word(word)) {
            StatementKind::Declare(self.declarations()?)
        } else if self.takes_word("return") {
            StatementKind::Return(self.expression()?)
        } else {
            let expression = self.expression()?;
            if self.takes("=") {
                StatementKind::Assign(expression, self.expression()?)
            } else {
                StatementKind::Expression(expression)
            }
        };
        self.ends().then_some(kind)
    }

    /// What stands behind `const`.
    fn declarations(&mut self) -> Option<Vec<(String, Expr)>> {
        let mut out = Vec::new();
        loop {
            if self.takes("{") {
                let names = self.names("}")?;
                self.takes("=").then_some(())?;
                let of = self.expression()?;
                let member =
                    |name: String| (name.clone(), Expr::Member(Box::new(of.clone()), name));
                out.extend(names.into_iter().map(member));
            } else {
                let Some(TokenKind::Word(name)) = self.peek().cloned() else { return None };
                self.at += 1;
                let value = if self.takes("=") {
                    self.expression()?
                } else {
                    Expr::Name("undefined".to_owned())
                };
                out.push((name, value));
            }
            if !self.takes(",") {
                return Some(out);
            }
        }
    }

    /// Whether a statement ends here; passes its semicolon.
    fn ends(&mut self) -> bool {
        self.takes(";")
            || self.is_sign("}")
            || self.tokens.get(self.at).is_none_or(|token| token.begins_line)
    }

    /// Passes a statement that is not understood: to its semicolon, or to the end of its last block.
    fn pass(&mut self) {
        let mut depth = 0_usize;
        while let Some(token) = self.tokens.get(self.at) {
            match token.kind {
                TokenKind::Sign("{" | "(" | "[") => depth += 1,
                TokenKind::Sign("}") if depth == 0 => return,
                TokenKind::Sign("}" | ")" | "]") => depth = depth.saturating_sub(1),
                TokenKind::Sign(";") if depth == 0 => {
                    self.at += 1;
                    return;
                }
                _ => {}
            }
            let closes = matches!(token.kind, TokenKind::Sign("}")) && depth == 0;
            self.at += 1;
            let goes_on = ["else", "catch", "finally", "while"];
            let next = self.tokens.get(self.at);
            let is_more = matches!(next.map(|token| &token.kind), Some(TokenKind::Word(word)) if goes_on.contains(&word.as_str()));
            let is_call = matches!(
                next.map(|token| &token.kind),
                Some(TokenKind::Sign(")" | "." | "," | ";" | "("))
            );
            if closes && !is_more && !is_call {
                return;
            }
        }
    }

    /// The beginning of what stands there, on one line.
    fn shown(&self, begun: usize) -> String {
        let end = self.tokens.get(self.at).map_or(self.source.len(), |token| token.start);
        let text = &self.source[self.tokens[begun].start..end];
        let line = text.lines().next().unwrap_or_default().trim_end();
        line.chars().take(80).collect()
    }

    fn expression(&mut self) -> Option<Expr> {
        self.binary(0)
    }

    fn binary(&mut self, tightest: u8) -> Option<Expr> {
        self.depth += 1;
        let found = (self.depth < DEEPEST).then(|| self.operands(tightest)).flatten();
        self.depth -= 1;
        found
    }

    fn operands(&mut self, tightest: u8) -> Option<Expr> {
        let mut left = self.unary()?;
        while let Some(TokenKind::Sign(sign)) = self.peek() {
            let known = OPERATORS.iter().find(|(operator, _)| operator == sign);
            let Some((operator, binding)) = known.filter(|(_, binding)| *binding > tightest) else {
                break;
            };
            self.at += 1;
            let right = self.binary(*binding)?;
            left = Expr::Binary((*operator).to_owned(), Box::new(left), Box::new(right));
        }
        Some(left)
    }

    fn unary(&mut self) -> Option<Expr> {
        let operator = match self.peek()? {
            TokenKind::Sign(sign @ ("!" | "-" | "+")) => (*sign).to_owned(),
            TokenKind::Word(word) if word == "typeof" => word.clone(),
            _ => return self.chain(),
        };
        self.at += 1;
        // As tight as no operator of two operands.
        let operand = self.binary(9)?;
        Some(Expr::Unary(operator, Box::new(operand)))
    }

    /// An operand with what is looked up in it and called on it.
    fn chain(&mut self) -> Option<Expr> {
        let mut of = self.operand()?;
        loop {
            if self.takes(".") || self.takes("?.") {
                let Some(TokenKind::Word(name)) = self.peek().cloned() else { return None };
                self.at += 1;
                of = Expr::Member(Box::new(of), name);
            } else if self.takes("[") {
                let index = self.expression()?;
                of = Expr::Index(Box::new(of), Box::new(index));
                self.takes("]").then_some(())?;
            } else if self.takes("(") {
                of = Expr::Call(Box::new(of), self.list(")")?);
            } else {
                return Some(of);
            }
        }
    }

    /// Expressions up to a closing sign.
    fn list(&mut self, close: &str) -> Option<Vec<Expr>> {
        let mut list = Vec::new();
        while !self.takes(close) {
            list.push(self.expression()?);
            if !self.takes(",") && !self.is_sign(close) {
                return None;
            }
        }
        Some(list)
    }

    fn operand(&mut self) -> Option<Expr> {
        let kind = self.peek()?.clone();
        self.at += 1;
        Some(match kind {
            TokenKind::Text(text) => Expr::Literal(text.into()),
            TokenKind::Number(number) => Expr::Literal(number_value(number)),
            TokenKind::Pattern(pattern, flags) => Expr::Pattern { pattern, flags },
            TokenKind::Template(texts, sources) => template(texts, &sources, self.depth)?,
            TokenKind::Sign("[") => Expr::List(self.list("]")?),
            TokenKind::Sign("{") => Expr::Map(self.map()?),
            TokenKind::Sign("(") => return self.parenthesis(),
            TokenKind::Sign(_) => return None,
            TokenKind::Word(word) => match word.as_str() {
                "true" => Expr::Literal(true.into()),
                "false" => Expr::Literal(false.into()),
                "null" => Expr::Literal(Value::Null),
                "function" => {
                    if let Some(TokenKind::Word(_)) = self.peek() {
                        self.at += 1;
                    }
                    self.takes("(").then_some(())?;
                    self.names(")")?;
                    Expr::Function(self.block()?)
                }
                "async" | "new" | "await" | "class" | "delete" | "void" | "if" | "for"
                | "while" | "switch" | "try" | "throw" | "do" => return None,
                _ if self.takes("=>") => self.arrow()?,
                _ => Expr::Name(word),
            },
        })
    }

    /// What stands in parentheses, or the parameters of an arrow function and its body.
    fn parenthesis(&mut self) -> Option<Expr> {
        let begun = self.at;
        if self.names(")").is_some() && self.takes("=>") {
            return self.arrow();
        }
        self.at = begun;
        let inner = self.expression()?;
        self.takes(")").then_some(inner)
    }

    /// Names with commas between them, up to a closing sign.
    fn names(&mut self, close: &str) -> Option<Vec<String>> {
        let mut names = Vec::new();
        while !self.takes(close) {
            let Some(TokenKind::Word(name)) = self.peek().cloned() else { return None };
            self.at += 1;
            names.push(name);
            if !self.takes(",") && !self.is_sign(close) {
                return None;
            }
        }
        Some(names)
    }

    fn arrow(&mut self) -> Option<Expr> {
        if self.is_sign("{") {
            return Some(Expr::Function(self.block()?));
        }
        let line = self.tokens.get(self.at)?.line;
        let body = self.expression()?;
        Some(Expr::Function(vec![Statement { line, kind: StatementKind::Expression(body) }]))
    }

    fn block(&mut self) -> Option<Vec<Statement>> {
        self.takes("{").then_some(())?;
        self.depth += 1;
        let mut statements = Vec::new();
        while self.depth < DEEPEST && self.at < self.tokens.len() && !self.is_sign("}") {
            self.statement(&mut statements);
        }
        self.depth -= 1;
        self.takes("}").then_some(statements)
    }

    fn map(&mut self) -> Option<Vec<(String, Expr)>> {
        let mut map = Vec::new();
        while !self.takes("}") {
            let key = match self.peek()?.clone() {
                TokenKind::Word(key) | TokenKind::Text(key) => key,
                TokenKind::Number(number) => number_value(number).to_string(),
                _ => return None,
            };
            self.at += 1;
            let value = if self.takes(":") { self.expression()? } else { Expr::Name(key.clone()) };
            map.push((key, value));
            if !self.takes(",") && !self.is_sign("}") {
                return None;
            }
        }
        Some(map)
    }
}

/// A template literal; without expressions it is a text.
fn template(mut texts: Vec<String>, sources: &[String], depth: usize) -> Option<Expr> {
    if sources.is_empty() {
        return Some(Expr::Literal(texts.pop().unwrap_or_default().into()));
    }
    let inner = |source: &String| {
        let tokens = tokens(source).ok()?;
        let mut parser = Parser { source, tokens, at: 0, depth: depth + 1 };
        let expression = parser.expression()?;
        (parser.at == parser.tokens.len()).then_some(expression)
    };
    Some(Expr::Template(texts, sources.iter().map(inner).collect::<Option<_>>()?))
}

/// A number as JSON writes it: whole numbers without a point.
fn number_value(number: f64) -> Value {
    let whole = number.to_string().parse::<i64>().ok().map(Number::from);
    whole.or_else(|| Number::from_f64(number)).map_or(Value::Null, Value::Number)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(source: &str, expected: &[&str]) {
        let statements = parse(source).unwrap_or_else(|line| panic!("{source}: line {line}"));
        let shown: Vec<_> = statements
            .iter()
            .map(|Statement { line, kind }| match kind {
                StatementKind::Other(text) => format!("{line} other {text}"),
                StatementKind::Declare(of) => {
                    let names: Vec<_> = of.iter().map(|(name, _)| name.as_str()).collect();
                    format!("{line} declare {}", names.join(" "))
                }
                StatementKind::Assign(..) => format!("{line} assign"),
                StatementKind::Return(_) => format!("{line} return"),
                StatementKind::Expression(expression) => {
                    let call = expression.call().map(|(path, _)| path);
                    format!("{line} call {}", call.unwrap_or_default())
                }
            })
            .collect();
        assert_eq!(shown, expected, "{source}");
    }

    #[test]
    fn statements_and_what_is_none() {
        check("", &[]);
        check("// a\n/* b\n*/ pm.test('x', function () {\n  a.b();\n});", &["3 call pm.test"]);
        check(
            "var a = 1, x; let b\nconst c = pm.response.json()\nconst { e, f } = c;d()",
            &["1 declare a x", "1 declare b", "2 declare c", "3 declare e f", "3 call d"],
        );
        check(
            "if (a) { b(); } else { c(); }\nd();",
            &["1 other if (a) { b(); } else { c(); }", "2 call d"],
        );
        check("for (const x of y) {\n z(); }\nd();", &["1 other for (const x of y) {", "3 call d"]);
        check(
            "tests['a'] = b === 1;\nx => 1\nfunction f(a, b) { return 1; }",
            &["1 assign", "2 call ", "3 call "],
        );
        check("await a();\nb();", &["1 other await a();", "2 call b"]);
        check("a(async () => { x; });\nb()", &["1 other a(async () => { x; });", "2 call b"]);
        check("}}}a()", &["1 other }", "1 other }", "1 other }", "1 call a"]);
        assert!(parse(&format!("a({}", "[".repeat(500))).is_ok_and(|found| found.len() == 1));
    }

    #[test]
    fn expressions() {
        let of = |source: &str| match parse(source).expect("tokens").remove(0).kind {
            StatementKind::Expression(expression) => expression,
            other => panic!("{source}: {other:?}"),
        };
        assert_eq!(of(r"'a\'\u00e9\n'"), Expr::Literal(json!("a'é\n")));
        assert_eq!(of("`a`"), Expr::Literal(json!("a")));
        assert_eq!(of("1.50"), Expr::Literal(json!(1.5)));
        assert_eq!(of("200"), Expr::Literal(json!(200)));
        let Expr::Pattern { pattern, flags } = of(r"/a[/]\/b/gi") else { panic!("no pattern") };
        assert_eq!((pattern.as_str(), flags.as_str()), (r"a[/]\/b", "gi"));
        let Expr::Binary(operator, _, right) = of("a.b + 2 * c === d && !e") else {
            panic!("no binary")
        };
        assert_eq!(operator, "&&");
        assert_eq!(*right, Expr::Unary("!".into(), Box::new(Expr::Name("e".into()))));
        let Expr::Template(texts, inner) = of("`a ${b.c} d`") else { panic!("no template") };
        assert_eq!((texts.len(), inner[0].path().as_deref()), (2, Some("b.c")));
        assert_eq!(of("({ a: 1, 'b-c': [2], d })").path(), None);
        assert!(parse("'open").is_err());
        assert!(parse("a # b").is_err());
    }
}

//! Templates of lm-evaluation-harness: Jinja of Python, where texts and lists have Python's methods. They are
//! rendered here, at the import; what evalmark's own templates can say as well becomes a template of the suite.

use std::sync::LazyLock;

use evalmark_core::template::Template;
use minijinja::{
    Environment, Error, ErrorKind, UndefinedBehavior,
    value::{Serde, Value},
};
use serde_json::{Map, Value as Json};

/// The largest product of the sizes of what a method is given, in bytes.
const LARGEST: usize = 10_000_000;

/// What rendering one template may cost, in steps.
const FUEL: u64 = 1_000_000;

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment.set_fuel(Some(FUEL));
    environment.set_unknown_method_callback(|state, value, name, arguments| {
        bounded(std::iter::once(value).chain(arguments))?;
        minijinja_contrib::pycompat::unknown_method_callback(state, value, name, arguments)
    });
    environment.add_filter("regex_replace", regex_replace);
    environment
});

/// What methods make grows with the product of what they are given: a few of them, one behind the other, would fill
/// any memory, which fuel does not see.
fn bounded<'a>(values: impl IntoIterator<Item = &'a Value>) -> Result<(), Error> {
    let size =
        |value: &Value| value.as_str().map_or_else(|| value.len().unwrap_or(1), str::len).max(1);
    let product = values.into_iter().map(size).fold(1, usize::saturating_mul);
    if product > LARGEST {
        return Err(Error::new(ErrorKind::OutOfFuel, "the text is too large"));
    }
    Ok(())
}

/// `re.sub`, as lm-eval adds it.
fn regex_replace(text: &str, pattern: &str, with: &str) -> Result<String, Error> {
    let pattern = regex::Regex::new(pattern)
        .map_err(|error| Error::new(ErrorKind::InvalidOperation, error.to_string()))?;
    bounded([&Value::from(text), &Value::from(with)])?;
    let group =
        regex::Regex::new(r"\\(\d)").map_err(|_| Error::from(ErrorKind::InvalidOperation))?;
    let with = with.replace('$', "$$");
    let with = group.replace_all(&with, "$${$1}");
    Ok(pattern.replace_all(text, with.as_ref()).into_owned())
}

/// A template, or the name of a column.
#[derive(Clone, Debug)]
pub(super) struct PythonTemplate {
    pub(super) source: String,
}

impl PythonTemplate {
    /// A template that evalmark could compile, methods aside: it is no larger than it may be.
    pub(super) fn new(source: String) -> Result<Self, String> {
        Template::compile_alone("template", &source).map_err(|error| error.message)?;
        Ok(Self { source })
    }

    /// The list that it gives, where it is one expression and gives a list.
    pub(super) fn list(&self, row: &Map<String, Json>) -> Option<Vec<Json>> {
        let inner = self.source.trim().strip_prefix("{{")?.strip_suffix("}}")?;
        if inner.contains("{{") || inner.contains("}}") {
            return None;
        }
        let expression = ENVIRONMENT.compile_expression(inner).ok()?;
        let value = expression.eval(Serde(row)).ok()?;
        match serde_json::to_value(&value).ok()? {
            Json::Array(list) if !list.is_empty() => Some(list),
            _ => None,
        }
    }

    /// The list that it gives, or writes as one.
    pub(super) fn list_or_literal(
        &self,
        row: &Map<String, Json>,
    ) -> Result<Option<Vec<Json>>, String> {
        if let Some(list) = self.list(row) {
            return Ok(Some(list));
        }
        let text = self.render(row)?;
        let read = |text: &str| serde_json::from_str(text).ok();
        // Python writes texts between single quotes.
        Ok(read(&text).or_else(|| read(&text.replace('"', "\\\"").replace('\'', "\""))))
    }

    pub(super) fn render(&self, row: &Map<String, Json>) -> Result<String, String> {
        // One line break at the end is not a template's text; Python's are set up to keep it.
        let more = if self.source.ends_with('\n') { "\n" } else { "" };
        let source = format!("{}{more}", self.source);
        ENVIRONMENT.render_str(&source, Serde(row)).map_err(|error| {
            let text = error.to_string();
            text.lines().next().unwrap_or_default().to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row_of(answer: &str) -> Map<String, Json> {
        Map::from_iter([("answer".to_owned(), Json::from(answer))])
    }

    #[test]
    fn methods_of_python() {
        let row = json!({ "answer": "so 3 #### 7 ", "list": ["a", "b"], "n": 2, "none": null });
        let row = row.as_object().expect("a row");
        let check = |source: &str, expected: &str| {
            let template = PythonTemplate::new(source.to_owned()).expect(source);
            assert_eq!(template.render(row).as_deref(), Ok(expected), "{source}");
        };
        check("{{answer.split('####')[-1].strip()}}", "7");
        let grown = "{% set a = answer.replace('', answer) %}{% set b = a.replace('', a) %}{{ b.replace('', b) }}";
        let grown = PythonTemplate::new(grown.to_owned()).expect(grown);
        assert!(grown.render(&row_of(&"x".repeat(9_000))).is_err());
        check("{{ list.index('b') if list.index is defined else 1 }}", "1");
        check("{{ ['x', 'y', 'z'][n] }}\n", "z\n");
        check("{% if none is not none %}a{% else %}{{ 'b' + answer }}{% endif %}", "bso 3 #### 7 ");
        check("{{ answer | regex_replace('(\\\\d) #', '<\\\\1$>') }}", "so <3$>### 7 ");
        check("{{ 'ABCD'[n|int - 1] if n|string in '1234' else n }}", "B");
        let list = |source: &str| PythonTemplate::new(source.to_owned()).expect(source).list(row);
        assert_eq!(list("{{ list }}"), Some(vec![json!("a"), json!("b")]));
        assert_eq!(list("{{ answer }}"), None);
        assert_eq!(list("{{ n }}{{ n }}"), None);
        assert!(PythonTemplate::new("{{ nothing }}".to_owned()).expect("one").render(row).is_err());
        assert!(
            PythonTemplate::new("{{ 'a' * 1000000000 }}".to_owned())
                .and_then(|t| t.render(row))
                .is_err()
        );
    }
}

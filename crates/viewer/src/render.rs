//! HTML of a template and data: every value passes one formatter that makes it safe.

use std::{fmt::Write, sync::LazyLock};

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header::CONTENT_TYPE},
    response::Response,
};
use evalmark_core::number_format::count;
use evalmark_report::safe_text::{markup_escaped, printable};
use minijinja::{
    AutoEscape, Environment, Output, State,
    syntax::SyntaxConfig,
    value::{Serde, Value, ValueKind},
};
use serde::Serialize;

/// The templates, which include each other by these names.
const TEMPLATES: &[(&str, &str)] = &[
    ("layout.html", include_str!("templates/layout.html")),
    ("macros.html", include_str!("templates/macros.html")),
    ("runs.html", include_str!("templates/runs.html")),
    ("suite.html", include_str!("templates/suite.html")),
    ("run.html", include_str!("templates/run.html")),
    ("samples.html", include_str!("templates/samples.html")),
    ("sample.html", include_str!("templates/sample.html")),
    ("compare.html", include_str!("templates/compare.html")),
    ("message.html", include_str!("templates/message.html")),
];

static PAGES: LazyLock<Result<Environment<'static>, minijinja::Error>> = LazyLock::new(|| {
    let mut pages = Environment::new();
    pages.set_auto_escape_callback(|_| AutoEscape::Html);
    pages.set_formatter(safely);
    pages.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    pages.add_filter("count", count);
    pages.add_filter("part", |text: &str| in_address(text));
    for (name, text) in TEMPLATES {
        pages.add_template(name, text)?;
    }
    Ok(pages)
});

/// A page.
pub(crate) fn page(status: StatusCode, template: &str, data: &impl Serialize) -> Response {
    let rendered = PAGES
        .as_ref()
        .map_err(ToString::to_string)
        .and_then(|pages| pages.get_template(template).map_err(|error| error.to_string()))
        .and_then(|page| page.render(Serde(data)).map_err(|error| error.to_string()));
    match rendered {
        Ok(html) => file(status, "text/html; charset=utf-8", html),
        // A mistake in the template: its message names lines of it, and nothing of the data.
        Err(message) => {
            let text = format!("the page cannot be rendered: {message}\n");
            file(StatusCode::INTERNAL_SERVER_ERROR, "text/plain; charset=utf-8", text)
        }
    }
}

/// Anything else that is sent.
pub(crate) fn file(
    status: StatusCode,
    content_type: &'static str,
    content: impl Into<Body>,
) -> Response {
    let mut response = Response::new(content.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// A part of an address: whatever is not plain is written in percent.
pub(crate) fn in_address(text: &str) -> String {
    let mut part = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            part.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(part, "%{byte:02X}");
        }
    }
    part
}

/// A text in HTML: markup is escaped, and what acts on the text around it is made visible.
pub(crate) fn escaped(text: &str) -> String {
    markup_escaped(&printable(text))
}

fn safely(
    out: &mut Output<'_>,
    _: &mut State<'_, '_>,
    value: &Value,
) -> Result<(), minijinja::Error> {
    match value.kind() {
        ValueKind::Undefined | ValueKind::None => return Ok(()),
        ValueKind::Number | ValueKind::Bool => return Ok(write!(out, "{value}")?),
        _ => {}
    }
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let html = if value.is_safe() { text } else { escaped(&text) };
    Ok(out.write_str(&html)?)
}

#[cfg(test)]
mod tests {
    use super::{escaped, in_address};

    #[test]
    fn texts_do_nothing() {
        for (text, html) in [
            ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
            ("\" onload='x' &amp;", "&quot; onload=&#39;x&#39; &amp;amp;"),
            ("a\u{202e}b\u{1b}[2J", "a\\u{202e}b\\u{1b}[2J"),
            ("two\nlines", "two\nlines"),
        ] {
            assert_eq!(escaped(text), html);
        }
    }

    #[test]
    fn parts_of_addresses_are_plain() {
        assert_eq!(in_address("a b/../é?#"), "a%20b%2F..%2F%C3%A9%3F%23");
    }
}

//! Renders the page: every value passes one formatter that makes it safe, and the page says by hash
//! which script and which style may act.

use std::{borrow::Cow, sync::LazyLock};

use base64::{Engine, prelude::BASE64_STANDARD};
use evalmark_core::number_format::{count, quantity};
use minijinja::{
    AutoEscape, Environment, Output, State,
    syntax::SyntaxConfig,
    value::{Serde, Value, ValueKind},
};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{data::PageData, embed, sections::Sections};
use crate::safe_text::{markup_escaped, visible};

/// The page could not be rendered: a mistake in its template, not in the data.
#[derive(Debug, thiserror::Error)]
#[error("cannot render report.html: {message}")]
pub struct RenderError {
    /// What the template engine says.
    pub message: String,
}

/// The page's parts, which include each other by these names.
const TEMPLATES: &[(&str, &str)] = &[
    ("page.html", include_str!("page.html")),
    ("macros.html", include_str!("macros.html")),
    ("headline.html", include_str!("sections/headline.html")),
    ("forest.html", include_str!("sections/forest.html")),
    ("flips.html", include_str!("sections/flips.html")),
    ("changes.html", include_str!("sections/changes.html")),
    ("samples.html", include_str!("sections/samples.html")),
    ("comparisons.html", include_str!("sections/comparisons.html")),
    ("scores.html", include_str!("sections/scores.html")),
    ("distributions.html", include_str!("sections/distributions.html")),
    ("tradeoffs.html", include_str!("sections/tradeoffs.html")),
    ("confusion.html", include_str!("sections/confusion.html")),
    ("slices.html", include_str!("sections/slices.html")),
    ("errors.html", include_str!("sections/errors.html")),
    ("provenance.html", include_str!("sections/provenance.html")),
];

const STYLE: &str = concat!(
    "\n",
    include_str!("style/base.css"),
    include_str!("style/first_screen.css"),
    include_str!("style/sections.css"),
    include_str!("style/samples.css"),
    include_str!("style/print.css"),
);

/// The script's files, in one scope of their own.
const SCRIPT: &str = concat!(
    "\n(() => {\n\"use strict\";\n",
    include_str!("script/data.js"),
    include_str!("script/words.js"),
    include_str!("script/dom.js"),
    include_str!("script/query.js"),
    include_str!("script/table.js"),
    include_str!("script/sample.js"),
    include_str!("script/theme.js"),
    include_str!("script/start.js"),
    "start();\n})();\n",
);

static PAGES: LazyLock<Result<Environment<'static>, minijinja::Error>> = LazyLock::new(|| {
    let mut pages = Environment::new();
    pages.set_auto_escape_callback(|_| AutoEscape::Html);
    pages.set_formatter(safely);
    pages.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    pages.add_filter("count", count);
    pages.add_filter("quantity", quantity);
    for (name, text) in TEMPLATES {
        pages.add_template(name, text)?;
    }
    Ok(pages)
});

/// The whole page.
pub fn html(page: &PageData) -> Result<String, RenderError> {
    let failed = |error: &minijinja::Error| RenderError { message: error.to_string() };
    let pages = PAGES.as_ref().map_err(failed)?;
    let template = pages.get_template("page.html").map_err(|error| failed(&error))?;
    let data =
        embed::json(&page.samples).map_err(|error| RenderError { message: error.to_string() })?;
    let parts = Parts {
        run: (&page.run).into(),
        sections: Sections::of(page),
        policy: policy(),
        style: Value::from_safe_string(STYLE.to_owned()),
        script: Value::from_safe_string(SCRIPT.to_owned()),
        data: Value::from_safe_string(data),
    };
    template.render(Serde(&parts)).map_err(|error| failed(&error))
}

/// What may act and be fetched: this script, this style, and nothing at all.
fn policy() -> String {
    let hash = |text: &str| BASE64_STANDARD.encode(Sha256::digest(text.as_bytes()));
    format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; base-uri 'none'; \
         form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
        hash(SCRIPT),
        hash(STYLE)
    )
}

/// What the template sees.
#[derive(Serialize)]
struct Parts<'a> {
    run: Title<'a>,
    #[serde(flatten)]
    sections: Sections<'a>,
    policy: String,
    style: Value,
    script: Value,
    data: Value,
}

/// The run, as the page is called.
#[derive(Serialize)]
struct Title<'a> {
    suite: &'a str,
    run_id: &'a str,
    started_at: &'a str,
    warnings: &'a [String],
}

impl<'a> From<&'a super::data::PageRun> for Title<'a> {
    fn from(run: &'a super::data::PageRun) -> Self {
        Self {
            suite: &run.suite,
            run_id: &run.run_id,
            started_at: &run.started_at,
            warnings: &run.warnings,
        }
    }
}

/// Writes a value: markup is escaped, and what acts on the text around it is made visible.
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
    let text = value.as_str().map_or_else(|| Cow::Owned(value.to_string()), Cow::Borrowed);
    if value.is_safe() {
        return Ok(out.write_str(&text)?);
    }
    Ok(out.write_str(&escaped(&text))?)
}

/// A text as HTML shows it literally, in elements and attributes.
pub(super) fn escaped(text: &str) -> String {
    markup_escaped(&visible(text))
}

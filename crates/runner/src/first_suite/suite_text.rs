//! The suite file of a first suite: YAML with comments that say what may be changed.

use super::{
    gate_margin::{ALPHA, GateMargin},
    metric_choice::MetricChoice,
    model_choice::ModelChoice,
    roles::ColumnRoles,
    yaml_text::{comment, list, scalar},
};

/// The JSON Schema's file beside first suites, which editors read.
pub(super) const SCHEMA: &str = "suite.schema.json";

/// All that a suite file says.
pub(super) struct SuiteText<'a> {
    pub(super) name: &'a str,
    /// As the suite names it.
    pub(super) dataset: &'a str,
    /// What separates its cells, where the format does not say.
    pub(super) delimiter: Option<char>,
    pub(super) roles: &'a ColumnRoles,
    /// As the suite names it.
    pub(super) prompt: &'a str,
    pub(super) model: &'a ModelChoice,
    pub(super) metrics: &'a MetricChoice,
    pub(super) gate: &'a GateMargin,
}

impl SuiteText<'_> {
    /// The file.
    pub(super) fn render(&self) -> String {
        let sections = [
            self.head(),
            self.dataset(),
            self.prompts(),
            self.models(),
            self.metrics(),
            self.gate(),
        ];
        let mut text = sections.map(|lines| lines.join("\n")).join("\n");
        text.push('\n');
        text
    }

    fn head(&self) -> Vec<String> {
        vec![
            format!("# yaml-language-server: $schema={SCHEMA}"),
            "# Written by `evalmark init`; every line is yours to change, and `evalmark check` says \
             what is wrong."
                .to_owned(),
            format!("name: {}", scalar(self.name)),
        ]
    }

    fn dataset(&self) -> Vec<String> {
        let ColumnRoles { target, id, cluster, slices, recorded, .. } = self.roles;
        let mut lines = vec!["dataset:".to_owned(), format!("  path: {}", scalar(self.dataset))];
        let mut key = |name: &str, value: Option<String>| {
            lines.extend(value.map(|value| format!("  {name}: {value}")));
        };
        key("delimiter", self.delimiter.map(delimiter));
        key("id", id.as_deref().map(scalar));
        key("target", Some(scalar(target)));
        key("cluster", cluster.as_deref().map(scalar));
        let names = |names: &[String]| list(names.iter().map(String::as_str));
        key("slices", (!slices.is_empty()).then(|| names(slices)));
        // Columns of recorded models are ignored anyway.
        let is_asked = matches!(self.model, ModelChoice::Asked { .. });
        key(
            "ignore",
            recorded.as_ref().filter(|_| is_asked).map(|name| names(std::slice::from_ref(name))),
        );
        lines
    }

    fn prompts(&self) -> Vec<String> {
        vec![
            "prompts:".to_owned(),
            "  - name: first".to_owned(),
            format!("    file: {}", scalar(self.prompt)),
            "  # A second wording is compared with the first on the same items:".to_owned(),
            "  # - name: second".to_owned(),
            "  #   file: prompts/second.j2".to_owned(),
        ]
    }

    fn models(&self) -> Vec<String> {
        let mut lines = vec!["models:".to_owned()];
        lines.extend(self.model.lines(self.metrics.max_tokens));
        if self.metrics.wants_judge {
            let (provider, model) = match self.model {
                ModelChoice::Asked { provider, model, .. } => (*provider, model.as_str()),
                ModelChoice::Recorded(_) => ("PROVIDER", "MODEL"),
            };
            lines.push(format!(
                "  {}",
                comment("A model that grades; a stronger one than the graded is better:")
            ));
            lines.push(format!(
                "  {}",
                comment(&format!(
                    "- {{ name: judge, provider: {provider}, model: {} }}",
                    scalar(model)
                ))
            ));
        }
        lines
    }

    fn metrics(&self) -> Vec<String> {
        let mut lines = vec!["metrics:".to_owned()];
        lines.extend(self.metrics.lines.iter().cloned());
        if self.metrics.wants_judge {
            lines.extend([
                "  # Whether the answer agrees with the right one, as a model reads both; a request each:".to_owned(),
                "  # - name: agrees".to_owned(),
                "  #   judge_reference: { model: judge }".to_owned(),
            ]);
        }
        lines
    }

    fn gate(&self) -> Vec<String> {
        let margin = self.gate.margin.unwrap_or(0.05);
        let gate = [
            "gate:".to_owned(),
            "  baseline: main     # the run to compare with: `evalmark baseline promote RUN main`"
                .to_owned(),
            format!("  alpha: {ALPHA}"),
            "  metrics:".to_owned(),
            format!(
                "    {}: {{ margin: {margin} }}   # the largest drop that passes",
                self.metrics.gated
            ),
        ];
        if self.gate.margin.is_some() {
            return gate.to_vec();
        }
        let why = format!("No gate yet: {}.", self.gate.guess.because);
        let lines = gate.iter().map(|line| format!("# {line}"));
        std::iter::once(comment(&why)).chain(lines).collect()
    }
}

fn delimiter(delimiter: char) -> String {
    if delimiter == '\t' { "tab".to_owned() } else { scalar(&delimiter.to_string()) }
}

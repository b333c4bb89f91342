//! The verdicts of a command in every form: on stdout, in the files of `--report`, and where a CI system reads them.

use std::{
    fs::OpenOptions,
    io::{self, Write},
    path::{Path, PathBuf},
    str::FromStr,
};

use anyhow::{Context, Error, Result};
use clap::{Args, ValueEnum};
use evalmark_core::policy::Policy;
use evalmark_report::{
    github::{failure, github},
    gitlab::gitlab,
    junit::junit,
    markdown::markdown,
    open_metrics::open_metrics,
    safe_text::{inert, inert_json, printable_line},
    sarif::sarif,
};
use evalmark_runner::{EndedSuite, gate_report, redacted_keys::hide, suites_json};
use evalmark_store::durable;
use evalmark_terminal::across_suites;

use crate::{args::Color, environment::step_summary, exit::Exit, hint, print::Printer};

/// Forms of a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum VerdictFormat {
    Text,
    Json,
    Markdown,
    Junit,
    Github,
    Sarif,
    Gitlab,
    GitlabMetrics,
}

/// One `--report`.
#[derive(Clone, Debug)]
pub(crate) struct ReportTo {
    format: VerdictFormat,
    /// `None` is stdout.
    file: Option<PathBuf>,
}

impl FromStr for ReportTo {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (format, file) = text.split_once('=').map_or((text, None), |(a, b)| (a, Some(b)));
        let known = VerdictFormat::value_variants().iter().filter_map(ValueEnum::to_possible_value);
        let known = known.map(|value| value.get_name().to_owned()).collect::<Vec<_>>().join(", ");
        let format = VerdictFormat::from_str(format, false)
            .map_err(|_| format!("there is no format `{format}`; there are: {known}"))?;
        if file == Some("") {
            return Err("a file has to follow the `=`".to_owned());
        }
        Ok(Self { format, file: file.map(PathBuf::from) })
    }
}

/// Which reports are written beside the normal output.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ReportsArgs {
    /// Write the verdicts in this format, too, to a file or stdout; may be repeated. Formats: text, json,
    /// markdown, junit, github, sarif, gitlab, gitlab-metrics
    #[arg(long = "report", value_name = "FORMAT[=FILE]")]
    reports: Vec<ReportTo>,
}

impl ReportsArgs {
    /// Annotates a GitHub job with the error that prevented a verdict, if its verdicts become annotations;
    /// otherwise only the log would show the error.
    pub(crate) fn tell_failure(&self, error: &Error, printer: Printer) {
        let is_job =
            |to: &ReportTo| matches!(to.format, VerdictFormat::Github) && to.file.is_none();
        if !self.reports.iter().any(is_job) {
            return;
        }
        let text = hint::describe(error);
        printer.raw(&failure(text.strip_prefix("error: ").unwrap_or(&text)));
        if let Some(summary) = step_summary() {
            let quoted: Vec<_> =
                text.lines().map(|line| format!("    {}", printable_line(line))).collect();
            let text = format!("### evalmark gave no verdict\n\n{}\n\n", quoted.join("\n"));
            // The reason is in the log and the annotation, too.
            let _ = append(&summary, &hide(&text));
        }
    }
}

/// Says what the user's policy lets pass, and writes what `--report` asks for. What cannot be written leaves
/// the command incomplete.
pub(crate) fn report_suites(
    ended: &[EndedSuite],
    args: &ReportsArgs,
    policy: Policy,
    printer: Printer,
) -> Exit {
    tell_excused(ended, policy, printer);
    let write = |to: &ReportTo| write_report(to.format, to.file.as_deref(), ended, policy, printer);
    let failed = args.reports.iter().filter_map(|to| write(to).err());
    failed.fold(Exit::Done, |exit, error| {
        printer.error(&error);
        exit.worse(Exit::Incomplete)
    })
}

/// Says what the user's policy lets pass.
fn tell_excused(ended: &[EndedSuite], policy: Policy, printer: Printer) {
    for excused in ended.iter().filter_map(|one| one.excused(policy)) {
        if excused.is_warning {
            printer.warning(&excused.text);
        } else {
            printer.remark(&excused.text);
        }
    }
}

/// Writes the verdicts in one form to a file or to stdout.
pub(crate) fn write_report(
    format: VerdictFormat,
    file: Option<&Path>,
    ended: &[EndedSuite],
    policy: Policy,
    printer: Printer,
) -> Result<()> {
    if let (VerdictFormat::Github, Some(summary)) = (format, step_summary()) {
        let text = markdown(&gate_report(ended, policy));
        append(&summary, &hide(&text))
            .with_context(|| format!("{} cannot be written", summary.display()))?;
    }
    let Some(file) = file else {
        printer.raw(&render(ended, format, policy, printer)?);
        return Ok(());
    };
    let text = render(ended, format, policy, Printer::new(Color::Never))?;
    write_output(file, &hide(&text))
        .with_context(|| format!("{} cannot be written", file.display()))
}

/// Appends to a file that others append to, as well.
fn append(path: &Path, text: &str) -> io::Result<()> {
    OpenOptions::new().create(true).append(true).open(path)?.write_all(text.as_bytes())
}

/// Writes the file that the command line names: whole, unless it is a link, a pipe or a device.
fn write_output(path: &Path, text: &str) -> io::Result<()> {
    let is_special = std::fs::symlink_metadata(path).is_ok_and(|meta| !meta.is_file());
    if is_special {
        return std::fs::write(path, text);
    }
    durable::write(path, text.as_bytes())
}

/// The verdicts in the form that was asked for, with a final line break.
pub(crate) fn render(
    ended: &[EndedSuite],
    format: VerdictFormat,
    policy: Policy,
    printer: Printer,
) -> Result<String> {
    let report = gate_report(ended, policy);
    let mut text = match format {
        VerdictFormat::Text => {
            inert(&across_suites::verdicts(ended, printer.screen())).into_owned()
        }
        VerdictFormat::Json => inert_json(&as_json(ended, policy)?).into_owned(),
        VerdictFormat::Markdown => markdown(&report),
        VerdictFormat::Junit => junit(&report),
        VerdictFormat::Github => github(&report),
        VerdictFormat::Sarif => sarif(&report.findings(), "gate")?,
        VerdictFormat::Gitlab => gitlab(&report.findings())?,
        VerdictFormat::GitlabMetrics => open_metrics(&report),
    };
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}

/// The verdict of one suite, or the summary of several.
fn as_json(ended: &[EndedSuite], policy: Policy) -> Result<String> {
    Ok(match ended {
        [one] => serde_json::to_string_pretty(&one.verdict)?,
        _ => suites_json(ended, policy)?,
    })
}

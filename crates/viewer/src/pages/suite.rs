//! `/suite/NAME`: every score over the suite's runs.

use std::fmt::Write;

use axum::{extract::State, http::StatusCode, response::Response};
use evalmark_core::{
    history::{Course, History, LeftOut, Series},
    number_format::{interval, moment, value},
};
use evalmark_store::runs::{ListedRun, RunState};
use minijinja::value::Value;
use serde::Serialize;

use super::{Message, Names, Shared, aside, runs::RunLine, unreadable};
use crate::{background::Found, history_picture, render::page};

#[derive(Serialize)]
struct SuitePage {
    suite: String,
    runs: Vec<RunLine>,
    /// `None` while it is computed.
    history: Option<Shown>,
    /// Why there is none.
    problem: Option<String>,
    is_live: bool,
}

#[derive(Serialize)]
struct Shown {
    rate: String,
    series: Vec<SeriesPart>,
    left_out: Vec<LeftOut>,
}

#[derive(Serialize)]
struct SeriesPart {
    prompt: String,
    model: String,
    metric: String,
    course: &'static str,
    class: &'static str,
    says: String,
    picture: Value,
    points: Vec<PointLine>,
}

#[derive(Serialize)]
struct PointLine {
    run_id: String,
    started_at: String,
    value: String,
    interval: String,
    is_change: bool,
    changed: String,
    apart: Option<String>,
}

pub(super) async fn suite(
    State(pages): Shared,
    Names(name): Names<String>,
) -> Result<Response, Message> {
    let wanted = name.clone();
    let runs = aside(pages.clone(), move |pages| {
        pages.folder.runs(Some(&wanted)).map_err(|error| unreadable(&error))
    });
    let runs = runs.await?;
    if runs.is_empty() {
        return Err(Message::not_found("there is no run of such a suite in this folder"));
    }
    let mut part = SuitePage {
        suite: name.clone(),
        runs: runs.iter().map(RunLine::of).collect(),
        history: None,
        problem: None,
        is_live: runs.iter().any(|run| run.state == RunState::Running),
    };
    let analysis = pages.analysis.clone();
    let key = fingerprint(&name, &runs);
    // Whatever cannot be read is named as left out.
    let read = move || analysis.history(&name, runs.into_iter().rev().collect());
    match pages.histories.get(key, read).await {
        Found::Busy => return Err(Message::busy()),
        Found::Computing => part.is_live = true,
        Found::Ready(found) => match &*found {
            Ok(history) => part.history = Some(Shown::of(history)),
            Err(why) => part.problem = Some(why.clone()),
        },
    }
    Ok(page(StatusCode::OK, "suite.html", &part))
}

/// What tells one state of a suite's runs from another.
fn fingerprint(suite: &str, runs: &[ListedRun]) -> String {
    let mut key = suite.to_owned();
    for run in runs {
        let record = run.record.as_ref();
        let files = record.map(|record| record.files.values().cloned().collect::<String>());
        // Writing to a string does not fail.
        let _ = write!(key, "/{}:{:?}:{}", run.run_id, run.state, files.unwrap_or_default());
    }
    key
}

impl Shown {
    fn of(history: &History) -> Self {
        Self {
            rate: history.rate(),
            series: history.series.iter().map(|series| SeriesPart::of(history, series)).collect(),
            left_out: history.left_out.clone(),
        }
    }
}

impl SeriesPart {
    fn of(history: &History, series: &Series) -> Self {
        let line = |(at_point, point): (usize, &evalmark_core::history::SeriesPoint)| {
            let run = history.runs.get(point.run);
            PointLine {
                run_id: run.map(|run| run.run_id.clone()).unwrap_or_default(),
                started_at: run.map(|run| moment(&run.started_at)).unwrap_or_default(),
                value: value(point.estimate.mean, series.range),
                interval: interval(point.estimate.ci_low, point.estimate.ci_high, series.range),
                is_change: series.trend.change_points.iter().any(|c| c.point == at_point),
                changed: run.map(|run| run.changed.join(", ")).unwrap_or_default(),
                apart: point.apart.clone(),
            }
        };
        let course = series.trend.course;
        Self {
            prompt: series.prompt.clone(),
            model: series.model.clone(),
            metric: series.metric.clone(),
            course: course.as_str(),
            class: match course {
                Course::Worse => "bad",
                Course::Better => "good",
                Course::NoneFound => "plain",
                Course::CannotTell => "unsure",
            },
            says: series.trend.says.clone(),
            picture: Value::from_safe_string(history_picture::svg(history, series)),
            points: series.points.iter().enumerate().map(line).rev().collect(),
        }
    }
}

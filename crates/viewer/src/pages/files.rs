//! What is sent as it is: the style, the script, and a run's own page.

use std::fs;

use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header::CONTENT_SECURITY_POLICY},
    response::Response,
};

use super::{Message, Names, Shared, aside, unreadable};
use crate::render::file;

/// A run's page runs its own script, in a world of its own: it sees neither the viewer's cookie nor its
/// pages. What it may do beyond that, its own policy says.
const SANDBOX: &str = "sandbox allow-scripts allow-popups; default-src 'none'; style-src \
                       'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; base-uri 'none'; \
                       form-action 'none'; frame-ancestors 'none'";

pub(super) async fn style() -> Response {
    file(StatusCode::OK, "text/css; charset=utf-8", include_str!("../templates/style.css"))
}

pub(super) async fn script() -> Response {
    file(StatusCode::OK, "text/javascript; charset=utf-8", include_str!("../templates/live.js"))
}

/// The run's `report.html`.
pub(super) async fn report(
    State(pages): Shared,
    Names((suite, run_id)): Names<(String, String)>,
) -> Result<Response, Message> {
    let html = aside(pages, move |pages| {
        let run = pages.run(&suite, &run_id)?;
        if run.record.is_none() || !run.folder.html().is_file() {
            return Err(Message::not_found("this run has no report.html"));
        }
        fs::read(run.folder.html()).map_err(|error| unreadable(&error))
    });
    let mut response = file(StatusCode::OK, "text/html; charset=utf-8", html.await?);
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(SANDBOX));
    Ok(response)
}

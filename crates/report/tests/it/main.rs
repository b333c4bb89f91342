//! What the written files hold, and how pages and exports treat hostile texts.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod answers;
mod ci_formats;
mod damaged;
mod dataset;
mod exports;
mod fixture;
mod frames;
mod html;
mod markdown;
mod round_trip;
mod sample_pages;
mod schema;

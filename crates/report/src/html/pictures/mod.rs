//! Pictures as SVG, made of numbers that others decided: positions, ticks and labels, and nothing else.

pub(super) mod confusion;
pub(super) mod forest;
pub(super) mod histogram;
pub(super) mod interval;
mod scale;
pub(super) mod scatter;
mod svg;

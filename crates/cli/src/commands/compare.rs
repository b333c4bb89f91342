//! `evalmark compare`: one arm of a run against another.

use anyhow::Result;

use super::gate::{gate_spec, open_scored, render};
use crate::{args::CompareArgs, exit::Exit, gate::compare_arms, print::Printer};

pub(crate) fn compare(args: &CompareArgs, printer: Printer) -> Result<Exit> {
    let (folder, record) = open_scored(&args.run)?;
    let [a, b] = args.between.as_slice() else {
        anyhow::bail!("`--between` takes two names");
    };
    let spec = gate_spec(&folder, &record, printer)?;
    let decision = compare_arms(&folder, &record, (a, b), &spec)?;
    printer.raw(&render(&decision.verdict, args.format, printer)?);
    Ok(decision.exit)
}

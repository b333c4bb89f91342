//! After a release: those who hear of releases are told, whatever becomes of that.

use anyhow::Result;
use evalmark_core::receiver::ReceiverSpec;
use evalmark_runner::{Host, Releases, RunError, queue_release, release_receivers};

use crate::{args::OutArgs, environment::run_link, print::Printer, receivers::deliver_queued};

/// Those who are told of a release.
pub(super) struct Listeners(Vec<ReceiverSpec>);

impl Listeners {
    /// Those of the project; that their secrets may go where they go is checked before anything is released.
    pub(super) fn of(releases: &Releases, host: &Host<'_>) -> Result<Self> {
        let receivers = release_receivers(releases, host)?;
        host.check_receivers(&receivers).map_err(RunError::from)?;
        Ok(Self(receivers))
    }

    /// Tells them: a release that stands is not undone by a receiver.
    pub(super) fn tell(
        &self,
        (releases, environment, number): (&Releases, &str, u64),
        out: &OutArgs,
        printer: Printer,
        host: &Host<'_>,
    ) {
        let release = (releases, environment, number);
        match queue_release(release, &self.0, &out.out, run_link().as_deref(), host) {
            Ok(queued) => deliver_queued(&queued, host, printer),
            Err(error) => printer.warning(&format!("nobody is told of it: {}", error.in_full())),
        }
    }
}

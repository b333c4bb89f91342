//! What the engine gets from the program around it.

use crate::{Notices, Secrets};

/// What the engine gets from the program around it, as it neither prints nor reads the environment.
#[derive(Clone, Copy)]
pub struct Host<'a> {
    /// Who hears what happens.
    pub notices: Notices<'a>,
    /// Where keys come from.
    pub secrets: &'a dyn Secrets,
}

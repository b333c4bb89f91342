//! Names that a command is given and that a run, a suite or a dataset does not have.

use evalmark_core::suite::near_and_known;

use crate::error::Advised;

/// A name that is not known.
#[derive(Debug, thiserror::Error)]
#[error("{none} `{name}`")]
pub struct UnknownName {
    /// What there is not, such as "the run has no prompt".
    none: String,
    name: String,
    /// The nearest name, and all that are known.
    advice: Option<String>,
}

impl Advised for UnknownName {
    fn hint(&self) -> Option<String> {
        self.advice.clone()
    }
}

/// Fails where one of these names is not known, with the nearest and all that are: behind `none`, such
/// as "the run has no prompt", stands the name, and `there_is` introduces the list.
pub(crate) fn all_known(
    none: &str,
    wanted: &[String],
    known: &[&str],
    there_is: &str,
) -> Result<(), UnknownName> {
    let Some(name) = wanted.iter().find(|name| !known.contains(&name.as_str())) else {
        return Ok(());
    };
    let advice = near_and_known(name, known, there_is);
    Err(UnknownName { none: none.to_owned(), name: name.clone(), advice })
}

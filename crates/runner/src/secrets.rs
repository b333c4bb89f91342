//! Where keys come from.

/// Where keys come from: an environment, a vault.
pub trait Secrets: Sync {
    /// The key of this name; `None` where there is none.
    fn secret(&self, name: &str) -> Option<String>;
}

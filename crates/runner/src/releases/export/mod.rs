//! What an environment has, as applications read it. Begin with [`export_release`].

mod configmap;
mod dotenv;
mod layout;
mod lock;
mod prompt_yml;
mod safe_json;
mod text;

pub use self::{
    layout::write_exported,
    text::{ExportFormat, ExportedFile, ExportedRelease, ReleaseExportError, export_release},
};

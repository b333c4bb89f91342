//! `evalmark release export`: what an environment has, written as applications read it.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use evalmark_core::prompt_library::PROMPTS_FOLDER;
use evalmark_runner::{ExportFormat, Host, RunError, export_release, write_exported};
use evalmark_store::durable;

use super::release::{RELEASES, open};
use crate::{exit::Exit, print::Printer};

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// The environment
    #[arg(value_name = "ENV")]
    environment: String,
    /// One JSON file, a Kubernetes `ConfigMap`, lines for dotenv, a .prompt.yml for each prompt, or a folder that programs read
    #[arg(long, value_enum, default_value_t = Form::Lock)]
    format: Form,
    /// Write to this file, or for prompt-yml and layout into this folder, instead of stdout
    #[arg(long, value_name = "PATH")]
    output: Option<PathBuf>,
    /// Folder of the releases
    #[arg(long, value_name = "DIR", default_value = RELEASES)]
    releases: PathBuf,
    /// Folder of the prompts
    #[arg(long, value_name = "DIR", default_value = PROMPTS_FOLDER)]
    library: PathBuf,
}

/// The form of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    Lock,
    Configmap,
    Dotenv,
    PromptYml,
    Layout,
}

impl Form {
    fn format(self) -> ExportFormat {
        match self {
            Self::Lock => ExportFormat::Lock,
            Self::Configmap => ExportFormat::ConfigMap,
            Self::Dotenv => ExportFormat::Dotenv,
            Self::PromptYml => ExportFormat::PromptYml,
            Self::Layout => ExportFormat::Layout,
        }
    }
}

impl ExportArgs {
    pub(super) fn export(&self, printer: Printer, host: &Host<'_>) -> Result<Exit> {
        let format = self.format.format();
        let releases = open(&self.releases, &self.library, None)?;
        let exported = export_release(&releases, &self.environment, format, host)?;
        match (&self.output, format.is_folder()) {
            (Some(folder), true) => {
                write_exported(&exported, folder)?;
                printer.remark(&format!(
                    "wrote release {} of {} to {}",
                    exported.release,
                    exported.environment,
                    folder.display()
                ));
            }
            (None, true) => {
                let error = RunError::new("this form is a folder of files");
                return Err(error.with_hint("name the folder with `--output DIR`").into());
            }
            (Some(path), false) => {
                let text = exported.files.iter().map(|file| &*file.text).collect::<String>();
                durable::write(path, text.as_bytes())
                    .with_context(|| format!("{} cannot be written", path.display()))?;
            }
            (None, false) => {
                let text = exported.files.iter().map(|file| &*file.text).collect::<String>();
                printer.raw(&text);
            }
        }
        Ok(Exit::Done)
    }
}

//! Importers of suites: what other tools' files ask and check, as a suite with its dataset and prompts.
//! One file a tool, and a line in [`catalog`].
//!
//! An importer reads files and returns a plain value. It runs no code, and it names what it cannot carry
//! over with the place where that stands.

mod checks;
mod data_rows;
mod definition;
mod draft;
mod javascript_pattern;
mod lm_eval;
mod node;
mod openai_evals;
mod postman;
mod prompt_yml;
mod promptfoo;
mod prompty;
mod template_words;
mod yaml_text;

pub use self::definition::{SuiteImportError, SuiteImporter, SuiteRequest};
pub(crate) use self::yaml_text::document as yaml_document;

/// Every importer, in the order in which help lists them.
pub fn catalog() -> &'static [SuiteImporter] {
    const CATALOG: &[SuiteImporter] = &[
        promptfoo::IMPORTER,
        prompt_yml::IMPORTER,
        prompty::IMPORTER,
        lm_eval::IMPORTER,
        openai_evals::IMPORTER,
        postman::IMPORTER,
    ];
    CATALOG
}

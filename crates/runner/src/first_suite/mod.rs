//! `evalmark init`: a first suite from a dataset. [`create_first_suite`] is the whole flow; each guess
//! has a file of its own and says what it is, why, and what to change.

mod add_recipe;
mod ci_recipe;
mod column_profile;
mod column_words;
mod create;
mod error;
mod example;
mod gate_margin;
mod gitignore;
mod guess;
mod imported;
mod metric_choice;
mod model_choice;
mod new_files;
mod next_steps;
mod open_dataset;
mod prompt_text;
mod roles;
mod suite_text;
mod target_shape;
mod yaml_text;

pub(crate) use self::yaml_text::{quoted_json, scalar};
pub use self::{
    add_recipe::{AddedRecipe, add_recipe},
    ci_recipe::CiService,
    create::{
        DatasetLook, FirstSuite, FirstSuiteOptions, create_first_suite, look_at_dataset,
        suite_schema,
    },
    error::FirstSuiteError,
    guess::Guess,
    imported::write_imported_suites,
    model_choice::{FirstProvider, first_providers},
    new_files::{FileOutcome, WrittenFile},
};

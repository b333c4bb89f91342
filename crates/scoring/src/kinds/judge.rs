//! `judge`: a model of the suite grades the answer by a rubric.

use std::sync::Arc;

use evalmark_core::{
    metric::{Complaint, Direction, Range},
    template::Template,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    judge::{Grader, RawScale, Scale},
    kind::{About, Define, Work},
};

/// Parameters of `judge`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// Which of the suite's models judges.
    model: String,
    /// What a good answer is: a Jinja template over the item's columns.
    rubric: String,
    /// The grades the judge may give; they are mapped to [0, 1].
    #[serde(default)]
    scale: RawScale,
}

pub(crate) struct Rubric;

impl Define for Rubric {
    const ABOUT: About = About {
        name: "judge",
        summary: "A model grades the answer by a rubric. A grade that cannot be read is missing.",
        range: Range::Unit,
        direction: Direction::Higher,
        threshold: Some(0.5),
        needs_target: false,
        model_refs: &["/model"],
        source: "After LLM-as-a-judge, Zheng et al. 2023 (arXiv:2306.05685): single-answer grading.",
    };
    type Params = Params;

    fn compile(params: Params) -> Result<Work, Complaint> {
        let complain = |pointer: &str, message| Complaint { pointer: pointer.to_owned(), message };
        let rubric = Template::compile_alone("rubric", &params.rubric)
            .map_err(|error| complain("/rubric", error.message))?;
        let scale = Scale::new(params.scale).map_err(|message| complain("/scale", message))?;
        Ok(Work::Judge(Arc::new(Grader { model: params.model, rubric, scale })))
    }
}

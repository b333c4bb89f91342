//! Which mean may be called the best: only one that beats every other beyond doubt.

use std::collections::BTreeSet;

use anyhow::Result;
use evalmark_core::verdict::Answer;
use evalmark_verdict::{Rule, Subject, compare, gate};

use crate::{
    arms::{Arm, read_arms},
    run_folder::RunFolder,
};

/// Arms that are compared with each other at most; beyond that nothing is marked.
const MOST_ARMS: usize = 32;

/// Prompt, model and metric of each mean that is better than that of every other prompt and model,
/// by a paired test at the usual 5 %.
pub(crate) fn best(folder: &RunFolder) -> Result<BTreeSet<(String, String, String)>> {
    let arms = read_arms(&folder.scores())?;
    let mut best = BTreeSet::new();
    if arms.len() < 2 || arms.len() > MOST_ARMS {
        return Ok(best);
    }
    for metric in arms[0].metric_names() {
        let leader = arms.iter().max_by(|a, b| a.mean(metric).total_cmp(&b.mean(metric)));
        if let Some(leader) = leader.filter(|leader| beats_all(leader, &arms, metric)) {
            best.insert((leader.prompt.clone(), leader.model.clone(), metric.to_owned()));
        }
    }
    Ok(best)
}

fn beats_all(leader: &Arm, arms: &[Arm], metric: &str) -> bool {
    let rule = Rule::new(0.03, 0.05);
    let others =
        arms.iter().filter(|arm| (&arm.prompt, &arm.model) != (&leader.prompt, &leader.model));
    let mut judged = Vec::new();
    for other in others {
        let (Some(before), Some(after)) = (other.scores(metric), leader.scores(metric)) else {
            return false;
        };
        match compare(&Subject::default(), before, after, &rule) {
            Ok(one) => judged.push(one),
            Err(_) => return false,
        }
    }
    let all_improved = |gated: evalmark_verdict::Gated| {
        gated.judged.iter().all(|one| one.comparison.answer == Answer::Improved)
    };
    gate(judged).is_ok_and(all_improved)
}

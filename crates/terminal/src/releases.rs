//! Releases for people: what was proposed, released and taken back, how environments stand, and what was altered.

use evalmark_core::number_format::{NONE, counted};
use evalmark_report::safe_text::printable_line;
use evalmark_runner::{
    ApprovedRelease, EnvironmentStatus, PromotedRelease, ProposedRelease, RolledBack,
    VerifiedReleases, WorkingTree, told_age,
};

use crate::{Screen, Tone, grid::Grid};

/// Digits of a hash that people read.
const SHORT_HASH: usize = 12;

/// A prompt that was proposed.
pub fn proposed(proposed: &ProposedRelease) -> String {
    let proposal = &proposed.stored.proposal;
    let (name, environment) = (line(&proposal.name), line(&proposal.environment));
    let hash = short(&proposal.prompt.hash);
    let next = match proposed.approvals_needed {
        0 => format!("`evalmark release promote {name} --to {environment}` releases it"),
        n => format!("it needs {}", counted(n.into(), "approval")),
    };
    format!("proposed {name} ({hash}) for {environment} as {}; {next}", proposed.stored.id)
}

/// A proposal that somebody approved.
pub fn approved(approved: &ApprovedRelease) -> String {
    let (name, environment) = (line(&approved.prompt), line(&approved.environment));
    let (given, needed) = (approved.approved_by.len(), approved.approvals_needed);
    let next = if given < needed as usize {
        format!("{given} of {} are there", counted(needed.into(), "approval"))
    } else {
        format!("`evalmark release promote {name} --to {environment}` releases it")
    };
    let hash = short(&approved.hash);
    format!("{} approved {name} ({hash}) for {environment}; {next}", line(&approved.by))
}

/// A prompt that was released.
pub fn promoted(promoted: &PromotedRelease) -> String {
    let (name, state) = (line(&promoted.prompt), &promoted.state);
    let environment = line(&state.environment);
    let standing = state.prompts.get(&promoted.prompt);
    let hash =
        standing.map_or(String::new(), |standing| format!(" ({})", short(&standing.prompt.hash)));
    let release = standing.map_or(state.release, |standing| standing.release);
    let interrupted = if promoted.caught_up {
        "; an earlier release was interrupted, and is brought to its end"
    } else {
        ""
    };
    let signed = promoted.signed_by.as_ref().map(|by| format!(", signed by {}", line(by)));
    let approved = match promoted.approved_by.as_slice() {
        [] => String::new(),
        names => format!(", approved by {}", line(&names.join(" and "))),
    };
    format!(
        "released {name}{hash} to {environment} as release {release}{}{approved}{interrupted}",
        signed.unwrap_or_default()
    )
}

/// An environment that went back.
pub fn rolled_back(back: &RolledBack) -> String {
    let environment = line(&back.state.environment);
    let mut lines = vec![format!(
        "release {} of {environment} is what it had after release {}",
        back.state.release, back.to
    )];
    lines.extend(back.prompts.iter().map(|(name, hash)| match hash {
        Some(hash) => format!("  {} ({})", line(name), short(hash)),
        None => format!("  {}: no longer there", line(name)),
    }));
    if back.caught_up {
        lines.push("  that was so already; what was missing of it is there now".to_owned());
    }
    let restored = back.restored.iter();
    lines.extend(restored.map(|path| format!("  wrote {}", line(&path.display().to_string()))));
    lines.join("\n")
}

/// How environments stand: a table, and what is proposed.
pub fn status(status: &[EnvironmentStatus], screen: Screen) -> String {
    let rows: Vec<_> = status.iter().flat_map(rows).collect();
    let mut lines = Vec::new();
    if rows.is_empty() {
        lines.push("nothing is released".to_owned());
    } else {
        let header =
            ["environment", "prompt", "hash", "model", "library", "released", "by", "evidence"];
        let header = header.map(str::to_owned).to_vec();
        lines.push(Grid { header, rows, n_names: 8, ruled: false }.render(screen.columns));
    }
    for environment in status {
        for stored in &environment.proposals {
            let proposal = &stored.proposal;
            let approvals = match environment.approvals_needed {
                Some(0) | None => String::new(),
                Some(n) => {
                    format!("; {} of {}", stored.approvals.len(), counted(n.into(), "approval"))
                }
            };
            let told = format!(
                "proposed for {}: {} ({}), by {} at {}{approvals}",
                proposal.environment,
                proposal.name,
                short(&proposal.prompt.hash),
                proposal.prompt.proposed_by,
                proposal.prompt.proposed_at
            );
            lines.extend(screen.wrap("", &line(&told)));
        }
    }
    lines.join("\n")
}

fn rows(environment: &EnvironmentStatus) -> Vec<Vec<String>> {
    let row = |(name, prompt): (&String, &evalmark_runner::PromptStatus)| {
        let standing = &prompt.standing;
        let library = match &prompt.working_tree {
            WorkingTree::Same => "same".to_owned(),
            WorkingTree::Differs(hash) => format!("differs ({})", short(hash)),
            WorkingTree::Missing => "has none".to_owned(),
        };
        let model = standing.prompt.model.model.as_deref().unwrap_or(NONE);
        vec![
            line(&environment.state.environment),
            line(name),
            short(&standing.prompt.hash),
            line(model),
            library,
            format!("{} at {}", standing.release, line(&standing.released_at)),
            line(&standing.released_by),
            prompt
                .evidence_age
                .map_or_else(|| NONE.to_owned(), |age| format!("{} old", told_age(age))),
        ]
    };
    environment.prompts.iter().map(row).collect()
}

/// What was found in the folder of releases.
pub fn verified(verified: &VerifiedReleases, screen: Screen) -> String {
    let mut lines = Vec::new();
    for found in &verified.environments {
        let n_faults = found.faults.len() as u64;
        let word = match n_faults {
            0 => screen.paint(Tone::Good, "as written"),
            n => screen.paint(Tone::Bad, &counted(n, "fault")),
        };
        lines.push(format!(
            "{}: {}, {}: {word}",
            line(&found.state.environment),
            counted(found.n_releases as u64, "release"),
            counted(found.n_texts as u64, "text")
        ));
        for fault in &found.faults {
            let told = format!("{} {}", fault.path.display(), fault.what);
            lines.extend(screen.wrap("  ", &line(&told)));
        }
    }
    if verified.environments.is_empty() {
        lines.push("nothing is released".to_owned());
    }
    let elsewhere = verified.runs_elsewhere.len() as u64;
    if elsewhere > 0 {
        let told = format!(
            "{} that prove what is released now are not on this machine",
            counted(elsewhere, "run")
        );
        lines.extend(screen.wrap("", &told));
    }
    lines.join("\n")
}

fn short(hash: &str) -> String {
    hash.chars().take(SHORT_HASH).collect()
}

fn line(text: &str) -> String {
    printable_line(text).into_owned()
}

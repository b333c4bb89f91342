//! What items that changed say: the question, the right answers, and both answers.

use std::collections::{HashMap, HashSet};

use evalmark_core::{changes::diff, request::Request};
use evalmark_report::{
    ReadError,
    changed_item::ChangedItem,
    sample_texts::{SampleTexts, sample_texts},
    scores::for_each_score,
};

use evalmark_store::integrity;

use super::{Pick, RunSide, VariantName};
use crate::{
    error::Result,
    kept_answers::{AnswerKey, KeptAnswers, kept_answers},
};

/// Items with their texts, and why some are missing.
pub(super) struct ItemsWithTexts {
    pub(super) items: Vec<ChangedItem>,
    /// Why the answers of the earlier and the later run cannot be shown.
    pub(super) left_out: [Option<String>; 2],
}

/// Reads the texts of the items that were picked; only these are held.
pub(super) fn with_texts(
    picks: &[Pick],
    old: RunSide<'_>,
    new: RunSide<'_>,
) -> Result<ItemsWithTexts> {
    let before = SideTexts::read(old, picks, |pick| &pick.before);
    let after = SideTexts::read(new, picks, |pick| &pick.after);
    let epochs = Epochs::read([old, new], picks)?;
    let items = picks.iter().map(|pick| item(pick, [&before, &after], epochs.of(pick))).collect();
    Ok(ItemsWithTexts { items, left_out: [before.left_out, after.left_out] })
}

fn item(pick: &Pick, [before, after]: [&SideTexts; 2], epoch: u32) -> ChangedItem {
    let old = before.of(pick, &pick.before, epoch);
    let new = after.of(pick, &pick.after, epoch);
    let asked = new.filter(|texts| texts.question.is_some()).or(old);
    let (earlier, later) =
        (old.and_then(|texts| texts.output.clone()), new.and_then(|texts| texts.output.clone()));
    let diff = match (&earlier, &later) {
        (Some(earlier), Some(later)) => diff(earlier, later),
        _ => Vec::new(),
    };
    ChangedItem {
        item_id: pick.flip.item_id.clone(),
        prompt: pick.after.prompt.clone(),
        model: pick.after.model.clone(),
        metric: pick.metric.clone(),
        is_worse: pick.is_worse,
        before_score: pick.flip.baseline,
        after_score: pick.flip.candidate,
        range: pick.range,
        epoch,
        question: asked.and_then(|texts| texts.question.clone()),
        targets: asked.map(|texts| texts.targets.clone()).unwrap_or_default(),
        before: earlier,
        after: later,
        diff,
    }
}

/// The texts of one run.
struct SideTexts {
    texts: HashMap<AnswerKey, Texts>,
    left_out: Option<String>,
}

/// The texts of one sample.
#[derive(Default)]
struct Texts {
    question: Option<String>,
    targets: Vec<String>,
    output: Option<String>,
}

impl SideTexts {
    /// A file that cannot be read, or is not the one that was written, leaves texts out, and says so.
    fn read(side: RunSide<'_>, picks: &[Pick], variant: impl Fn(&Pick) -> &VariantName) -> Self {
        Self::try_read(side, picks, variant)
            .unwrap_or_else(|error| Self { texts: HashMap::new(), left_out: Some(error.in_full()) })
    }

    fn try_read(
        side: RunSide<'_>,
        picks: &[Pick],
        variant: impl Fn(&Pick) -> &VariantName,
    ) -> Result<Self> {
        let wanted: HashSet<(&str, &str, &str)> = picks
            .iter()
            .map(|pick| {
                let VariantName { prompt, model } = variant(pick);
                (&*pick.flip.item_id, &**prompt, &**model)
            })
            .collect();
        let samples = side.folder.samples();
        if samples.is_file() {
            integrity::unchanged(side.folder, side.record, std::slice::from_ref(&samples))?;
            let found = sample_texts(&samples, |key| {
                wanted.contains(&(key.item_id, key.prompt, key.model))
            })?;
            let texts = found.into_iter().map(of_sample).collect();
            return Ok(Self { texts, left_out: None });
        }
        let is_wanted = |answer: evalmark_report::answers::AnswerRef<'_>| {
            wanted.contains(&(answer.item_id, answer.prompt, answer.model))
        };
        Ok(match kept_answers(side.folder, side.record, is_wanted)? {
            KeptAnswers::LeftOut(why) => Self { texts: HashMap::new(), left_out: Some(why) },
            KeptAnswers::Found(answers) => {
                let texts = answers.into_iter().map(|(key, answer)| {
                    (key, Texts { output: answer.output, ..Texts::default() })
                });
                Self { texts: texts.collect(), left_out: None }
            }
        })
    }

    fn of(&self, pick: &Pick, variant: &VariantName, epoch: u32) -> Option<&Texts> {
        let VariantName { prompt, model } = variant.clone();
        self.texts.get(&AnswerKey { item_id: pick.flip.item_id.clone(), prompt, model, epoch })
    }
}

fn of_sample(sample: SampleTexts) -> (AnswerKey, Texts) {
    let SampleTexts { item_id, prompt, model, epoch, request, targets, output } = sample;
    let texts = Texts { question: question(&request, epoch), targets, output };
    (AnswerKey { item_id, prompt, model, epoch }, texts)
}

/// The user's last message.
fn question(request: &str, epoch: u32) -> Option<String> {
    let request = Request::from_json(request, epoch).ok()?;
    let asked = request.messages.iter().rev().find(|message| message.role == "user");
    asked.or_else(|| request.messages.last()).map(|message| message.shown().into_owned())
}

/// In which repetition an item changed most, where there are several.
struct Epochs(HashMap<(String, VariantName, String), u32>);

impl Epochs {
    fn read([old, new]: [RunSide<'_>; 2], picks: &[Pick]) -> Result<Self> {
        if old.record.epochs.min(new.record.epochs) < 2 {
            return Ok(Self(HashMap::new()));
        }
        let before = scores_by_epoch(old, picks, |pick| &pick.before)?;
        let after = scores_by_epoch(new, picks, |pick| &pick.after)?;
        let epochs = picks.iter().filter_map(|pick| {
            let earlier = before.get(&key(pick, &pick.before))?;
            let later = after.get(&key(pick, &pick.after))?;
            let loss = if pick.flip.candidate < pick.flip.baseline { 1.0 } else { -1.0 };
            let changes = later.iter().filter_map(|(epoch, score)| {
                let (_, was) = earlier.iter().find(|(other, _)| other == epoch)?;
                Some((*epoch, loss * (was - score)))
            });
            let most = changes.reduce(|a, b| if b.1 > a.1 { b } else { a })?;
            Some((key(pick, &pick.after), most.0))
        });
        Ok(Self(epochs.collect()))
    }

    /// The first where nothing tells them apart.
    fn of(&self, pick: &Pick) -> u32 {
        self.0.get(&key(pick, &pick.after)).copied().unwrap_or_default()
    }
}

fn key(pick: &Pick, variant: &VariantName) -> (String, VariantName, String) {
    (pick.flip.item_id.clone(), variant.clone(), pick.metric.clone())
}

/// Item, variant and metric, with the score of each epoch.
type EpochScores = HashMap<(String, VariantName, String), Vec<(u32, f64)>>;

fn scores_by_epoch(
    side: RunSide<'_>,
    picks: &[Pick],
    variant: impl Fn(&Pick) -> &VariantName,
) -> Result<EpochScores> {
    let mut scores: EpochScores =
        picks.iter().map(|pick| (key(pick, variant(pick)), Vec::new())).collect();
    let items: HashSet<&str> = picks.iter().map(|pick| &*pick.flip.item_id).collect();
    for_each_score::<ReadError>(&side.folder.scores(), |row| {
        if !items.contains(row.item_id) {
            return Ok(());
        }
        let variant = VariantName { prompt: row.prompt.to_owned(), model: row.model.to_owned() };
        let key = (row.item_id.to_owned(), variant, row.metric.to_owned());
        if let (Some(scores), Some(score)) = (scores.get_mut(&key), row.score) {
            scores.push((row.epoch, score));
        }
        Ok(())
    })?;
    Ok(scores)
}

//! Rows that are looked at several at a time: items, what is wrong with them and their order are the same as where
//! one is looked at after the other.

use std::{fs, sync::Arc, thread};

use evalmark_core::{
    dataset::{RowSet, ScratchSpace},
    executor::{CallingThread, Executor},
    item::Item,
    message::Message,
    plan::{Checks, Plan},
    prompt::Prompt,
    source::Sources,
    suite::{Readers, Suite},
};

use super::{METRICS, no_columnar};

/// Does so many pieces at a time, each on a thread of its own, the last one first.
#[derive(Clone, Copy)]
struct Several<const N: usize>;

impl<const N: usize> Executor for Several<N> {
    const AT_ONCE: usize = N;

    fn map<T, R>(&self, of: Vec<T>, work: impl Fn(T) -> R + Send + Sync) -> Vec<R>
    where
        T: Send,
        R: Send,
    {
        let work = &work;
        thread::scope(|scope| {
            let started = of.into_iter().rev().map(|one| scope.spawn(move || work(one)));
            let started: Vec<_> = started.collect();
            started.into_iter().rev().map(|thread| thread.join().expect("no panic")).collect()
        })
    }

    fn join<A, B>(&self, one: impl FnOnce() -> A + Send, other: impl FnOnce() -> B + Send) -> (A, B)
    where
        A: Send,
        B: Send,
    {
        thread::scope(|scope| {
            let one = scope.spawn(one);
            let other = other();
            (one.join().expect("no panic"), other)
        })
    }
}

/// A dataset, and what a suite says of it.
struct World {
    folder: tempfile::TempDir,
    name: &'static str,
    dataset: &'static str,
}

impl World {
    fn new(name: &'static str, rows: &str, dataset: &'static str) -> Self {
        let world = Self { folder: tempfile::tempdir().expect("a folder"), name, dataset };
        world.write(rows);
        world
    }

    fn write(&self, rows: &str) {
        fs::write(self.folder.path().join(self.name), rows).expect("written");
    }

    fn suite(&self) -> Suite {
        let path = self.folder.path().join("suite.yaml");
        let Self { name, dataset, .. } = self;
        let suite = format!(
            "name: rows\ndataset: {{ path: {name}, id: id, {dataset} }}\nprompts:\n  \
             - {{ name: p, template: '{{{{ text }}}}' }}\n  - {{ name: q, template: '{{{{ id }}}}' }}\n\
             models: [{{ name: m, recorded: {{ column: answer }} }}]\nepochs: 2\n\
             metrics: [{{ name: e, valid: {{}} }}]\n"
        );
        fs::write(&path, suite).expect("written");
        Suite::read(&path, readers()).unwrap_or_else(|error| panic!("{dataset}: {error}"))
    }
}

fn readers() -> Readers<'static> {
    Readers {
        kinds: METRICS,
        providers: &[],
        columnar: no_columnar,
        scratch: ScratchSpace { open: tempfile::tempfile, most_held: 7 },
        roots: &[],
        sources: Sources::NONE,
        receivers: &[],
    }
}

/// A plan with the ids that its check saw, up to what is wrong.
fn planned(suite: &Suite, executor: impl Executor) -> (Result<Plan, String>, Vec<String>) {
    let mut seen = Vec::new();
    let checks = Checks {
        item: |item: &Item| match &*item.id {
            "refused" => Err("is refused".to_owned()),
            id => Ok(format!("{id} {}", item.index)),
        },
        messages: |prompt: &Prompt, messages: Arc<[Message]>| {
            let is_unsaid = &*messages[0].text() == "unsaid";
            if is_unsaid { Err(format!("{} says nothing", prompt.name)) } else { Ok(()) }
        },
    };
    let see = |item: &Item, found: String| seen.push(format!("{} {found}", item.row));
    let plan = Plan::checked(suite, executor, &checks, see);
    let plan = plan.map_err(|unplanned| {
        let of_messages = unplanned.messages.unwrap_or_default();
        format!("{} [{of_messages}]", unplanned.error)
    });
    (plan, seen)
}

/// The samples from this rank on, or what is wrong.
fn samples(plan: &Plan, rank: u64, executor: impl Executor + Clone) -> Vec<String> {
    let told = plan.from_rank(rank, executor).map(|sample| match sample {
        Ok(sample) => format!(
            "{} {} {} {} {}",
            sample.prompt,
            sample.item.id,
            sample.item.row,
            sample.epoch,
            sample.request.hash()
        ),
        Err(error) => error.to_string(),
    });
    // After an error others may follow.
    told.take(500).collect()
}

fn check_with<const N: usize>(world: &World, changed: &str) {
    let (suite, executor) = (world.suite(), Several::<N>);
    let label = format!("{N} at once: {}", world.dataset);
    let ((expected, seen), (found, also_seen)) =
        (planned(&suite, CallingThread), planned(&suite, executor));
    assert_eq!(also_seen, seen, "{label}");
    let (expected, found) = match (expected, found) {
        (Ok(expected), Ok(found)) => (expected, found),
        (expected, found) => {
            let told = expected.expect_err("two plans, or none");
            assert_eq!(found.expect_err("two plans, or none"), told, "{label}");
            return;
        }
    };
    assert_eq!(found.profile, expected.profile, "{label}");
    assert_eq!(found.warnings, expected.warnings, "{label}");
    let some: RowSet = (0..40).filter(|place| place % 3 == 1).collect();
    let pairs = [
        (expected.clone(), found.clone(), 0),
        (expected.clone(), found.clone(), 11),
        (expected.only(some.clone()), found.only(some), 0),
    ];
    let compare = || {
        for (expected, found, rank) in &pairs {
            let of_one = samples(expected, *rank, CallingThread);
            assert_eq!(samples(found, *rank, executor), of_one, "{label}, from {rank}");
        }
    };
    compare();
    if !changed.is_empty() {
        let before = fs::read_to_string(world.folder.path().join(world.name)).expect("rows");
        world.write(changed);
        compare();
        world.write(&before);
    }
}

fn check(name: &'static str, rows: &str, dataset: &'static str, changed: &str) {
    let world = World::new(name, rows, dataset);
    check_with::<3>(&world, changed);
    check_with::<64>(&world, changed);
}

/// Twenty rows, of which some are others.
fn csv(others: &[(usize, &str)]) -> String {
    let row = |i: usize| {
        let other = others.iter().find(|(at, _)| *at == i).map(|(_, row)| format!("{row}\n"));
        other.unwrap_or_else(|| format!("i{i},text {i},{},x,{i}\n", ["de", "en"][i % 2]))
    };
    format!("id,text,language,answer,n\n{}", (0..20).map(row).collect::<String>())
}

fn jsonl(others: &[(usize, &str)]) -> String {
    let row = |i: usize| {
        let other = others.iter().find(|(at, _)| *at == i).map(|(_, row)| (*row).to_owned());
        other
            .unwrap_or_else(|| format!(r#"{{"id":"i{i}","text":"text {i}","answer":"x","n":{i}}}"#))
    };
    (0..20).map(|i| row(i) + "\n").collect()
}

#[test]
fn items_are_the_same_however_many_are_looked_at_together() {
    let whole = csv(&[]);
    for dataset in [
        "limit: 100",
        "limit: 9",
        "limit: 1",
        "filter: \"language == 'de'\"",
        "filter: \"language == 'de'\", limit: 3",
        "filter: \"n | int > 17\", limit: 1",
        "columns: { more: 'n | int > 3' }, filter: more, limit: 12",
        "sample: { n: 6, seed: 3 }",
        "split: { parts: { a: 0.5, b: 0.5 }, take: a, seed: 1 }",
        "target: language, ignore: [n]",
    ] {
        check("d.csv", &whole, dataset, "");
    }
    check("d.jsonl", &jsonl(&[]), "limit: 100", "");
    let array = format!("[{}]", jsonl(&[]).trim().replace('\n', ",\n"));
    check("d.json", &array, "limit: 100", "");
}

#[test]
fn what_is_wrong_is_the_same_however_many_are_looked_at_together() {
    let wrong_rows: [&[(usize, &str)]; 8] = [
        &[(5, "i5,text 5,de")],
        &[(5, "i5,unsaid,de,x,1"), (4, "refused,text,de,x,1")],
        &[(5, "refused,text,de,x,1"), (6, "i6,unsaid,de,x,1"), (7, "i7,text 7")],
        &[(19, "i0,text,de,x,1")],
        &[(3, ",text,de,x,1"), (9, "i9,text 9,de,x,nine")],
        &[(9, "i9,text 9,de,x,nine"), (12, "i12")],
        &[(8, "i8,text,,x,1")],
        &[(8, "i8,\"a\ni9,text,de,x,1\",de,x,1")],
    ];
    for others in wrong_rows {
        for dataset in ["limit: 100", "filter: \"n | int < 15\"", "target: language", "limit: 6"] {
            check("d.csv", &csv(others), dataset, "");
        }
    }
    let json_rows: [&[(usize, &str)]; 3] =
        [&[(6, r#"{"id":"i6","text":}"#)], &[(6, "")], &[(2, "{}"), (3, "[1]"), (4, "{\"id\":")]];
    for others in json_rows {
        check("d.jsonl", &jsonl(others), "limit: 100", "");
        check("d.json", &format!("[{}]", jsonl(others).replace('\n', ",\n")), "limit: 100", "");
    }
}

#[test]
fn what_changed_is_the_same_however_many_are_looked_at_together() {
    let whole = csv(&[]);
    for others in [(7, "i7,other,de,x,1"), (0, "i0,text 0"), (12, "i12,text 12,de,y,12")] {
        check("d.csv", &whole, "limit: 100", &csv(&[others]));
        check("d.csv", &whole, "filter: \"language == 'de'\"", &csv(&[others]));
    }
    let shorter: String = whole.split_inclusive('\n').take(9).collect();
    check("d.csv", &whole, "limit: 100", &shorter);
    check("d.csv", &whole, "limit: 5", &shorter);
}

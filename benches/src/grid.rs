//! Every experiment of the grid, in the order of the table.

use evalmark_verdict::RatioOf;

use crate::{
    cell::{Cell, NO_MARGIN},
    clusters::{Clusters, Scores, Sizes},
    drift::{Streams, Values},
    drift_delay::{Delay, delays},
    early::Early,
    epochs::Epochs,
    family::{Corrected, Family},
    history::{Histories, Noise},
    items::{Binary, Continuous},
    judged::{Labels, Leaning},
    level::Level,
    monitored::monitored,
    ratio::Latency,
    runner::{Effort, Runner},
    shapes::Shape,
    sliced::Sliced,
    table::Row,
    whole::{Question, Whole},
};

/// Sizes of an evaluation.
const SIZES: [usize; 5] = [20, 30, 100, 300, 1000];

/// What to simulate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How many repeats.
    pub effort: Effort,
    /// The same seed, the same table.
    pub seed: u64,
    /// Only experiments whose rule, shape or size has this word in it.
    pub only: Option<String>,
}

/// A part of the grid.
pub(crate) trait Experiment {
    /// What `only` is looked for in.
    fn label(&self) -> String;

    /// Simulates it.
    fn rows(&self, runner: Runner) -> Vec<Row>;
}

/// Simulates the grid, handing over each row as soon as it is known.
pub fn simulate(settings: &Settings, mut each: impl FnMut(&Row)) {
    let runner = Runner { seed: settings.seed, effort: settings.effort };
    let wanted =
        |label: &str| settings.only.as_ref().is_none_or(|word| label.contains(word.as_str()));
    let grid = grid(settings.effort);
    for experiment in grid.iter().filter(|experiment| wanted(&experiment.label())) {
        experiment.rows(runner).iter().for_each(&mut each);
    }
}

fn grid(effort: Effort) -> Vec<Box<dyn Experiment>> {
    let largest = if effort == Effort::Glance { 100 } else { usize::MAX };
    let sizes = || SIZES.into_iter().filter(move |&n| n <= largest);
    let mut grid: Vec<Box<dyn Experiment>> = Vec::new();
    for n in sizes() {
        grid.extend([0.05, 0.1, 0.2, 0.3].map(|share| binary(n, share)));
    }
    for shape in Shape::ALL {
        grid.extend(sizes().map(|n| continuous(n, shape)));
    }
    for epochs in [1, 5, 20] {
        grid.extend(sizes().filter(|n| (30..1000).contains(n)).map(|n| repeated(n, epochs)));
    }
    for scores in [Scores::Symmetric, Scores::Binary] {
        for sizes in [Sizes::Even, Sizes::Uneven] {
            grid.extend([5, 8, 15, 30].map(|groups| clustered(Clusters { groups, scores, sizes })));
        }
    }
    grid.extend(whole_clusters(effort));
    grid.extend(families());
    for leaning in [Leaning::Lenient, Leaning::Harsh] {
        grid.extend([0, 25, 100, 400].map(|labels| labelled(Labels { labels, leaning })));
    }
    let design = Binary { n: 600, discordant: 0.2 };
    grid.push(Box::new(Early { design, repeats: 10_000 }));
    for n in [30, 100, 300] {
        grid.extend(
            [Some(0.5), Some(0.85), Some(0.97), None].map(|share| level(Level { n, share })),
        );
        grid.push(latency(Latency { n, of: RatioOf::GeometricMean }));
    }
    grid.push(latency(Latency { n: 300, of: RatioOf::Quantile(0.95) }));
    let design = Binary { n: 100, discordant: 0.2 };
    grid.extend([0, 10].map(|dropped| -> Box<dyn Experiment> {
        Box::new(Sliced { design, dropped, repeats: 5_000 })
    }));
    grid.extend(histories(effort));
    grid.extend(streams());
    grid
}

/// Production that stays as the released run was.
fn streams() -> impl Iterator<Item = Box<dyn Experiment>> {
    let one = |(values, released, daily)| Streams {
        values,
        released,
        daily,
        together: 1,
        repeats: 10_000,
    };
    let binary = Values::Binary(0.9);
    let mut all: Vec<Streams> = [
        (binary, 30, 100),
        (binary, 10_000, 100),
        (binary, 300, 10_000),
        (Values::Binary(0.01), 300, 100),
        (Values::Ceiling, 30, 30),
        (Values::Ceiling, 300, 30),
        (Values::Skewed, 100, 30),
        (Values::Sessions, 60, 100),
        (Values::Amounts, 100, 30),
        (Values::Categories, 300, 30),
        (Values::Mixed, 300, 30),
        (Values::Weekly, 3000, 1000),
    ]
    .map(one)
    .into();
    all.insert(0, one((binary, 300, 100)));
    all.push(Streams { together: 20, ..one((binary, 300, 100)) });
    let streams = all.into_iter().map(|one| -> Box<dyn Experiment> { Box::new(one) });
    streams.chain(monitored(10_000).into_iter().map(|one| -> Box<dyn Experiment> { Box::new(one) }))
}

/// Simulates how long drift takes to be called, handing over each setting as soon as it is known; nothing where `only` is
/// looked for and is not in the word `drift`.
pub fn simulate_delays(settings: &Settings, each: impl FnMut(&Delay)) {
    let wanted = settings.only.as_ref().is_none_or(|word| "drift delay".contains(word.as_str()));
    if wanted {
        delays(Runner { seed: settings.seed, effort: settings.effort }, each);
    }
}

/// Suites that are run again and again.
fn histories(effort: Effort) -> Vec<Box<dyn Experiment>> {
    let binary = |discordant| Noise::Binary { discordant };
    let mut designs: Vec<_> = [0.01, 0.05, 0.1, 0.3].map(|share| (binary(share), 100)).into();
    designs.extend([(binary(0.1), 30), (binary(0.1), 300), (Noise::Graded, 30)]);
    designs.extend([Noise::Graded, Noise::Skewed, Noise::Clusters].map(|noise| (noise, 100)));
    designs.extend([Noise::EditedOnce, Noise::EditedEachRun].map(|noise| (noise, 300)));
    if effort != Effort::Glance {
        designs.push((binary(0.1), 1000));
    }
    let history =
        |(noise, n)| -> Box<dyn Experiment> { Box::new(Histories { noise, n, repeats: 2_000 }) };
    designs.into_iter().map(history).collect()
}

/// With no label the judge is trusted: what comes of that is shown.
fn labelled(design: Labels) -> Box<dyn Experiment> {
    let held = design.labels > 0;
    Box::new(Cell { design, margins: vec![0.05, 0.1], power: None, held, repeats: 5_000 })
}

fn level(design: Level) -> Box<dyn Experiment> {
    // A minimum has no margin: its true mean is where both answers are wrong.
    Box::new(Cell { design, margins: vec![NO_MARGIN], power: None, held: true, repeats: 10_000 })
}

fn latency(design: Latency) -> Box<dyn Experiment> {
    let power = Some(design.power());
    Box::new(Cell { design, margins: vec![0.1], power, held: true, repeats: 5_000 })
}

/// With the usual margin, and with one that so few items can resolve.
fn binary(n: usize, discordant: f64) -> Box<dyn Experiment> {
    let design = Binary { n, discordant };
    let margins = [0.03, 0.1].into_iter().filter(|&margin| margin <= discordant).collect();
    Box::new(Cell { design, margins, power: Some(design.power()), held: true, repeats: 20_000 })
}

fn continuous(n: usize, shape: Shape) -> Box<dyn Experiment> {
    let design = Continuous { n, shape };
    let repeats = resampled(n);
    Box::new(Cell { design, margins: vec![0.05], power: Some(design.power()), held: true, repeats })
}

fn repeated(n: usize, epochs: u32) -> Box<dyn Experiment> {
    let design = Epochs { n, epochs };
    let (power, repeats) = (Some(design.power()), resampled(n));
    Box::new(Cell { design, margins: vec![0.05], power, held: true, repeats })
}

/// Repeats where each is a bootstrap of five thousand times as many draws as there are items.
fn resampled(n: usize) -> u32 {
    match n {
        0..300 => 10_000,
        300..1000 => 5_000,
        _ => 2_500,
    }
}

fn clustered(design: Clusters) -> Box<dyn Experiment> {
    // The closed form knows neither binary scores nor uneven sizes.
    let plain = design.scores == Scores::Symmetric && design.sizes == Sizes::Even;
    let power = plain.then(|| design.power());
    Box::new(Cell { design, margins: vec![0.05], power, held: true, repeats: 20_000 })
}

/// Rare failures of whole clusters, whose margin (or minimum) is what they lose on average.
fn whole_clusters(effort: Effort) -> Vec<Box<dyn Experiment>> {
    let most = if effort == Effort::Glance { 15 } else { usize::MAX };
    let mut cells = Vec::new();
    for sizes in [Sizes::Even, Sizes::Uneven] {
        for groups in [5, 8, 15, 30, 50].into_iter().filter(|&groups| groups <= most) {
            for chance in [0.01, 0.03, 0.05, 0.1] {
                cells.push(Whole { groups, sizes, chance, question: Question::Drop });
            }
        }
        for chance in [0.03, 0.1] {
            let groups = most.min(50);
            cells.push(Whole { groups, sizes, chance, question: Question::Minimum });
        }
    }
    let cell = |design: Whole| -> Box<dyn Experiment> {
        let margin = if design.question == Question::Drop { design.chance } else { NO_MARGIN };
        Box::new(Cell { design, margins: vec![margin], power: None, held: true, repeats: 10_000 })
    };
    cells.into_iter().map(cell).collect()
}

fn families() -> impl Iterator<Item = Box<dyn Experiment>> {
    let binary = Binary { n: 300, discordant: 0.1 };
    let continuous = Continuous { n: 100, shape: Shape::Symmetric };
    let both = move |(correction, repeats)| -> [Box<dyn Experiment>; 2] {
        [
            Box::new(Family { design: binary, correction, margin: 0.05, repeats }),
            Box::new(Family { design: continuous, correction, margin: 0.08, repeats }),
        ]
    };
    [(Corrected::Holm, 5_000), (Corrected::MaxT, 2_000)].into_iter().flat_map(both)
}

//! Every formula against values that reference tools gave: one table, one check.
//!
//! Each row of `fixtures/*.jsonl` names the tool and version that made it, the input, and the
//! expected results by name. A row whose metric is not known here fails.

use std::path::Path;

use evalmark_verdict::{
    AlphaSums, Interval, Lambda, Level, Scale, agresti_coull, benjamini_hochberg, clopper_pearson,
    cluster_mean, fleiss_kappa, holm, krippendorff_alpha, mcnemar_exact, mcnemar_midp, mean_t,
    paired_proportions_n, paired_proportions_power, paired_t, paired_t_n, paired_t_power,
    pass_at_k, pass_hat_k, ppi_mean, sign_flip_exact, tango_bounds, tango_p_greater, tango_p_less,
    tango_z, wilson,
};
use serde_json::Value;

/// How far a result may lie from what is expected: the looser of the two.
#[derive(Clone, Copy)]
struct Tolerance {
    absolute: f64,
    relative: f64,
}

const INTERVAL: Tolerance = Tolerance { absolute: 1e-12, relative: 1e-9 };
const P_VALUE: Tolerance = Tolerance { absolute: 0.0, relative: 1e-9 };
const END: Tolerance = Tolerance { absolute: 1e-9, relative: 0.0 };
const SHARE: Tolerance = Tolerance { absolute: 1e-12, relative: 0.0 };
const T_POWER: Tolerance = Tolerance { absolute: 1e-8, relative: 0.0 };
const T_SIZE: Tolerance = Tolerance { absolute: 0.0, relative: 1e-6 };

/// One result: its name, its value (`None` where it is undefined), its tolerance.
type Found = (&'static str, Option<f64>, Tolerance);

#[test]
fn every_golden_row_is_reproduced() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    for table in ["intervals", "paired_tests", "power", "passk", "ppi", "agreement"] {
        let path = folder.join(format!("{table}.jsonl"));
        let text = std::fs::read_to_string(&path).expect("the fixture is there");
        let rows: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).expect("a row is JSON")).collect();
        let wrong: Vec<String> = rows.iter().filter_map(|row| check(row).err()).collect();
        assert!(rows.len() >= 20, "{table} has only {} rows", rows.len());
        assert!(
            wrong.is_empty(),
            "{table}: {} of {}\n{}",
            wrong.len(),
            rows.len(),
            wrong.join("\n")
        );
    }
}

fn check(row: &Value) -> Result<(), String> {
    let (metric, id) = (text(&row["metric"]), text(&row["id"]));
    let (input, params, expected) = (&row["input"], &row["params"], &row["expected"]);
    if let Some(list) = expected.get("adjusted") {
        let p_values = numbers(&input["p"]);
        let adjusted =
            if metric == "holm" { holm(&p_values) } else { benjamini_hochberg(&p_values) };
        let all = adjusted.into_iter().zip(numbers(list));
        return all.into_iter().try_for_each(|(a, e)| near(a, e, P_VALUE, metric, "adjusted", id));
    }
    let found = results(metric, input, params)
        .ok_or_else(|| format!("{id}: nobody knows the metric {metric}"))?;
    for (name, value) in expected.as_object().expect("expected is an object") {
        let Some(&(_, actual, tolerance)) = found.iter().find(|found| found.0 == name) else {
            return Err(format!("{id} {metric}: no result is called {name}"));
        };
        match (actual, number(value)) {
            (None, None) => {}
            (Some(actual), Some(expected)) => near(actual, expected, tolerance, metric, name, id)?,
            (actual, expected) => {
                return Err(format!("{id} {metric} {name}: {actual:?} is not {expected:?}"));
            }
        }
    }
    Ok(())
}

fn near(
    a: f64,
    e: f64,
    within: Tolerance,
    metric: &str,
    name: &str,
    id: &str,
) -> Result<(), String> {
    let room = within.absolute.max(within.relative * e.abs());
    // An absolute 1e-300 lets 0 be 0, and the comparison of bits lets infinity be infinity.
    if (a - e).abs() <= room.max(1e-300) || a.to_bits() == e.to_bits() {
        return Ok(());
    }
    Err(format!("{id} {metric} {name}: {a:e} is not {e:e}"))
}

fn results(metric: &str, input: &Value, params: &Value) -> Option<Vec<Found>> {
    let family = [
        interval_results,
        test_results,
        sample_results,
        power_results,
        passk_results,
        ppi_results,
        agreement_results,
    ];
    family.iter().find_map(|results| results(metric, input, params))
}

fn interval_results(metric: &str, input: &Value, params: &Value) -> Option<Vec<Found>> {
    let confidence = number(&params["confidence"]);
    let proportion = |interval: fn(u64, u64, f64) -> Option<Interval>| {
        Some(ends(interval(count(&input["k"]), count(&input["n"]), confidence?), INTERVAL))
    };
    match metric {
        "wilson" => proportion(wilson),
        "clopper_pearson" => proportion(clopper_pearson),
        "agresti_coull" => proportion(agresti_coull),
        "mean_t" => {
            let values = numbers(&input["values"]);
            let mut found = ends(mean_t(&values, confidence?), INTERVAL);
            let t = paired_t(&values);
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            found.push(("mean", Some(t.map_or(mean, |t| t.mean)), INTERVAL));
            found.push(("se", t.map(|t| t.stderr), INTERVAL));
            Some(found)
        }
        _ => None,
    }
}

fn ends(interval: Option<Interval>, tolerance: Tolerance) -> Vec<Found> {
    vec![
        ("low", interval.map(|ends| ends.low), tolerance),
        ("high", interval.map(|ends| ends.high), tolerance),
    ]
}

fn test_results(metric: &str, input: &Value, params: &Value) -> Option<Vec<Found>> {
    let (b, c) = (input["b"].as_u64()?, input["c"].as_u64()?);
    let n = input["n"].as_u64().unwrap_or(0);
    match metric {
        "mcnemar_exact" => Some(vec![("p", Some(mcnemar_exact(b, c).two_sided), P_VALUE)]),
        "mcnemar_exact_one_sided" => Some(p_values(&mcnemar_exact(b, c))),
        "mcnemar_midp" => Some(p_values(&mcnemar_midp(b, c))),
        "tango_test" => {
            let delta0 = number(&params["delta0"])?;
            Some(vec![
                ("z", Some(tango_z(b, c, n, delta0)), INTERVAL),
                ("p_greater", Some(tango_p_greater(b, c, n, delta0)), P_VALUE),
                ("p_less", Some(tango_p_less(b, c, n, delta0)), P_VALUE),
            ])
        }
        "tango_interval" => {
            let alpha = 0.5 * (1.0 - number(&params["confidence"])?);
            let (low, high) = tango_bounds(b, c, n, alpha);
            let difference = (b as f64 - c as f64) / n as f64;
            let named = [("low", low), ("high", high), ("difference", difference)];
            Some(named.map(|(name, value)| (name, Some(value), END)).to_vec())
        }
        _ => None,
    }
}

fn p_values(p: &evalmark_verdict::PValues) -> Vec<Found> {
    vec![
        ("p_greater", Some(p.greater), P_VALUE),
        ("p_less", Some(p.less), P_VALUE),
        ("p_two_sided", Some(p.two_sided), P_VALUE),
    ]
}

fn sample_results(metric: &str, input: &Value, params: &Value) -> Option<Vec<Found>> {
    let differences = numbers(input.get("differences")?);
    match metric {
        "sign_flip_exact" => Some(p_values(&sign_flip_exact(&differences)?)),
        "paired_t" => {
            let t = paired_t(&differences)?;
            let mut found = ends(mean_t(&differences, number(&params["confidence"])?), END);
            found.extend(p_values(&t.p));
            found.push(("mean", Some(t.mean), END));
            found.push(("sd", Some(t.stderr * (differences.len() as f64).sqrt()), END));
            found.push(("df", Some(t.df as f64), SHARE));
            found.push(("t", t.t, INTERVAL));
            Some(found)
        }
        "cluster_mean" => cluster_results(&differences, input, number(&params["confidence"])?),
        _ => None,
    }
}

fn cluster_results(values: &[f64], input: &Value, confidence: f64) -> Option<Vec<Found>> {
    let named = input["clusters"].as_array()?;
    let clusters: Vec<u64> = named.iter().map(|name| hash(text(name))).collect();
    let mean = cluster_mean(values, &clusters)?;
    let t = mean.t();
    let mut found = ends(mean.interval(confidence), END);
    found.extend(p_values(&t?.p));
    found.push(("t", t?.t, INTERVAL));
    found.push(("mean", Some(mean.mean), END));
    found.push(("se_cr0", Some(mean.se_cr0), INTERVAL));
    found.push(("se_cr1", mean.se_cr1, INTERVAL));
    found.push(("groups", Some(mean.groups as f64), SHARE));
    found.push(("df", Some(mean.df() as f64), SHARE));
    Some(found)
}

/// FNV-1a: any number that tells names apart will do.
fn hash(name: &str) -> u64 {
    name.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}

fn power_results(metric: &str, input: &Value, params: &Value) -> Option<Vec<Found>> {
    let alpha = number(params.get("alpha")?)?;
    let level =
        if params["sides"] == 2 { Level::two_sided(alpha) } else { Level::one_sided(alpha) };
    let input = |name: &str| number(&input[name]);
    let wanted = number(&params["power"]);
    match metric {
        "paired_proportions_n" => {
            let n =
                paired_proportions_n(input("discordant")?, input("difference")?, level, wanted?);
            Some(vec![("n", Some(n), INTERVAL), ("n_ceil", Some(n.ceil()), SHARE)])
        }
        "paired_proportions_power" => {
            let power = paired_proportions_power(
                input("discordant")?,
                input("difference")?,
                input("n")?,
                level,
            );
            Some(vec![("power", Some(power), END)])
        }
        "paired_t_power" => {
            let power = paired_t_power(input("effect_size")?, input("n")?, level);
            Some(vec![("power", Some(power), T_POWER)])
        }
        "paired_t_n" => {
            let n = paired_t_n(input("effect_size")?, level, wanted?);
            Some(vec![("n", Some(n), T_SIZE), ("n_ceil", Some(n.ceil()), SHARE)])
        }
        _ => None,
    }
}

fn passk_results(metric: &str, input: &Value, params: &Value) -> Option<Vec<Found>> {
    let k = params["k"].as_u64()?;
    let estimate = if metric.starts_with("pass_at_k") { pass_at_k } else { pass_hat_k };
    let value = if metric.ends_with("_mean") {
        let problems = input["problems"].as_array()?;
        let each = problems.iter().map(|p| estimate(count(&p[0]), count(&p[1]), k));
        let sum: Option<f64> = each.sum();
        sum? / problems.len() as f64
    } else {
        estimate(count(&input["n"]), count(&input["c"]), k)?
    };
    Some(vec![("value", Some(value), SHARE)])
}

fn ppi_results(metric: &str, input: &Value, params: &Value) -> Option<Vec<Found>> {
    if metric != "ppi_mean" {
        return None;
    }
    let lambda = match (number(&params["lambda"]), text(&params["lambda_variance"])) {
        (Some(fixed), _) => Lambda::Fixed(fixed),
        (None, "pooled") => Lambda::Pooled,
        (None, _) => Lambda::Unlabelled,
    };
    let lists = ["y", "yhat_labelled", "yhat_unlabelled"].map(|name| numbers(&input[name]));
    let mean = ppi_mean(&lists[0], &lists[1], &lists[2], lambda)?;
    let mut found = ends(mean.interval(number(&params["confidence"])?), END);
    found.push(("lambda", Some(mean.lambda), END));
    found.push(("estimate", Some(mean.estimate), END));
    found.push(("se", Some(mean.stderr), END));
    found.push(("df", Some(mean.df as f64), SHARE));
    Some(found)
}

fn agreement_results(metric: &str, input: &Value, params: &Value) -> Option<Vec<Found>> {
    let rows = |name: &str| input[name].as_array().expect("rows").iter();
    let cells = |row: &'static str| rows(row).map(|row| row.as_array().expect("a row").clone());
    match metric {
        "fleiss_kappa" => {
            let counts: Vec<Vec<u64>> =
                cells("counts").map(|row| row.iter().map(count).collect()).collect();
            Some(vec![("kappa", fleiss_kappa(&counts), END)])
        }
        "krippendorff_alpha" => {
            let ratings: Vec<Vec<Option<f64>>> =
                cells("ratings").map(|row| row.iter().map(number).collect()).collect();
            let scale = match text(&params["level"]) {
                "nominal" => Scale::Nominal,
                "ordinal" => Scale::Ordinal,
                "interval" => Scale::Interval,
                _ => return None,
            };
            let mut found = vec![("alpha", krippendorff_alpha(&ratings, scale), END)];
            if scale == Scale::Interval {
                found.push(("alpha", alpha_of_sums(&ratings), END));
            }
            Some(found)
        }
        _ => None,
    }
}

/// The same alpha, unit by unit.
fn alpha_of_sums(ratings: &[Vec<Option<f64>>]) -> Option<f64> {
    let mut sums = AlphaSums::default();
    for unit in 0..ratings.first().map_or(0, Vec::len) {
        sums.add(ratings.iter().filter_map(|row| row[unit]));
    }
    sums.alpha()
}

fn number(value: &Value) -> Option<f64> {
    match value.as_str() {
        Some("inf") => Some(f64::INFINITY),
        Some("-inf") => Some(f64::NEG_INFINITY),
        _ => value.as_f64(),
    }
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().map_or(Vec::new(), |list| list.iter().filter_map(number).collect())
}

fn count(value: &Value) -> u64 {
    value.as_u64().expect("a count is a whole number")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("")
}

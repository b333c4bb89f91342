//! `evalmark view` of runs that are not what they were, of folders that are not the ones meant, and of
//! requests that nobody waits for.

use std::{
    fs,
    io::Write as _,
    net::TcpStream,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    setup::World,
    view_client::{View, runs},
};

/// Changes a run's `run.json`.
fn edit(world: &World, run: &str, change: impl FnOnce(&mut Value)) {
    let name = format!("reports/intents/{run}/run.json");
    let mut record = world.json(&name);
    change(&mut record);
    world.write(&name, &record.to_string());
}

/// The addresses of a page.
fn links(page: &str) -> Vec<String> {
    let links = page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    links.filter(|link| link.starts_with('/')).map(str::to_owned).collect()
}

#[test]
fn every_link_leads_somewhere_though_folders_were_renamed() {
    let world = World::new(1);
    runs(&world, 3);
    let folder = |name: &str| world.path("reports").join(name);
    fs::rename(folder("intents/r1"), folder("intents/ren <amed>")).expect("renamed");
    fs::create_dir(folder("other")).expect("a folder");
    fs::rename(folder("intents/r2"), folder("other/moved")).expect("renamed");
    let view = View::start(&world);
    let history = view.await_text("/suite/intents", "<svg");
    assert!(history.contains("/run/intents/ren%20%3Camed%3E\">ren &lt;amed&gt;"), "{history}");
    for path in [
        "/",
        "/suite/intents",
        "/suite/other",
        "/run/intents/ren%20%3Camed%3E",
        "/run/intents/ren%20%3Camed%3E/samples",
        "/run/other/moved/sample/3",
        "/compare?baseline=intents/r0&candidate=other/moved",
    ] {
        let page = view.await_text(path, "</main>");
        assert!(
            !page.contains("/run/intents/r1\"") && !page.contains("/run/intents/r2\""),
            "{path}"
        );
        for link in links(&page) {
            let status = view.get(&link).status;
            assert_eq!(status, 200, "{path} leads to {link}");
        }
    }
}

#[test]
fn two_runs_are_compared_by_the_gate_that_the_later_was_made_with() {
    let world = World::new(1);
    runs(&world, 2);
    // Whoever made the run may have named any file.
    let secret = world.write("secret.yaml", "top secret: [");
    edit(&world, "r1", |record| record["suite_path"] = json!(secret));
    let address = "/compare?baseline=intents/r0&candidate=intents/r1";
    let by_default = View::start(&world).await_text(address, "<table>");
    assert!(by_default.contains("3 points"), "{by_default}");
    assert!(!by_default.contains("secret"), "{by_default}");
    let suite = fs::read_to_string(world.path("suite.yaml")).expect("a suite");
    world.write(
        "suite.yaml",
        &format!("{suite}gate: {{ metrics: {{ exact: {{ margin: 0.25 }} }} }}\n"),
    );
    world
        .run(&["run", "suite.yaml", "--run-id", "wide", "--baseline", "reports/intents/r0"])
        .expect(0);
    world.write(
        "suite.yaml",
        &format!("{suite}gate: {{ metrics: {{ exact: {{ margin: 0.01 }} }} }}\n"),
    );
    let address = "/compare?baseline=intents/r0&candidate=intents/wide";
    let compared = View::start(&world).await_text(address, "<table>");
    assert!(compared.contains("25 points") && !compared.contains("1 point"), "{compared}");
}

#[test]
fn a_suite_is_read_from_a_suite_file_only() {
    let world = World::new(1);
    runs(&world, 2);
    for (name, is_read) in [
        ("secret.txt", false),
        ("secret", false),
        (".env", false),
        ("suite.yaml.bak", false),
        ("other.yaml", true),
        ("other.yml", true),
        ("other.json", true),
    ] {
        let path = world.write(name, "API_KEY: sk-1234\nmore: true\n");
        edit(&world, "r1", |record| record["suite_path"] = json!(path));
        let gate = ["gate", "reports/intents/r1", "--baseline", "reports/intents/r0"];
        let ran = world.run(&gate);
        assert_eq!(ran.code == Some(2), is_read, "{name}: {}", ran.stderr);
        assert_eq!(ran.stderr.contains("API_KEY"), is_read, "{name}: {}", ran.stderr);
        assert_eq!(ran.stderr.contains("no longer exists"), !is_read, "{name}: {}", ran.stderr);
    }
}

#[test]
fn metrics_that_do_not_measure_the_same_flip_nothing() {
    let world = World::new(1);
    runs(&world, 2);
    let suite = fs::read_to_string(world.path("suite.yaml")).expect("a suite");
    for (name, metrics, is_comparable) in
        [("same", "exact: {}", true), ("other", "exact: { normalize: [trim, casefold] }", false)]
    {
        world.write("suite.yaml", &suite.replace("exact: {}", metrics));
        world.run(&["run", "suite.yaml", "--run-id", name]).expect(0);
        world.run(&[
            "report",
            &format!("reports/intents/{name}"),
            "--baseline",
            "reports/intents/r0",
        ]);
        let view = View::start(&world);
        let compared = view.await_text(
            &format!("/compare?baseline=intents/r0&candidate=intents/{name}"),
            "<table>",
        );
        assert_eq!(compared.contains("incomparable"), !is_comparable, "{compared}");
        assert_eq!(compared.contains("Items that changed"), is_comparable, "{compared}");
        let page = view.shows(&format!("/run/intents/{name}/report.html"));
        assert_eq!(page.contains("class=\"flip\""), is_comparable, "{name}");
        assert_eq!(page.contains("title=\"right before, wrong now\""), is_comparable, "{name}");
    }
}

/// Makes every whole number as large as it can be written.
fn enlarge(value: &mut Value, largest: &Value) {
    match value {
        Value::Number(number) if number.is_u64() => *value = largest.clone(),
        Value::Array(all) => all.iter_mut().for_each(|one| enlarge(one, largest)),
        Value::Object(all) => all.values_mut().for_each(|one| enlarge(one, largest)),
        _ => {}
    }
}

#[test]
fn numbers_beyond_all_measure_break_no_page() {
    let world = World::new(1);
    runs(&world, 2);
    let paths = [
        "/",
        "/suite/intents",
        "/run/intents/r1",
        "/run/intents/r1/samples",
        "/run/intents/r1/sample/0",
    ];
    for (field, largest) in [
        ("counts", json!(u64::MAX)),
        ("totals", json!(u64::MAX)),
        ("n_items", json!(u64::MAX)),
        ("epochs", json!(u32::MAX)),
        ("counts", json!(i64::MIN)),
        ("counts", json!(1e308)),
        ("epochs", json!(u64::MAX)),
    ] {
        let name = "reports/intents/r1/run.json";
        let intact = fs::read_to_string(world.path(name)).expect("a record");
        edit(&world, "r1", |record| enlarge(&mut record[field], &largest));
        fs::write(
            world.path("reports/intents/r1/progress.json"),
            json!({ "doing": "asking", "done": u64::MAX, "total": u64::MAX }).to_string(),
        )
        .expect("written");
        let view = View::start(&world);
        let compare = "/compare?baseline=intents/r0&candidate=intents/r1";
        for path in paths.iter().chain([&compare]) {
            let page = view.get(path);
            assert!(
                page.status == 200 || page.status == 404,
                "{field} {largest} {path}: {}",
                page.body
            );
            assert!(page.body.contains("</main>"), "{field} {path}: {}", page.body);
        }
        for path in ["/suite/intents", compare] {
            let page = view.await_text(path, "</main>");
            assert!(!page.contains("could not be computed"), "{field} {largest} {path}: {page}");
        }
        world.write(name, &intact);
    }
}

#[test]
fn a_suite_whose_runs_are_all_broken_says_why() {
    let world = World::new(1);
    runs(&world, 2);
    for run in ["r0", "r1"] {
        fs::write(world.path("reports/intents").join(run).join("run.json"), "{").expect("written");
    }
    let view = View::start(&world);
    let page = view.await_text("/suite/intents", "has no finished run");
    assert!(page.contains("(r1: ") && page.contains("; r0: "), "{page}");
    assert!(!page.contains("()"), "{page}");
}

#[test]
fn the_list_says_where_runs_are() {
    let world = World::new(1);
    runs(&world, 2);
    let view = View::start(&world);
    let page = view.shows("/?from=500");
    assert!(page.contains("This folder has 2 runs: there is none at place 501."), "{page}");
    assert!(page.contains("/?from=0") && !page.contains("no run in this folder yet"), "{page}");
    let reports = fs::canonicalize(world.path("reports")).expect("a folder");
    let reports = reports.display().to_string();
    for folder in [".", "reports/intents", "reports/intents/r0"] {
        let view = View::of(&world, folder);
        let page = view.shows("/");
        assert!(page.contains(&format!("There are runs in {reports}: ")), "{folder}: {page}");
        assert!(view.said().contains(&format!("there are some in {reports}: ")), "{folder}");
    }
    fs::create_dir(world.path("empty")).expect("a folder");
    assert!(View::of(&world, "empty").shows("/").contains("no run in this folder yet"));
}

#[test]
fn requests_that_nobody_waits_for_keep_nobody_waiting() {
    let world = World::new(1);
    runs(&world, 2);
    let view = View::start(&world);
    for n in 0..600 {
        let mut stream = TcpStream::connect(("127.0.0.1", view.port)).expect("a connection");
        let path = match n % 4 {
            0 => "/".to_owned(),
            1 => format!("/compare?baseline=intents/r0&candidate=intents/r1&n={n}"),
            2 => format!("/run/intents/r1/samples?q=nothing+{n}"),
            _ => "/run/intents/r1/samples?sort=score.exact".to_owned(),
        };
        let lines = [format!("GET {path} HTTP/1.1"), view.host(), view.cookie()];
        stream.write_all(format!("{}\r\n\r\n", lines.join("\r\n")).as_bytes()).expect("sent");
    }
    let begun = Instant::now();
    assert!(view.shows("/run/intents/r1/samples?q=what").contains("50 shown"));
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
}

/// Copies files of one run into another's folder.
fn copy_files(world: &World, from: &str, to: &str, names: &[&str]) {
    for name in names {
        let path = |run: &str| world.path(&format!("reports/intents/{run}/{name}"));
        fs::copy(path(from), path(to)).expect("copied");
    }
}

#[test]
fn files_of_another_run_are_not_shown_as_this_one_s() {
    let world = World::new(1);
    runs(&world, 3);
    let foreign = |name: &str| format!("its {name} does not match its run.json");
    for (name, pages) in [
        ("summary.parquet", &[""][..]),
        ("samples.parquet", &["", "/samples", "/sample/0"]),
        ("scores.parquet", &["", "/sample/0"]),
    ] {
        let run = "/run/intents/r1";
        let own = fs::read(world.path(&format!("reports/intents/r1/{name}"))).expect("a file");
        let view = View::start(&world);
        for page in pages {
            let page = view.shows(&format!("{run}{page}"));
            assert!(!page.contains("does not match"), "{name}: {page}");
        }
        copy_files(&world, "r2", "r1", &[name]);
        for page in pages {
            let shown = view.shows(&format!("{run}{page}"));
            assert!(shown.contains(&foreign(name)), "{name} {page}: {shown}");
        }
        let page = view.shows(run);
        assert!(page.contains("badge broken") && !page.contains("badge complete"), "{page}");
        // Figures that are small are not shown at all.
        assert!(!page.contains("90.0 %"), "{name}: {page}");
        assert_eq!(page.contains("95.0 %"), name != "summary.parquet", "{name}: {page}");
        let list = view.shows("/");
        assert_eq!(list.contains(&foreign(name)), name == "summary.parquet", "{name}: {list}");
        fs::write(world.path(&format!("reports/intents/r1/{name}")), own).expect("written");
        let page = view.shows(run);
        assert!(page.contains("badge complete") && page.contains("95.0 %"), "{name}: {page}");
    }
}

#[test]
fn samples_that_were_deleted_are_missing() {
    let world = World::new(1);
    runs(&world, 1);
    fs::remove_file(world.path("reports/intents/r0/samples.parquet")).expect("removed");
    let view = View::start(&world);
    assert!(view.shows("/run/intents/r0").contains("its samples.parquet is missing"));
    for path in ["/run/intents/r0/samples", "/run/intents/r0/sample/0"] {
        let page = view.get(path);
        assert_eq!(page.status, 404, "{path}");
        let says = &page.body;
        assert!(
            says.contains("its samples.parquet is missing; `evalmark resume"),
            "{path}: {says}"
        );
    }
}

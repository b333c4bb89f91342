//! `evalmark view`: who is let in, and what the pages show.

use std::{
    fs,
    net::TcpStream,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use evalmark_loopback::{Reply, Server};

use crate::{
    setup::{World, answer, item},
    view_client::{PATIENCE, View, runs},
};

#[test]
fn only_who_has_the_token_and_asks_this_machine_is_let_in() {
    let world = World::new(1);
    runs(&world, 1);
    let view = View::start(&world);
    let (host, cookie, port) = (view.host(), view.cookie(), view.port);
    let get = "GET / HTTP/1.1".to_owned();
    let wrong = format!("Cookie: evalmark-{port}={}", "0".repeat(32));
    let other_port = format!("Cookie: evalmark-1={}", view.token);
    for (lines, status) in [
        (vec![get.clone(), host.clone(), cookie.clone()], 200),
        (vec![get.clone(), format!("Host: localhost:{port}"), cookie.clone()], 200),
        (vec![get.clone(), host.clone()], 403),
        (vec![get.clone(), host.clone(), wrong], 403),
        (vec![get.clone(), host.clone(), other_port], 403),
        (vec!["GET /?token= HTTP/1.1".to_owned(), host.clone()], 403),
        (vec!["GET /?token=00 HTTP/1.1".to_owned(), host.clone(), cookie.clone()], 403),
        // A name that somebody points to this machine.
        (vec![get.clone(), format!("Host: evil.example:{port}"), cookie.clone()], 421),
        (vec![get.clone(), "Host: 127.0.0.1".to_owned(), cookie.clone()], 421),
        (vec![get.clone(), format!("Host: 127.0.0.1.evil.example:{port}"), cookie.clone()], 421),
        (vec![get.clone(), format!("Host: 127.0.0.1:{port}1"), cookie.clone()], 421),
        (vec![get.clone(), host.clone(), host.clone(), cookie.clone()], 421),
        (vec!["GET / HTTP/1.0".to_owned(), cookie.clone()], 421),
        (vec![get.clone(), host.clone(), cookie.clone(), "Origin: null".to_owned()], 403),
        (
            vec![get.clone(), host.clone(), cookie.clone(), "Origin: http://evil.example".into()],
            403,
        ),
        (
            vec![
                get.clone(),
                host.clone(),
                cookie.clone(),
                format!("Origin: http://127.0.0.1:{port}"),
            ],
            200,
        ),
        (vec!["POST / HTTP/1.1".to_owned(), host.clone(), cookie.clone()], 405),
        (vec!["DELETE /run/intents/r0 HTTP/1.1".to_owned(), host.clone(), cookie.clone()], 405),
        (vec!["OPTIONS / HTTP/1.1".to_owned(), host.clone(), cookie], 405),
    ] {
        let page = view.send(&lines);
        assert_eq!(page.status, status, "{lines:?}: {}", page.body);
        assert!(status == 200 || !page.body.contains("intents"), "{lines:?}: {}", page.body);
        assert!(!page.headers.contains_key("access-control-allow-origin"), "{lines:?}");
    }
}

#[test]
fn the_token_leaves_the_address_and_pages_may_do_nothing_else() {
    let world = World::new(1);
    runs(&world, 1);
    let view = View::start(&world);
    for (path, target) in [
        (format!("/?token={}", view.token), "/"),
        (
            format!("/run/intents/r0/samples?q=a&token={}", view.token),
            "/run/intents/r0/samples?q=a",
        ),
        (format!("//evil.example/?token={}", view.token), "/evil.example/"),
    ] {
        let page = view.send(&[format!("GET {path} HTTP/1.1"), view.host()]);
        assert_eq!(page.status, 303, "{path}");
        assert_eq!(page.headers["location"], target);
        let cookie = &page.headers["set-cookie"];
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    }
    for path in ["/", "/nowhere", "/run/intents/r0", "/style.css"] {
        let headers = view.get(path).headers;
        let policy = &headers["content-security-policy"];
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["referrer-policy"], "no-referrer");
        assert_eq!(headers["cache-control"], "no-store");
        assert_eq!(headers["x-frame-options"], "DENY");
    }
    // The run's own page has a script, and a world of its own.
    let page = view.get("/run/intents/r0/report.html");
    assert_eq!(page.status, 200);
    let policy = &page.headers["content-security-policy"];
    assert!(policy.starts_with("sandbox allow-scripts") && !policy.contains("same-origin"));
}

#[test]
fn pages_show_runs_history_samples_and_comparisons() {
    let world = World::new(1);
    runs(&world, 4);
    let view = View::start(&world);
    let list = view.shows("/");
    assert!(list.contains("4 runs") && list.contains("/run/intents/r3"), "{list}");
    let history = view.await_text("/suite/intents", "<svg");
    assert!(history.contains("gets worse from run to run"), "{history}");
    let run = view.shows("/run/intents/r3");
    assert!(run.contains("85.0 %") && run.contains("complete"), "{run}");
    let compared =
        view.await_text("/compare?baseline=intents/r0&candidate=intents/r3", "regressed");
    assert!(compared.contains("-15.0 points"), "{compared}");
    assert_eq!(view.get("/compare?baseline=intents/r0").status, 400);
    assert_eq!(view.get("/compare?baseline=intents/r0&candidate=intents/r9").status, 404);
    let sample = view.shows("/run/intents/r3/sample/2");
    assert!(sample.contains("i002") && sample.contains("What is 2?"), "{sample}");
    assert!(sample.contains("rel=\"next\""), "{sample}");
    assert!(!view.shows("/run/intents/r3/sample/119").contains("rel=\"next\""));
    for row in ["120", "x", "-1", "18446744073709551616", "%ff", "1/2"] {
        let page = view.get(&format!("/run/intents/r3/sample/{row}"));
        assert_eq!(page.status, 404, "{row}");
        assert!(page.body.contains("<h1>Not Found</h1>"), "{row}: {}", page.body);
    }
    for page in [list, history, run, compared, sample] {
        assert!(!page.contains("<script>") && !page.contains("<img"), "{page}");
    }
}

#[test]
fn samples_are_paged_searched_and_filtered() {
    let world = World::new(1);
    runs(&world, 3);
    let view = View::start(&world);
    let path = "/run/intents/r2/samples";
    for (query, first, last, shown) in [
        ("", "i000", Some("i049"), 50),
        ("?from=50", "i050", Some("i099"), 50),
        ("?from=100", "i100", Some("i119"), 20),
        ("?q=what%20IS%2077%3F", "i077", None, 1),
        ("?q=I077", "i077", None, 1),
        ("?q=%3Cscript", "i000", Some("i011"), 12),
        ("?metric=exact&at_most=0.5", "i000", Some("i011"), 12),
        ("?metric=exact&at_most=0.5&from=4", "i004", Some("i011"), 8),
        ("?outcome=answered&prompt=plain&model=m&q=&from=110", "i110", Some("i119"), 10),
        ("?from=-1&metric=none&at_most=x", "i000", Some("i049"), 50),
        ("?sort=score.exact", "i000", Some("i049"), 50),
        ("?sort=score.exact&order=down", "i012", Some("i061"), 50),
        ("?sort=score.exact&order=down&from=105", "i117", Some("i011"), 15),
        ("?sort=score.exact&order=down&q=script", "i000", Some("i011"), 12),
        ("?sort=latency&from=100", "i100", Some("i119"), 20),
    ] {
        let page = view.shows(&format!("{path}{query}"));
        let count = page.matches("/sample/").count();
        assert_eq!(count, shown, "{query}: {page}");
        assert!(page.contains(&format!(">{first}</a>")), "{query}: {page}");
        assert!(last.is_none_or(|last| page.contains(&format!(">{last}</a>"))), "{query}: {page}");
        assert!(!page.contains("<script>") && !page.contains("<img"), "{page}");
    }
    for (query, says) in [
        ("?outcome=failed", "No sample of these rows is like that"),
        ("?q=nothing+like+this", "No sample of these rows is like that"),
        ("?from=5000", "This run has 120 samples: there is none at row 5,001."),
        ("?from=5000", "?from=70\" rel=\"prev\""),
        ("?sort=latency&from=5000", "There is no sample at place 5,001 of 120."),
        ("?sort=score.exact&outcome=failed", "No sample is like that."),
        (
            "?sort=score.exact&order=down",
            "Samples 1 to 50 of 120, by the score of `exact`, highest",
        ),
        ("?sort=score.exact&order=down", "aria-sort=\"descending\""),
        ("?sort=words", "Samples cannot be put in order by `words`."),
        ("?metric=none&at_most=1", "This run has no metric `none`: that filter is left out."),
        ("?prompt=%3Cb%3E", "This run has no prompt `&lt;b&gt;`: that filter is left out."),
        ("?outcome=gone", "No sample ends as `gone`: that filter is left out."),
        ("?metric=exact&at_most=x", "`x` is not a number: that filter is left out."),
        ("?at_most=0.5", "Choose the score that is to be at most 0.5."),
        ("?metric=exact", "Shown are the samples that have no score of `exact`."),
        ("?metric=exact", "No sample of these rows is like that"),
    ] {
        let page = view.shows(&format!("{path}{query}"));
        assert!(page.contains(says), "{query}: {page}");
    }
    let page = view.shows(&format!("{path}?q=%22%3E%3Cb%3E"));
    assert!(page.contains("value=\"&quot;&gt;&lt;b&gt;\""), "{page}");
}

#[test]
fn broken_runs_are_shown_and_nothing_outside_is_read() {
    let world = World::new(1);
    runs(&world, 3);
    let folder = |name: &str| world.path("reports/intents").join(name);
    let secret = world.write("secret.json", "{ \"format_version\": \"top secret\" }");
    for name in ["no-record", "cut", "other", "linked", "hostile<b>"] {
        fs::create_dir_all(folder(name)).expect("a folder");
    }
    fs::write(folder("no-record").join("samples.parquet"), "PAR1").expect("written");
    fs::write(folder("cut").join("run.json"), "{ \"format_version\": 2, \"suite\": ")
        .expect("written");
    fs::write(folder("other").join("run.json"), "{ \"format_version\": 99 }").expect("written");
    fs::write(folder("hostile<b>").join("run.json"), "<script>alert(1)</script>").expect("written");
    link(&secret, &folder("linked").join("run.json"));
    // Half of a file, behind an intact record.
    let samples = folder("r1").join("samples.parquet");
    let bytes = fs::read(&samples).expect("bytes");
    fs::write(&samples, &bytes[..bytes.len() / 2]).expect("written");
    fs::remove_file(folder("r2").join("scores.parquet")).expect("removed");
    let view = View::start(&world);
    let list = view.shows("/");
    for word in
        ["no-record", "cut", "other", "linked", "hostile&lt;b&gt;", "lead out of the folder"]
    {
        assert!(list.contains(word), "{word}: {list}");
    }
    assert!(!list.contains("top secret") && !list.contains("<b>"), "{list}");
    for path in [
        "/run/intents/no-record",
        "/run/intents/cut",
        "/run/intents/linked",
        "/run/intents/r1",
        "/run/intents/r1/samples",
        "/run/intents/hostile%3Cb%3E",
        "/compare?baseline=intents/r0&candidate=intents/cut",
        "/suite/intents",
    ] {
        let page = view.shows(path);
        assert!(!page.contains("top secret") && !page.contains("<script>"), "{path}: {page}");
    }
    view.await_text("/compare?baseline=intents/r0&candidate=intents/r2", "warning");
    for path in [
        "/run/intents/..%2f..%2fsecret.json",
        "/run/..%2f..%2f/secret.json",
        "/run/../../secret.json",
        "/../secret.json",
        "/run/intents/cut/samples",
        "/run/intents/linked/samples",
        "/run/intents/r9",
        "/run/intents/r0/sample/x",
        "/suite/none",
        "/suite/%00",
        "/run/intents/%ff",
    ] {
        let page = view.get(path);
        assert!((400..500).contains(&page.status), "{path}: {} {}", page.status, page.body);
        assert!(!page.body.contains("top secret"), "{path}: {}", page.body);
    }
}

#[cfg(unix)]
fn link(target: &Path, at: &Path) {
    std::os::unix::fs::symlink(target, at).expect("a link");
}

#[cfg(windows)]
fn link(target: &Path, at: &Path) {
    std::os::windows::fs::symlink_file(target, at).expect("a link");
}

#[test]
fn a_run_under_way_is_shown_until_it_ends() {
    let world = World::new(60);
    let server =
        Server::start(|seen| Reply::text(answer(item(seen))).after(Duration::from_millis(400)));
    world.suite(&server.url(), "");
    let mut run = world
        .command(&["run", "suite.yaml", "--run-id", "live", "--quiet"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let begun = Instant::now();
    while !world.path("reports/test/live/progress.json").exists() {
        assert!(begun.elapsed() < PATIENCE, "no progress");
        std::thread::yield_now();
    }
    let view = View::start(&world);
    let page = view.await_text("/run/test/live", "of 120 requests");
    assert!(page.contains("<progress") && page.contains("data-live"), "{page}");
    assert!(view.shows("/").contains("running"));
    assert!(run.wait().expect("an end").success());
    let page = view.await_text("/run/test/live", "complete");
    assert!(!page.contains("data-live"), "{page}");
    assert!(!world.path("reports/test/live/progress.json").exists());
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_it_well() {
    let world = World::new(1);
    runs(&world, 1);
    let mut view = View::start(&world);
    view.shows("/");
    // A connection that says nothing must not keep it.
    let _idle = TcpStream::connect(("127.0.0.1", view.port)).expect("a connection");
    let sent = Command::new("kill").args(["-INT", &view.child.id().to_string()]).status();
    assert!(sent.expect("kill").success());
    assert_eq!(view.child.wait().expect("an end").code(), Some(0));
}

#[test]
fn what_cannot_be_shown_is_said() {
    let world = World::new(1);
    runs(&world, 1);
    let ran = world.run(&["view", "nowhere"]).expect(2);
    assert!(ran.stderr.contains("the folder nowhere cannot be shown"), "{}", ran.stderr);
    let view = View::start(&world);
    let ran = world.run(&["view", "reports", "--port", &view.port.to_string()]).expect(2);
    assert!(ran.stderr.contains("cannot be opened"), "{}", ran.stderr);
}

//! `evalmark view`: who is let in, and what the pages show.

use std::{
    collections::HashMap,
    fmt::Write as _,
    fs,
    io::{BufRead, BufReader, Read, Write as _},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use evalmark_loopback::{Reply, Server};

use crate::setup::{World, answer, item};

/// The longest that anything here may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// A viewer of a world's reports.
struct View {
    child: Child,
    port: u16,
    token: String,
}

/// What came back.
struct Page {
    status: u16,
    headers: HashMap<String, String>,
    body: String,
}

impl View {
    fn start(world: &World, more: &[&str]) -> Self {
        let arguments = [&["view", "reports", "--no-open"], more].concat();
        let mut child = world
            .command(&arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("stdout");
        BufReader::new(stdout).read_line(&mut line).expect("an address");
        let rest = line.trim().strip_prefix("http://127.0.0.1:").expect("an address of loopback");
        let (port, token) = rest.split_once("/?token=").expect("a token");
        Self { child, port: port.parse().expect("a port"), token: token.to_owned() }
    }

    /// Sends these lines, and nothing else.
    fn send(&self, lines: &[String]) -> Page {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        let request = format!("{}\r\nConnection: close\r\n\r\n", lines.join("\r\n"));
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer");
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
        let headers = head.lines().skip(1).filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned()));
        Page { status, headers: headers.collect(), body: body.to_owned() }
    }

    fn host(&self) -> String {
        format!("Host: 127.0.0.1:{}", self.port)
    }

    fn cookie(&self) -> String {
        format!("Cookie: other=1; evalmark-{}={}", self.port, self.token)
    }

    /// A page, as the browser that was let in gets it.
    fn get(&self, path: &str) -> Page {
        self.send(&[format!("GET {path} HTTP/1.1"), self.host(), self.cookie()])
    }

    #[track_caller]
    fn shows(&self, path: &str) -> String {
        let page = self.get(path);
        assert_eq!(page.status, 200, "{path}: {}", page.body);
        page.body
    }

    /// Asks again until the page has this text.
    #[track_caller]
    fn await_text(&self, path: &str, text: &str) -> String {
        let begun = Instant::now();
        loop {
            let body = self.shows(path);
            if body.contains(text) {
                return body;
            }
            assert!(begun.elapsed() < PATIENCE, "{path} has no {text}: {body}");
        }
    }
}

impl Drop for View {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Runs of a suite whose answers the dataset holds: in each, one more in twenty is wrong.
fn runs(world: &World, n_runs: usize) {
    for run in 0..n_runs {
        let mut data = "id,question,label,answer\n".to_owned();
        for i in 0..120 {
            let answer = if i < 6 * run { "no <script>alert(1)</script>" } else { "yes" };
            writeln!(data, "i{i:03},\"<img src=x> What is {i}?\",yes,{answer}").expect("written");
        }
        world.write("data.csv", &data);
        world.write(
            "suite.yaml",
            "\
name: intents
dataset: { path: data.csv, id: id, target: label, ignore: [answer] }
prompts: [{ name: plain, template: '{{ question }}' }]
models: [{ name: m, provider: recorded, recorded: { column: answer } }]
metrics: [{ name: exact, exact: {} }]
",
        );
        world.run(&["run", "suite.yaml", "--run-id", &format!("r{run}")]).expect(0);
    }
}

#[test]
fn only_who_has_the_token_and_asks_this_machine_is_let_in() {
    let world = World::new(1);
    runs(&world, 1);
    let view = View::start(&world, &[]);
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
    let view = View::start(&world, &[]);
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
    let view = View::start(&world, &[]);
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
    assert_eq!(view.get("/run/intents/r3/sample/120").status, 404);
    for page in [list, history, run, compared, sample] {
        assert!(!page.contains("<script>") && !page.contains("<img"), "{page}");
    }
}

#[test]
fn samples_are_paged_searched_and_filtered() {
    let world = World::new(1);
    runs(&world, 3);
    let view = View::start(&world, &[]);
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
    ] {
        let page = view.shows(&format!("{path}{query}"));
        let count = page.matches("/sample/").count();
        assert_eq!(count, shown, "{query}: {page}");
        assert!(page.contains(&format!(">{first}</a>")), "{query}: {page}");
        assert!(last.is_none_or(|last| page.contains(&format!(">{last}</a>"))), "{query}: {page}");
        assert!(!page.contains("<script>") && !page.contains("<img"), "{page}");
    }
    for query in ["?outcome=failed", "?prompt=other", "?q=nothing+like+this", "?from=5000"] {
        let page = view.shows(&format!("{path}{query}"));
        assert!(page.contains("No sample of these rows is like that"), "{query}: {page}");
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
    let view = View::start(&world, &[]);
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
    let view = View::start(&world, &[]);
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
    let mut view = View::start(&world, &[]);
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
    let view = View::start(&world, &[]);
    let ran = world.run(&["view", "reports", "--port", &view.port.to_string()]).expect(2);
    assert!(ran.stderr.contains("cannot be opened"), "{}", ran.stderr);
}

//! `evalmark view` as a browser that was let in sees it, and runs for it to show.

use std::{
    collections::HashMap,
    fmt::Write as _,
    fs::{self, File},
    io::{BufRead, BufReader, Read, Write as _},
    net::TcpStream,
    path::PathBuf,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use crate::setup::World;

/// The longest that anything here may take.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A viewer of a world's reports.
pub(crate) struct View {
    pub(crate) child: Child,
    pub(crate) port: u16,
    pub(crate) token: String,
    /// Where stderr goes.
    stderr: PathBuf,
}

/// What came back.
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: String,
}

impl View {
    pub(crate) fn start(world: &World) -> Self {
        Self::of(world, "reports")
    }

    /// A viewer of another folder.
    pub(crate) fn of(world: &World, folder: &str) -> Self {
        let stderr = world.path("stderr-of-view");
        let mut child = world
            .command(&["view", folder, "--no-open"])
            .stdout(Stdio::piped())
            .stderr(File::create(&stderr).expect("a file"))
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("stdout");
        BufReader::new(stdout).read_line(&mut line).expect("an address");
        let rest = line.trim().strip_prefix("http://127.0.0.1:").expect("an address of loopback");
        let (port, token) = rest.split_once("/?token=").expect("a token");
        Self { child, port: port.parse().expect("a port"), token: token.to_owned(), stderr }
    }

    /// What it told on stderr.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(&self.stderr).expect("what was told")
    }

    /// Sends these lines, and nothing else.
    pub(crate) fn send(&self, lines: &[String]) -> Page {
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

    pub(crate) fn host(&self) -> String {
        format!("Host: 127.0.0.1:{}", self.port)
    }

    pub(crate) fn cookie(&self) -> String {
        format!("Cookie: other=1; evalmark-{}={}", self.port, self.token)
    }

    /// A page, as the browser that was let in gets it.
    pub(crate) fn get(&self, path: &str) -> Page {
        self.send(&[format!("GET {path} HTTP/1.1"), self.host(), self.cookie()])
    }

    #[track_caller]
    pub(crate) fn shows(&self, path: &str) -> String {
        let page = self.get(path);
        assert_eq!(page.status, 200, "{path}: {}", page.body);
        page.body
    }

    /// Asks again until the page has this text.
    #[track_caller]
    pub(crate) fn await_text(&self, path: &str, text: &str) -> String {
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
pub(crate) fn runs(world: &World, n_runs: usize) {
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

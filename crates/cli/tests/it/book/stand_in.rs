//! A stand-in for the models that pages ask: it sorts support messages by the words in them, and grades
//! replies by what they promise. Suites in a page's folder are sent to it instead of to a provider. It plays a reader's own
//! application, too, which takes a question and gives an answer.

use std::{fs, path::Path};

use evalmark_loopback::{Reply, Seen, Server};
use serde_json::json;

use crate::setup::scrambled;

/// The topics with words that speak for them, the plainest first.
const TOPICS: [(&str, &str); 3] = [
    ("login", "password sign log code account access locked authenticator"),
    ("delivery", "parcel deliver package courier arrive box driver van order ship post"),
    ("money", "charge refund price invoice pay card receipt tax discount bill"),
];

/// The topic that most of its words speak for, of as many words as the model knows.
fn topic(message: &str, n_words: usize) -> &'static str {
    let message = message.to_lowercase();
    let hits =
        |words: &str| words.split(' ').take(n_words).filter(|word| message.contains(word)).count();
    let best = TOPICS.iter().max_by_key(|(_, words)| hits(words));
    best.map_or("money", |(topic, _)| topic)
}

/// Answers as a small model would: with a label where the prompt lists the labels, and in its own words where
/// it does not.
fn answer(seen: &Seen) -> Reply {
    if seen.path.starts_with("/chat") {
        let question = seen.json()["question"].as_str().unwrap_or_default().to_owned();
        let text = topic(&question, 20);
        let usage = json!({ "input_tokens": 40, "output_tokens": 2 });
        let answer = json!({ "text": text });
        return Reply::json(&json!({ "answer": answer, "usage": usage, "cost_usd": 0.0001 }));
    }
    let prompt = seen.prompt();
    let message = prompt.rsplit("essage: ").next().unwrap_or_default();
    let message = message.lines().next().unwrap_or_default();
    if prompt.contains("<<<evalmark-fence") {
        let is_kind = prompt.to_lowercase().contains("sorry");
        return Reply::text(
            json!({ "reason": "…", "grade": if is_kind { 5 } else { 3 } }).to_string(),
        );
    }
    let coin = scrambled(message.bytes().map(u64::from).sum());
    let lists = ["money", "delivery", "login"].iter().all(|label| prompt.contains(label));
    // What the topics mean helps.
    let label = topic(message, if prompt.contains("refunds") { 20 } else { 4 });
    let text = match (lists, coin % 10) {
        (true, 0) => format!("The topic is {label}."),
        (true, _) | (false, 0..4) => label.to_owned(),
        (false, _) => "a question about an order".to_owned(),
    };
    Reply::text(text)
}

pub(super) fn start() -> Server {
    Server::start(answer)
}

/// Where pages have an application of the reader's own.
const APPLICATION: &str = "http://127.0.0.1:3000";

/// Gives every suite below a folder that names a provider the stand-in's address.
pub(super) fn redirect(folder: &Path, url: &str) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        if path.is_dir() && !name.starts_with('.') && name != "reports" && name != "cache" {
            redirect(&path, url);
        } else if path.extension().is_some_and(|ending| ending == "yaml") {
            let text = fs::read_to_string(&path).expect("a file");
            let text = text.replace(APPLICATION, url.trim_end_matches("/v1"));
            let redirected: Vec<_> = text.lines().map(|line| redirected(line, url)).collect();
            let redirected = redirected.join("\n") + "\n";
            let redirected = if text.contains("base_url:") { text } else { redirected };
            fs::write(&path, redirected).expect("written");
        }
    }
}

fn redirected(line: &str, url: &str) -> String {
    let Some((before, rest)) = line.split_once("provider: ") else { return line.to_owned() };
    let name: String = rest.chars().take_while(char::is_ascii_alphanumeric).collect();
    if ["recorded", "http", "command"].contains(&name.as_str())
        || line.trim_start().starts_with('#')
    {
        return line.to_owned();
    }
    let rest = &rest[name.len()..];
    if before.contains('{') {
        return format!("{before}provider: openai, base_url: '{url}'{rest}");
    }
    let indent = before.replace('-', " ");
    format!("{before}provider: openai{rest}\n{indent}base_url: '{url}'")
}

//! Every link within the repository leads somewhere: to a file, an anchor, a picture; and every page of the
//! book is in its list.

use std::{collections::BTreeSet, fs, path::Path};

use super::pages::{Page, all, book, is_markdown};
use crate::setup::root;

/// The targets of a page's links and pictures.
fn targets(page: &Page) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (n, line) in page.prose() {
        // Code within a line holds no links.
        let text: String = line.split('`').step_by(2).collect();
        let inline = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let sources = text.split("src=\"").skip(1).filter_map(|rest| rest.split('"').next());
        found.extend(inline.chain(sources).map(|target| (n, target.to_owned())));
    }
    found
}

/// A path without `.` and `..`.
fn normal(path: &Path) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.to_str().expect("UTF-8").split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[test]
fn every_link_leads_somewhere() {
    let others = [
        "CHANGELOG.md",
        "crates/verdict/README.md",
        "crates/scoring/METRICS.md",
        "docs/src/SUMMARY.md",
    ];
    let pages: Vec<_> =
        all().into_iter().chain(others.map(Page::read)).map(|page| page.expanded()).collect();
    let (mut n, mut wrong) = (0, Vec::new());
    for page in &pages {
        for (line, target) in targets(page) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            n += 1;
            let (file, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let name =
                if file.is_empty() { page.name.clone() } else { normal(&page.folder().join(file)) };
            let told = format!("{}:{line}: {target}", page.name);
            // The book is built from its own folder alone.
            let leaves = page.name.starts_with("docs/src") && !name.starts_with("docs/src/");
            if !root().join(&name).exists() || leaves {
                wrong.push(told);
            } else if !anchor.is_empty() && is_markdown(&name) {
                let known = pages.iter().find(|page| page.name == name);
                let anchors = known.map_or_else(|| Page::read(&name).anchors(), Page::anchors);
                if !anchors.contains(anchor) {
                    wrong.push(told);
                }
            }
        }
    }
    assert!(wrong.is_empty(), "links that lead nowhere:\n{}", wrong.join("\n"));
    assert!(n > 100, "{n} links");
}

#[test]
fn every_page_is_in_the_list() {
    let summary = Page::read("docs/src/SUMMARY.md");
    let listed: Vec<_> =
        targets(&summary).into_iter().map(|(_, target)| format!("docs/src/{target}")).collect();
    let unique: BTreeSet<_> = listed.iter().cloned().collect();
    assert_eq!(listed.len(), unique.len(), "a page is listed twice");
    let pages: BTreeSet<_> = book().into_iter().map(|page| page.name).collect();
    assert_eq!(unique, pages, "SUMMARY.md lists every page");
}

/// A picture is used, has a text for those who do not see it, and is small.
#[test]
fn pictures_are_described_and_small() {
    let (mut used, mut bytes) = (BTreeSet::new(), 0);
    for page in all() {
        for (n, line) in page.prose() {
            for picture in line.split("![").skip(1) {
                let (alt, rest) = picture.split_once("](").expect("a picture");
                assert!(alt.len() > 30, "{}:{n}: say what the picture shows", page.name);
                let file = rest.split(')').next().expect("its file");
                used.insert(normal(&page.folder().join(file)));
            }
        }
    }
    let folder = root().join("docs/src/screenshots");
    for entry in fs::read_dir(folder).expect("pictures") {
        let entry = entry.expect("an entry");
        let name = format!("docs/src/screenshots/{}", entry.file_name().to_string_lossy());
        assert!(used.contains(&name), "{name} is not shown");
        bytes += entry.metadata().expect("its size").len();
    }
    assert!(used.len() >= 4 && bytes < 300_000, "{used:?}: {bytes} bytes");
}

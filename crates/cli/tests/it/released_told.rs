//! Who is told of releases: those of `evalmark.yaml` who hear of them, once each.

use std::fs;

use evalmark_loopback::{Reply, Seen, Server};
use serde_json::Value;

use crate::{
    notified::settled,
    releases::{gated, propose, released, told, world},
    setup::World,
};

/// What a project says, with servers on this machine.
fn project(world: &World, server: &Server) {
    let place = server.url().trim_end_matches("/v1").to_owned();
    world.write(
        "evalmark.yaml",
        &format!(
            "\
notify:
  - webhook: {{ url_env: HOOK }}
    on: [released]
export:
  - google_analytics: {{ measurement_id: G-AB12, url: {place} }}
  - mixpanel: {{ token_env: MIXPANEL_TOKEN, url: {place} }}
  - loki: {{ url: {place} }}
  - pushgateway: {{ url: {place} }}
"
        ),
    );
}

fn run(world: &World, arguments: &[&str], server: &Server) -> crate::setup::Ran {
    let place = server.url().trim_end_matches("/v1").to_owned();
    let hook = format!("{place}/hook-canary");
    let bare = place.trim_start_matches("http://").to_owned();
    let grants = ["HOOK", "GA_API_SECRET", "MIXPANEL_TOKEN"].map(|name| format!("{name}@{bare}"));
    let variables = [
        ("HOOK", &*hook),
        ("GA_API_SECRET", "ga-canary"),
        ("MIXPANEL_TOKEN", "mp-canary"),
        ("EVALMARK_ALLOW_KEY", &*grants.join(",")),
    ];
    world.run_in(arguments, &variables)
}

fn sent_to<'a>(seen: &'a [Seen], begin: &str) -> Vec<&'a Seen> {
    seen.iter().filter(|one| one.path.starts_with(begin)).collect()
}

#[test]
fn a_release_is_told_once_to_those_who_hear_of_it() {
    let world = world();
    let server = Server::start(|_| Reply::json(&serde_json::json!({})));
    let proof = gated(&world, "r1");
    propose(&world, "staging", &proof).expect(0);
    project(&world, &server);
    let promote = ["release", "promote", "support/intent", "--to", "staging"];
    let ran = run(&world, &promote, &server).expect(0);
    settled(&world);
    assert!(told(&ran).contains("told `webhook`"), "{ran:?}");
    let seen = server.requests();
    let hooks: Vec<Value> = sent_to(&seen, "/hook-canary").iter().map(|one| one.json()).collect();
    assert_eq!(hooks.len(), 1, "{ran:?}");
    assert_eq!(hooks[0]["type"], "io.evalmark.prompts.released");
    assert_eq!(hooks[0]["data"]["release"]["environment"], "staging");
    assert_eq!(hooks[0]["data"]["release"]["prompts"][0]["name"], "support/intent");
    assert_eq!(sent_to(&seen, "/mp/collect").len(), 1);
    assert_eq!(sent_to(&seen, "/import").len(), 1);
    assert_eq!(sent_to(&seen, "/loki/").len(), 1);
    // A gateway of figures hears of runs alone.
    assert_eq!(sent_to(&seen, "/metrics").len(), 0);
    let hash = sent_to(&seen, "/import")[0].json()[0]["properties"]["prompt_hash"].clone();
    let state = world.json("releases/staging.json");
    assert_eq!(hash, state["prompts"]["support/intent"]["hash"], "{state}");
    let before = seen.len();
    // The way back is a release of its own.
    let ran = run(&world, &["release", "rollback", "staging", "--to", "0"], &server).expect(0);
    settled(&world);
    assert!(told(&ran).contains("told `webhook`"), "{ran:?}");
    let seen = server.requests().split_off(before);
    let events = sent_to(&seen, "/import");
    assert_eq!(events[0].json()[0]["event"], "prompt_rolled_back");
    assert_eq!(events[0].json()[0]["properties"]["previous_prompt_hash"], hash);
    // No run is told to them, and no secret is in a file.
    let after = server.count();
    run(&world, &["export", "reports/labels/r1", "--to", "mixpanel"], &server);
    assert_eq!(server.count(), after);
    for entry in fs::read_dir(world.path("reports/outbox/sent")).expect("a folder").flatten() {
        let text = fs::read_to_string(entry.path()).expect("a file");
        assert!(!text.contains("canary"), "{text}");
    }
}

#[test]
fn a_release_stands_whatever_becomes_of_its_receivers() {
    let world = released();
    let server = Server::start(|_| Reply::status(500));
    project(&world, &server);
    let ran = run(&world, &["release", "rollback", "staging", "--to", "0"], &server).expect(0);
    assert!(told(&ran).contains("is not told yet"), "{ran:?}");
}

#[test]
fn what_no_receiver_may_have_is_told_before_a_release() {
    let world = released();
    world.write(
        "evalmark.yaml",
        "export: [{ mixpanel: { token_env: MIXPANEL_TOKEN, url: 'http://127.0.0.1:9' } }]\n",
    );
    let variables = [("MIXPANEL_TOKEN", "mp-canary")];
    let back = ["release", "rollback", "staging", "--to", "0"];
    let ran = world.run_in(&back, &variables).expect(2);
    assert!(told(&ran).contains("--allow-key MIXPANEL_TOKEN@127.0.0.1:9"), "{ran:?}");
    world.write(
        "evalmark.yaml",
        "export: [{ mixpanel: { token_env: MIXPANEL_TOKEN }, on: [regressed] }]\n",
    );
    let ran = world.run_in(&back, &variables).expect(2);
    let says = "`mixpanel` is told of releases alone";
    assert!(told(&ran).contains(says), "{ran:?}");
    world.write(
        "evalmark.yaml",
        "export: [{ pushgateway: { url: 'http://127.0.0.1:9' }, on: [released] }]\n",
    );
    let ran = world.run_in(&back, &variables).expect(2);
    assert!(told(&ran).contains("`pushgateway` cannot be told of releases"), "{ran:?}");
    world.write("evalmark.yaml", "");
    world.run_in(&back, &variables).expect(0);
}

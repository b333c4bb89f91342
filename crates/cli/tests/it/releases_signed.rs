//! Releases that are signed and approved, and what is told where somebody else signed, or nobody.

use std::{fs, path::Path};

use serde_json::Value;

use crate::{
    releases::{gated, propose, told, world},
    setup::{Ran, World, root},
};

const POLICY: &str = "\
releases:
  environments:
    staging: {}
    production:
      after: staging
      released_by: [ada@example.com]
      approvals: { count: 2, by: [ada@example.com, grace@example.com] }
";

/// Ada's and Grace's keys, and one of a stranger.
const ADA: &str = "ssh-ed25519";
pub(crate) const GRACE: &str = "ssh-ecdsa";
const STRANGER: &str = "p256.pem";

/// The prompt, a run of it, and who may sign.
pub(crate) fn signed_world() -> (World, String) {
    let world = world();
    world.write("policy.yaml", POLICY);
    let keys = root().join("crates/store/tests/keys");
    let public = |name: &str| fs::read_to_string(keys.join(name)).expect("a key");
    fs::create_dir(world.path("keys")).expect("a folder");
    for name in [ADA, GRACE, STRANGER] {
        let to = world.path("keys").join(name);
        fs::copy(keys.join(name), &to).expect("copied");
        restrict(&to);
    }
    fs::create_dir(world.path("releases")).expect("a folder");
    let signers = format!(
        "ada@example.com {}grace@example.com {}",
        public("ssh-ed25519.pub"),
        public("ssh-ecdsa.pub")
    );
    world.write("releases/allowed_signers", &signers);
    let run = gated(&world, "r1");
    (world, run)
}

fn restrict(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("restricted");
    }
    #[cfg(not(unix))]
    let _ = path;
}

pub(crate) fn with_key(world: &World, command: &str, environment: &str, key: &str) -> Ran {
    let key = format!("keys/{key}");
    world.run(&["release", command, "support/intent", "--to", environment, "--key", &key])
}

#[test]
fn releases_are_signed_and_approved() {
    let (world, run) = signed_world();
    propose(&world, "staging", &run).expect(0);
    let said =
        told(&world.run(&["release", "promote", "support/intent", "--to", "staging"]).expect(4));
    assert!(said.contains("signature: it is not signed"), "{said}");
    let said = told(&with_key(&world, "promote", "staging", STRANGER).expect(2));
    assert!(said.contains("is none of those in releases/allowed_signers"), "{said}");
    let said = told(&with_key(&world, "promote", "staging", GRACE).expect(0));
    assert!(said.contains("as release 1, signed by grace@example.com"), "{said}");
    propose(&world, "production", &run).expect(0);
    let said = told(&with_key(&world, "promote", "production", GRACE).expect(4));
    assert!(said.contains("2 rules are not met"), "{said}");
    assert!(said.contains("approvals: 0 of 2 approvals are there"), "{said}");
    assert!(said.contains("signature: grace@example.com may not sign releases"), "{said}");
    let said = told(&with_key(&world, "approve", "production", ADA).expect(0));
    assert!(said.contains("ada@example.com approved support/intent"), "{said}");
    // Twice is once.
    with_key(&world, "approve", "production", ADA).expect(0);
    let said = told(&with_key(&world, "promote", "production", ADA).expect(4));
    assert!(said.contains("1 of 2 approvals are there, by ada@example.com"), "{said}");
    with_key(&world, "approve", "production", GRACE).expect(0);
    let said = told(&with_key(&world, "promote", "production", ADA).expect(0));
    assert!(said.contains("approved by ada@example.com and grace@example.com"), "{said}");
    world.run(&["release", "verify"]).expect(0);
    let said = told(&world.run(&["release", "rollback", "production"]).expect(2));
    assert!(said.contains("going back in `production` has to be signed"), "{said}");
    let back = |key: &str| world.run(&["release", "rollback", "production", "--key", key]);
    let said = told(&back("keys/ssh-ecdsa").expect(2));
    assert!(said.contains("grace@example.com may not sign releases to `production`"), "{said}");
    back("keys/ssh-ed25519").expect(0);
    world.run(&["release", "verify"]).expect(0);
}

/// A release to staging that Grace signed.
fn released_by_grace() -> World {
    let (world, run) = signed_world();
    propose(&world, "staging", &run).expect(0);
    with_key(&world, "promote", "staging", GRACE).expect(0);
    world
}

fn verify_fails(world: &World, expected: &str) {
    let said = told(&world.run(&["release", "verify"]).expect(4));
    assert!(said.contains(expected), "{expected}\n{said}");
}

#[test]
fn what_nobody_signed_is_named() {
    let world = released_by_grace();
    let path = "releases/staging/000001.json";
    let file = world.json(path);
    let write = |file: &Value| drop(world.write(path, &file.to_string()));
    let mut other = file.clone();
    other["record"]["released_by"] = "Somebody else".into();
    write(&other);
    verify_fails(
        &world,
        "releases/staging/000001.json was altered: its statement is about another",
    );
    let mut unsigned = file.clone();
    unsigned.as_object_mut().expect("a file").remove("statement");
    write(&unsigned);
    verify_fails(&world, "is not signed, and the policy asks for that");
    let mut damaged = file;
    damaged["statement"]["signatures"][0]["sig"] = "AAAA".into();
    write(&damaged);
    verify_fails(&world, "the signature of grace@example.com is wrong");
    let world = released_by_grace();
    world.write("releases/allowed_signers", "");
    verify_fails(&world, "has a statement that does not count");
}

#[test]
fn an_approval_is_of_one_proposal() {
    let (world, run) = signed_world();
    propose(&world, "staging", &run).expect(0);
    with_key(&world, "promote", "staging", ADA).expect(0);
    propose(&world, "production", &run).expect(0);
    with_key(&world, "approve", "production", ADA).expect(0);
    with_key(&world, "approve", "production", GRACE).expect(0);
    let folder = world.path("releases/proposals/production");
    let named = |is_approval: bool| {
        let entries =
            fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry"));
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        let mut names: Vec<_> =
            names.filter(|name| (name.matches('.').count() == 2) == is_approval).collect();
        names.sort();
        names
    };
    let approvals: Vec<_> = named(true)
        .iter()
        .map(|name| {
            (
                name.split_once('.').expect("a key").1.to_owned(),
                fs::read(folder.join(name)).expect("read"),
            )
        })
        .collect();
    assert_eq!(approvals.len(), 2);
    // The proposal changes, and the approvals of the earlier one are put beside it.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    propose(&world, "production", &run).expect(0);
    assert_eq!(named(true), Vec::<String>::new(), "another proposal has no approvals");
    let id = named(false)[0].strip_suffix(".json").expect("a proposal").to_owned();
    for (key, bytes) in approvals {
        fs::write(folder.join(format!("{id}.{key}")), bytes).expect("written");
    }
    let said = told(&with_key(&world, "promote", "production", ADA).expect(4));
    assert!(
        said.contains("0 of 2 approvals are there; one does not count: it approves something else"),
        "{said}"
    );
}

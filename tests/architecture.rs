//! Imports point inwards: what decides knows nothing of what acts, and the adapters know nothing of each other.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::{collections::BTreeSet, fs, path::Path};

use syn::{
    ItemUse, UseTree,
    visit::{self, Visit},
};

/// What each module of the operator may name of the others. The core is a crate of its own, which the compiler keeps apart.
const MAY_USE: &[(&str, &[&str])] = &[
    ("text", &[]),
    ("api", &["text"]),
    ("aws", &["api", "text"]),
    ("kubernetes", &[]),
    ("signals", &["api", "aws", "kubernetes"]),
    ("targets", &["api", "aws", "kubernetes"]),
    ("databases", &["api", "text"]),
    ("ledger", &["api"]),
    ("telemetry", &["api"]),
    ("record", &["api"]),
    (
        "controller",
        &["api", "aws", "kubernetes", "signals", "targets", "databases", "ledger", "telemetry", "record", "text"],
    ),
    (
        "cli",
        &[
            "api",
            "aws",
            "kubernetes",
            "signals",
            "targets",
            "databases",
            "ledger",
            "telemetry",
            "record",
            "controller",
            "text",
        ],
    ),
];

const SRC: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src");

#[test]
fn modules_use_only_what_they_may() {
    let mut breaches = Vec::new();
    for (module, allowed) in MAY_USE {
        for file in files(module) {
            let path = file.strip_prefix(SRC).unwrap().display().to_string();
            breaches.extend(breaches_in(&path, &fs::read_to_string(&file).unwrap(), module, allowed));
        }
    }
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}

#[test]
fn every_module_has_its_line() {
    let known: BTreeSet<String> = MAY_USE.iter().map(|(module, _)| (*module).to_owned()).collect();
    let found: BTreeSet<String> = fs::read_dir(SRC)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .filter(|name| !matches!(name.as_str(), "lib" | "main"))
        .collect();
    assert_eq!(found, known);
}

#[test]
fn a_breach_is_found_however_it_is_written() {
    let cases = [
        ("use crate::controller;", "controller"),
        ("use crate::controller::run;", "controller"),
        ("use crate::{api::HybridScaler, controller::{run, Error as E}};", "controller"),
        ("use crate::controller as c;", "controller"),
        ("pub use crate::cli::*;", "cli"),
        ("fn f() { crate::controller::run() }", "controller"),
        ("fn f() -> crate::targets::Target { todo() }", "targets"),
        ("impl crate::ledger::Store for X {}", "ledger"),
        ("mod inner { use crate::databases::Postgres; }", "databases"),
        ("#[cfg(test)] mod tests { use crate::telemetry::metrics; }", "telemetry"),
    ];
    for (source, expected) in cases {
        let found = breaches_in("signals/sqs.rs", source, "signals", &["api", "aws"]);
        assert_eq!(found, [format!("signals/sqs.rs names crate::{expected}")], "{source}");
    }
}

#[test]
fn what_is_allowed_is_no_breach() {
    for source in [
        "use crate::api::HybridScaler;",
        "use crate::signals::Source;",
        "fn f() { crate::aws::client() }",
        "use std::fs;",
    ] {
        assert_eq!(breaches_in("signals/sqs.rs", source, "signals", &["api", "aws"]), Vec::<String>::new(), "{source}");
    }
}

/// `module.rs` and everything in `module/`.
fn files(module: &str) -> Vec<std::path::PathBuf> {
    fn below(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                below(&path, found);
            } else {
                found.push(path);
            }
        }
    }
    let mut found = vec![Path::new(SRC).join(format!("{module}.rs"))];
    below(&Path::new(SRC).join(module), &mut found);
    found.retain(|file| file.extension().is_some_and(|extension| extension == "rs"));
    found
}

fn breaches_in(path: &str, source: &str, module: &str, allowed: &[&str]) -> Vec<String> {
    let mut named = Named::default();
    named.visit_file(&syn::parse_file(source).unwrap_or_else(|error| panic!("{path}: {error}")));
    let known = |name: &&String| MAY_USE.iter().any(|(known, _)| known == name);
    let outside = |name: &&String| name.as_str() != module && !allowed.contains(&name.as_str());
    named.0.iter().filter(known).filter(outside).map(|name| format!("{path} names crate::{name}")).collect()
}

/// The modules that a file names, by `use crate::x` or by a path `crate::x::y`.
#[derive(Default)]
struct Named(BTreeSet<String>);

impl Visit<'_> for Named {
    fn visit_item_use(&mut self, item: &ItemUse) {
        if let UseTree::Path(path) = &item.tree
            && path.ident == "crate"
        {
            self.0.extend(roots(&path.tree));
        }
        visit::visit_item_use(self, item);
    }

    fn visit_path(&mut self, path: &syn::Path) {
        let mut segments = path.segments.iter();
        if let (Some(first), Some(second)) = (segments.next(), segments.next())
            && first.ident == "crate"
        {
            self.0.insert(second.ident.to_string());
        }
        visit::visit_path(self, path);
    }
}

/// The first names of a tree of imports.
fn roots(tree: &UseTree) -> Vec<String> {
    match tree {
        UseTree::Path(path) => vec![path.ident.to_string()],
        UseTree::Name(name) => vec![name.ident.to_string()],
        UseTree::Rename(rename) => vec![rename.ident.to_string()],
        UseTree::Group(group) => group.items.iter().flat_map(roots).collect(),
        // Everything of the crate: as good as naming each module.
        UseTree::Glob(_) => MAY_USE.iter().map(|(module, _)| (*module).to_owned()).collect(),
    }
}

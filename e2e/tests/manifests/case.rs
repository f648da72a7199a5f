//! The table.

use std::{collections::BTreeMap, fs, path::Path};

use serde::Deserialize;
use serde_json::Value;

use crate::client::{Client, renamed};

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/manifests/cases");
const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples");

/// One manifest and what becomes of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    /// What it shows, in words.
    #[serde(rename = "case")]
    pub(crate) shows: String,
    /// The manifest that is changed.
    base: String,
    /// A JSON merge patch: `null` takes a field away.
    change: Value,
    /// How it is sent.
    #[serde(default)]
    pub(crate) client: Client,
    /// What the answer holds; nothing: it is accepted.
    pub(crate) refused: Option<String>,
}

impl Case {
    pub(crate) fn manifest(&self) -> Value {
        let mut manifest =
            bases().remove(&self.base).unwrap_or_else(|| panic!("{}: no base {}", self.shows, self.base));
        merge(&mut manifest, &self.change);
        manifest
    }

    /// The manifest as the server gets it, and what it has under that name already.
    pub(crate) fn sent(&self) -> (Value, Option<Value>) {
        match self.client {
            Client::Create => (renamed(&self.manifest()), None),
            _ => (self.manifest(), bases().remove(&self.base)),
        }
    }
}

/// The manifests that cases change, by name.
pub(crate) fn bases() -> BTreeMap<String, Value> {
    read(&Path::new(CASES).join("bases.yaml"))
}

/// Every case of every file but the bases.
pub(crate) fn cases() -> Vec<Case> {
    let mut files: Vec<_> = fs::read_dir(CASES).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files.iter().filter(|file| !file.ends_with("bases.yaml")).flat_map(|file| read::<Vec<Case>>(file)).collect()
}

/// Every Kubernetes object in `examples/`, moved to `namespace`, with the file it stands in.
pub(crate) fn examples(namespace: &str) -> Vec<(String, Value)> {
    let folders = fs::read_dir(EXAMPLES).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let files = folders.flat_map(|folder| fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()));
    let mut objects = Vec::new();
    for file in files.filter(|file| file.extension().is_some_and(|extension| extension == "yaml")) {
        let documents: Vec<Value> = serde_saphyr::from_multiple(&fs::read_to_string(&file).unwrap()).unwrap();
        // Values of the chart stand beside the manifests; they have no kind.
        for mut object in documents.into_iter().filter(|document| document.get("kind").is_some()) {
            object["metadata"]["namespace"] = namespace.into();
            objects.push((file.display().to_string(), object));
        }
    }
    assert!(objects.len() >= 5, "of {EXAMPLES} only {objects:?} were found");
    objects
}

fn read<T: for<'de> Deserialize<'de>>(file: &Path) -> T {
    serde_saphyr::from_str(&fs::read_to_string(file).unwrap())
        .unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// RFC 7386.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let fields = target.as_object_mut().unwrap();
    for (name, change) in changes {
        if change.is_null() {
            fields.remove(name);
        } else {
            merge(fields.entry(name).or_insert(Value::Null), change);
        }
    }
}

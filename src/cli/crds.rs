//! `hybridscaler crds`: the `CustomResourceDefinition` of each kind, from the same types that the operator reads objects with.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use anyhow::Context;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::{Number, Value};

use crate::api::crds;

/// First line of each file.
const HEADER: &str = "# Generated from src/api by `hybridscaler crds --dir crds`: change it there.\n";

#[derive(clap::Args)]
pub(super) struct Args {
    /// Write one file for each kind into this folder instead of printing them.
    #[arg(long)]
    dir: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    for crd in crds::all() {
        let text = format!("{HEADER}{}", yaml(&crd)?);
        match &args.dir {
            Some(dir) => {
                let path = dir.join(format!("{}.yaml", crd.spec.names.plural));
                std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
            }
            None => write!(io::stdout(), "---\n{text}")?,
        }
    }
    Ok(())
}

fn yaml(crd: &CustomResourceDefinition) -> anyhow::Result<String> {
    let mut value = serde_json::to_value(crd)?;
    write_whole_numbers_whole(&mut value);
    let options = serde_saphyr::ser_options! { folded_wrap_chars: 120 };
    Ok(serde_saphyr::to_string_with_options(&value, options)?)
}

/// The library holds every bound as a float; a reader expects `maximum: 50`, not `50.0`.
fn write_whole_numbers_whole(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(write_whole_numbers_whole),
        Value::Object(fields) => fields.values_mut().for_each(write_whole_numbers_whole),
        Value::Number(number) => {
            if let Some(whole) = number.as_f64().and_then(whole) {
                *number = Number::from(whole);
            }
        }
        _ => {}
    }
}

fn whole(float: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "whole and far below 2^53, as checked here")]
    (float.fract() == 0.0 && float.abs() < 1e15).then_some(float as i64)
}

//! Two of what there may be one of: objects of one name, scalers of one target.

use kube::ResourceExt;

use crate::{
    api::HybridScaler,
    cli::manifest::{Finding, Found, Manifests},
    controller::target_id::TargetId,
};

/// Objects that are written twice, and targets that two scalers scale; told at the later one.
pub(super) fn check(manifests: &Manifests) -> Vec<Finding> {
    let Manifests { scalers, budgets, .. } = manifests;
    let mut findings = twice(scalers);
    findings.extend(twice(budgets));
    findings.extend(later_ones(scalers, |one, two| {
        let same = target(one)?.is(&target(two)?) && one.path() != two.path();
        same.then(|| {
            let name = two.object.spec.target_ref.target().map(|target| target.to_string()).unwrap_or_default();
            let message = format!("{name} is scaled by HybridScaler {} too, at {}", one.path(), line(one));
            two.error("spec.targetRef", message, "let one HybridScaler scale it, with the triggers of both")
        })
    }));
    findings
}

fn target(scaler: &Found<HybridScaler>) -> Option<TargetId> {
    let target = scaler.object.spec.target_ref.target().ok()?;
    Some(TargetId::of(target, &scaler.namespace()))
}

/// Objects that have the name of one before them. Those that the server names have none yet.
fn twice<T: ResourceExt>(objects: &[Found<T>]) -> Vec<Finding> {
    later_ones(objects, |one, two| {
        let same = two.object.meta().name.is_some() && one.path() == two.path();
        same.then(|| {
            let message = format!("{} is written twice: first at {}", two.path(), line(one));
            two.error("metadata.name", message, "give one of them another name, or leave it out")
        })
    })
}

/// What is wrong with each object because of one before it, the first of them.
fn later_ones<T>(objects: &[Found<T>], wrong: impl Fn(&Found<T>, &Found<T>) -> Option<Finding>) -> Vec<Finding> {
    let of_earlier = |(at, two)| objects.iter().take(at).find_map(|one| wrong(one, two));
    objects.iter().enumerate().filter_map(of_earlier).collect()
}

/// `FILE:LINE` of an object.
fn line<T>(found: &Found<T>) -> String {
    let place = found.place("metadata.name");
    format!("{}:{}", place.source.name, place.line())
}

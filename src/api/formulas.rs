//! The formulas of a scaler, compiled, and the readings that its triggers are decided by.

use std::collections::BTreeMap;

use hybridscaler_core::{
    observation::Workload,
    policy::Policy,
    reading::{Reading, Unknown},
};
use hybridscaler_formula::{Field, Formula, FormulaError, Input, Signal, Variable, identifier};
use jiff::{SignedDuration, Timestamp};

use super::{
    hybrid_scaler::HybridScalerSpec,
    into_core::stale_after,
    spec_error::SpecError,
    target_ref::Target,
    trigger::{CpuTarget, FormulaTrigger, Source, Trigger},
    yaml::likely,
};

/// What the signals of a scaler said last, by the names of its triggers; a formula has none of its own.
pub type Readings = BTreeMap<String, Reading>;

/// The formulas of a scaler, compiled: once for each version of its spec.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Formulas {
    /// By the trigger's name.
    compiled: BTreeMap<String, Formula>,
    /// The age from which each signal's value is unknown, by the trigger's name.
    stale_after: BTreeMap<String, SignedDuration>,
}

impl Formulas {
    /// One reading for each trigger of the policy, in its order: what its signal said, or what its formula comes to at `now`.
    pub fn readings(&self, read: &Readings, policy: &Policy, workload: &Workload, now: Timestamp) -> Vec<Reading> {
        let signal = |input: &Input| Signal {
            reading: read.get(&*input.trigger),
            stale_after: self.stale_after.get(&*input.trigger).copied().unwrap_or_default(),
        };
        let reading = |name: &str| match self.compiled.get(name) {
            Some(formula) => formula.evaluate(signal, workload, &policy.behavior, now),
            None => read.get(name).cloned().unwrap_or_else(not_read_yet),
        };
        policy.triggers.iter().map(|trigger| reading(&trigger.name)).collect()
    }
}

fn not_read_yet() -> Reading {
    Reading::unknown(Unknown::NotReadYet, "the signal has not been read yet")
}

impl HybridScalerSpec {
    /// Its formulas, compiled, and everything that is wrong with them and with what only they make useful: a trigger without a target
    /// that no formula reads, a workload that would rest at 0 for ever, since its formulas need a replica's CPU. With an error, nothing
    /// may be decided by them.
    pub fn formulas(&self) -> (Formulas, Vec<SpecError>) {
        let (mut formulas, mut errors) = (Formulas::default(), Vec::new());
        for (at, trigger) in self.triggers.iter().enumerate() {
            let done = self.add(&mut formulas, trigger);
            errors.extend(done.err().map(|error| error.within(&format!("spec.triggers[{at}]"))));
        }
        if errors.is_empty() {
            errors.extend(self.unread(&formulas));
            errors.extend(self.without_alarm(&formulas));
        }
        (formulas, errors)
    }

    fn add(&self, formulas: &mut Formulas, trigger: &Trigger) -> Result<(), SpecError> {
        let target = self.target_ref.target()?;
        if let Source::Formula(formula) = trigger.source()? {
            let compiled = Formula::compile(&formula.expression, &self.variables(target)?);
            let compiled = compiled.map_err(|error| self.wrong(formula, &error))?;
            formulas.compiled.insert(trigger.name.clone(), compiled);
        } else {
            let limit = stale_after(trigger, target, self.poll_interval_seconds)?;
            formulas.stale_after.insert(trigger.name.clone(), limit);
        }
        Ok(())
    }

    /// What its formulas may name.
    fn variables(&self, target: Target<'_>) -> Result<Vec<Variable<'_>>, SpecError> {
        let fields = |trigger: &Trigger| -> Result<&'static [Field], SpecError> {
            Ok(match (trigger.source()?, target) {
                (Source::Sqs(_), _) => Field::QUEUE,
                (Source::External(_), _) => Field::EXTERNAL,
                (Source::Formula(_), _) => &[],
                (Source::Cpu(_), Target::Ecs(_)) => &[Field::Utilization],
                (Source::Cpu(cpu), Target::Workload { .. }) => match cpu.target()? {
                    // Requests are not read where they are not needed: they may be missing.
                    Some(CpuTarget::AverageMilli(_)) => &[Field::AverageValue],
                    Some(CpuTarget::Utilization(_)) | None => &[Field::Utilization, Field::AverageValue],
                },
            })
        };
        self.triggers.iter().map(|trigger| Ok(Variable { trigger: &trigger.name, fields: fields(trigger)? })).collect()
    }

    fn wrong(&self, formula: &FormulaTrigger, error: &FormulaError) -> SpecError {
        let words = error.to_string();
        let (what, mend) = words.rsplit_once(": ").unwrap_or((&words, ""));
        let mend = match error {
            FormulaError::UnknownTrigger { name, .. } => {
                let signals = self.triggers.iter().filter(|trigger| trigger.formula.is_none());
                let known: Vec<String> = signals.map(|trigger| identifier(&trigger.name)).collect();
                likely(name, &known.iter().map(String::as_str).collect::<Vec<_>>())
            }
            FormulaError::UnknownField { trigger, field, known } => {
                let known: Vec<&str> =
                    known.iter().filter_map(|input| input.strip_prefix(trigger)?.strip_prefix('.')).collect();
                likely(field, &known)
            }
            _ => mend.to_owned(),
        };
        SpecError::new("formula.expression", formula.in_short(), format!("cannot be computed, since {what}: {mend}"))
    }

    /// Triggers that neither ask for replicas nor are read by a formula.
    fn unread<'a>(&'a self, formulas: &'a Formulas) -> impl Iterator<Item = SpecError> + 'a {
        let is_read = |name: &str| formulas.compiled.values().any(|formula| reads(formula, name));
        let idle = move |trigger: &Trigger| !trigger.proposes() && !is_read(&trigger.name);
        self.triggers.iter().enumerate().filter(move |(_, trigger)| idle(trigger)).map(|(at, trigger)| {
            let name = identifier(&trigger.name);
            let problem = format!("has no target, and no formula reads it: set a target, or read {name} in a formula");
            SpecError::new(format!("spec.triggers[{at}].name"), &trigger.name, problem)
        })
    }

    /// A formula that reads a CPU is unknown while no replica runs, so it cannot start the first one.
    fn without_alarm(&self, formulas: &Formulas) -> Option<SpecError> {
        let (field, rest) = match self.idle_replicas {
            Some(idle) => ("spec.idleReplicas", idle),
            None => ("spec.minReplicas", self.min_replicas),
        };
        let reads_cpu = |formula: &Formula| {
            let cpus = self.triggers.iter().filter(|trigger| trigger.cpu.is_some());
            cpus.into_iter().any(|cpu| reads(formula, &cpu.name))
        };
        let wakes = |trigger: &Trigger| match formulas.compiled.get(&trigger.name) {
            Some(formula) => !reads_cpu(formula),
            None => trigger.proposes() && trigger.cpu.is_none(),
        };
        let opens = self.schedules.iter().any(|schedule| {
            schedule.floor_replicas.is_some() || schedule.min_replicas.is_some_and(|replicas| replicas > 0)
        });
        if formulas.compiled.is_empty() || rest > 0 || opens || self.triggers.iter().any(wakes) {
            return None;
        }
        let problem = "leaves nothing that would start the first replica again, since no formula with a CPU has a value while none runs: \
                       give a trigger sqs or external a target, or raise it to 1";
        Some(SpecError::new(field, rest, problem))
    }
}

fn reads(formula: &Formula, trigger: &str) -> bool {
    formula.inputs().iter().any(|input| *input.trigger == *trigger)
}

#[cfg(test)]
mod tests;

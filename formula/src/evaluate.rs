//! What a formula comes to.

use hybridscaler_core::{
    observation::Workload,
    policy::Behavior,
    reading::{Load, Reading, Unknown, Unread},
};
use jiff::{SignedDuration, Timestamp};

use crate::{
    Formula,
    expression::{Arithmetic, Comparison, Condition, Extreme, Number, Rounding},
    input::{Input, Seen},
};

/// The most that a reading holds, in whole units: more thousandths than 64 bits hold are beyond it.
const MOST: f64 = 16e15;

/// What is known of an input's signal.
#[derive(Clone, Copy, Debug)]
pub struct Signal<'a> {
    /// Its newest reading; none when it has not been read yet.
    pub reading: Option<&'a Reading>,
    /// A value older than this is unknown.
    pub stale_after: SignedDuration,
}

/// Why numbers lead to no number.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Undefined<'a> {
    /// By this, which is 0.
    DividedBy(&'a Number),
    /// A number beyond all doubles.
    Overflow,
}

impl Formula {
    /// The reading that its inputs lead to at `now`: an amount as old as the oldest of them.
    ///
    /// It is unknown, with the formula's share of the cause in words, while one of its inputs is, needed or not; when it divides by 0; and
    /// when it comes to what no load can be: less than 0, more than 16P, beyond all doubles. Thousandths are rounded to the nearest, so that the noise of
    /// floating point is no load.
    pub fn evaluate<'a>(
        &self,
        signal: impl Fn(&Input) -> Signal<'a>,
        workload: &Workload,
        behavior: &Behavior,
        now: Timestamp,
    ) -> Reading {
        let seen = Seen { workload, behavior, now };
        let (mut values, mut oldest, mut worst) = (Vec::with_capacity(self.inputs.len()), now, None::<Unread>);
        for input in &self.inputs {
            match read(input, signal(input), seen) {
                Ok((value, at)) => {
                    values.push(value);
                    oldest = oldest.min(at);
                }
                // Of several the one that has failed for longest, so that a fallback starts no later than without the formula.
                Err(unread) if worst.as_ref().is_none_or(|worst| unread.failures > worst.failures) => {
                    worst = Some(unread);
                }
                Err(_) => {}
            }
        }
        if let Some(worst) = worst {
            return Reading::Unknown(worst);
        }
        match self.root.value(&values) {
            Ok(value) => self.load(value).map_or_else(invalid, |load| Reading::Known { load, at: oldest }),
            Err(undefined) => invalid(self.words(undefined)),
        }
    }

    fn load(&self, value: f64) -> Result<Load, String> {
        let milli = (value * 1000.0).round();
        if milli < 0.0 {
            let inputs = self.written();
            return Err(format!(
                "{inputs} lead to less than 0, which is no load: write math.greatest(…, 0.0) around it"
            ));
        }
        if value > MOST {
            return Err(format!("{} lead to more than 16P, which is no load: divide by more", self.written()));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within 0 and 16e18")]
        Ok(Load::Value { milli: milli as u64 })
    }

    fn words(&self, undefined: Undefined<'_>) -> String {
        match undefined {
            Undefined::DividedBy(divisor) => {
                let mut inputs = Vec::new();
                divisor.visit_inputs(&mut |at| inputs.extend(self.inputs.get(at).map(Input::written)));
                inputs.dedup();
                let by = if inputs.is_empty() {
                    String::new()
                } else {
                    format!(" with {} in the divisor", inputs.join(", "))
                };
                format!("it divides by 0{by}: keep the divisor above 0, as with x > 0.0 ? y / x : 0.0")
            }
            Undefined::Overflow => {
                format!("{} lead to a number beyond all doubles: divide by more", self.written())
            }
        }
    }

    fn written(&self) -> String {
        self.inputs.iter().map(Input::written).collect::<Vec<_>>().join(", ")
    }
}

fn invalid(message: String) -> Reading {
    Reading::unknown(Unknown::Invalid, message)
}

/// An input's number and its time.
fn read(input: &Input, signal: Signal<'_>, seen: Seen<'_>) -> Result<(f64, Timestamp), Unread> {
    let Signal { reading, stale_after } = signal;
    let value = match reading {
        None => Err(Unread::new(Unknown::NotReadYet, "the signal has not been read yet")),
        Some(reading) => reading.fresh(stale_after, seen.now).and_then(|(load, age)| {
            Ok((input.field.of(load, seen)?, seen.now.saturating_sub(age).unwrap_or(seen.now)))
        }),
    };
    value.map_err(|unread| {
        let message = format!("its input {} is unknown ({}): {}", input.written(), unread.why.as_str(), unread.message);
        Unread { message: message.into(), ..unread }
    })
}

impl Number {
    fn value(&self, inputs: &[f64]) -> Result<f64, Undefined<'_>> {
        let value = match self {
            Self::Literal(number) => *number,
            // The tree was built with these inputs.
            Self::Input(at) => inputs.get(*at).copied().unwrap_or(f64::NAN),
            Self::Negative(number) => -number.value(inputs)?,
            Self::Arithmetic(arithmetic, left, right) => {
                let (one, two) = (left.value(inputs)?, right.value(inputs)?);
                match arithmetic {
                    Arithmetic::Plus => one + two,
                    Arithmetic::Minus => one - two,
                    Arithmetic::Times => one * two,
                    Arithmetic::Over if two == 0.0 => return Err(Undefined::DividedBy(right)),
                    Arithmetic::Over => one / two,
                }
            }
            Self::Choice(condition, then, otherwise) => {
                if condition.holds(inputs)? {
                    then.value(inputs)?
                } else {
                    otherwise.value(inputs)?
                }
            }
            Self::Rounded(rounding, number) => {
                let number = number.value(inputs)?;
                match rounding {
                    Rounding::Ceil => number.ceil(),
                    Rounding::Floor => number.floor(),
                    Rounding::Abs => number.abs(),
                }
            }
            Self::Extreme(extreme, numbers) => {
                let (first, pick): (f64, fn(f64, f64) -> f64) = match extreme {
                    Extreme::Greatest => (f64::NEG_INFINITY, f64::max),
                    Extreme::Least => (f64::INFINITY, f64::min),
                };
                numbers.iter().try_fold(first, |so_far, number| Ok(pick(so_far, number.value(inputs)?)))?
            }
        };
        if value.is_finite() { Ok(value) } else { Err(Undefined::Overflow) }
    }

    /// Calls `visit` with each input below, in the order of the text.
    fn visit_inputs(&self, visit: &mut impl FnMut(usize)) {
        match self {
            Self::Literal(_) => {}
            Self::Input(at) => visit(*at),
            Self::Negative(number) | Self::Rounded(_, number) => number.visit_inputs(visit),
            Self::Arithmetic(_, left, right) => {
                left.visit_inputs(visit);
                right.visit_inputs(visit);
            }
            // Which of the two is 0 depends on the condition too.
            Self::Choice(condition, then, otherwise) => {
                condition.visit_inputs(visit);
                then.visit_inputs(visit);
                otherwise.visit_inputs(visit);
            }
            Self::Extreme(_, numbers) => numbers.iter().for_each(|number| number.visit_inputs(visit)),
        }
    }
}

impl Condition {
    fn holds(&self, inputs: &[f64]) -> Result<bool, Undefined<'_>> {
        Ok(match self {
            Self::Compare(comparison, left, right) => {
                let (one, two) = (left.value(inputs)?, right.value(inputs)?);
                match comparison {
                    Comparison::Less => one < two,
                    Comparison::AtMost => one <= two,
                    Comparison::Greater => one > two,
                    Comparison::AtLeast => one >= two,
                    #[expect(clippy::float_cmp, reason = "what CEL does; `x / y` is guarded by `y != 0.0`")]
                    Comparison::Equal => one == two,
                    #[expect(clippy::float_cmp, reason = "as above")]
                    Comparison::Different => one != two,
                }
            }
            Self::Not(condition) => !condition.holds(inputs)?,
            Self::And(one, two) => one.holds(inputs)? && two.holds(inputs)?,
            Self::Or(one, two) => one.holds(inputs)? || two.holds(inputs)?,
        })
    }

    fn visit_inputs(&self, visit: &mut impl FnMut(usize)) {
        match self {
            Self::Compare(_, left, right) => {
                left.visit_inputs(visit);
                right.visit_inputs(visit);
            }
            Self::Not(condition) => condition.visit_inputs(visit),
            Self::And(one, two) | Self::Or(one, two) => {
                one.visit_inputs(visit);
                two.visit_inputs(visit);
            }
        }
    }
}

//! Quantities as Kubernetes and its metrics APIs write them (`500m`, `2`, `1.5k`, `3e6`), in thousandths.

use kube::core::Rule;

use super::{rule::rule, spec_error::SpecError};

/// The longest quantity that a spec may hold. With it no arithmetic on one leaves 128 bits.
pub(super) const QUANTITY_BYTES: u32 = 20;

/// What a quantity looks like in a spec: without sign and exponent, since what people aim at is neither negative nor astronomic.
const PATTERN: &str = r"^[0-9]+(\\.[0-9]+)?(m|[kMGTP]|[KMGTP]i)?$";

/// The quantities that a field of a spec may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct QuantityRange {
    /// The field that holds it, as its rule names it.
    pub(super) field: &'static str,
    /// The least as people write it.
    pub(super) least: &'static str,
    /// The most as people write it.
    pub(super) most: &'static str,
    /// What a person could write instead.
    pub(super) example: &'static str,
}

impl QuantityRange {
    /// The rule that the API server holds a written quantity to.
    pub(super) fn rule(&self) -> Rule {
        let Self { field, least, most, example } = self;
        rule(
            &format!(
                "self.matches('{PATTERN}') && !quantity(self).isLessThan(quantity('{least}'))
                 && !quantity(self).isGreaterThan(quantity('{most}'))"
            ),
            &format!("{field} %s is not a quantity from {least} to {most}: write one such as {example}"),
            &["self"],
        )
    }

    /// The written quantity in thousandths, rounded up as Kubernetes does.
    ///
    /// # Errors
    /// It is not a quantity, or out of range.
    pub(super) fn milli(&self, field: &str, written: &str) -> Result<u64, SpecError> {
        let Self { least, most, example, .. } = self;
        let bound = |bound| milli(bound).unwrap_or_default();
        let within = milli(written).filter(|milli| (bound(least)..=bound(most)).contains(milli));
        within.and_then(|milli| u64::try_from(milli).ok()).ok_or_else(|| {
            let problem = format!("is not a quantity from {least} to {most}: write one such as {example}");
            SpecError::new(field, written, problem)
        })
    }
}

/// The quantity in thousandths; what lies between two of them is rounded up, as Kubernetes does. Nothing when it is none, or astronomic.
pub fn milli(text: &str) -> Option<i128> {
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let end = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
    let (number, suffix) = unsigned.split_at_checked(end)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    // Neither "" nor "." is a number, nor is what has a second point.
    let digits: u128 = format!("{whole}{fraction}").parse().ok()?;
    let (factor, exponent) = scale(suffix)?;
    let value = digits.checked_mul(factor)?;
    let shift = exponent.checked_add(3)?.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    let magnitude = match 10_u128.checked_pow(shift.unsigned_abs()) {
        Some(power) if shift >= 0 => value.checked_mul(power)?,
        Some(power) => value.div_ceil(power),
        None if value == 0 => 0,
        None if shift < 0 => 1,
        None => return None,
    };
    i128::try_from(magnitude).ok()?.checked_mul(sign)
}

/// A quantity as Kubernetes writes it: `12`, `12500m`.
pub(super) fn thousandths(milli: u64) -> String {
    if milli.is_multiple_of(1000) { (milli / 1000).to_string() } else { format!("{milli}m") }
}

/// A suffix as a factor and a power of ten.
fn scale(suffix: &str) -> Option<(u128, i32)> {
    let binary = |power: u32| Some((1024_u128.checked_pow(power)?, 0));
    match suffix {
        "n" => Some((1, -9)),
        "u" => Some((1, -6)),
        "m" => Some((1, -3)),
        "" => Some((1, 0)),
        "k" => Some((1, 3)),
        "M" => Some((1, 6)),
        "G" => Some((1, 9)),
        "T" => Some((1, 12)),
        "P" => Some((1, 15)),
        "E" => Some((1, 18)),
        "Ki" => binary(1),
        "Mi" => binary(2),
        "Gi" => binary(3),
        "Ti" => binary(4),
        "Pi" => binary(5),
        "Ei" => binary(6),
        _ => Some((1, suffix.strip_prefix(['e', 'E'])?.parse().ok()?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantity_is_counted_in_thousandths_rounded_up() {
        for (text, expected) in [
            ("0", Some(0)),
            ("251m", Some(251)),
            ("2", Some(2_000)),
            ("1.5", Some(1_500)),
            (".5", Some(500)),
            ("1.", Some(1_000)),
            ("250000001n", Some(251)),
            ("999999n", Some(1)),
            ("1500u", Some(2)),
            ("0.0001", Some(1)),
            ("2k", Some(2_000_000)),
            ("1Ki", Some(1_024_000)),
            ("8E", Some(8_000_000_000_000_000_000_000)),
            ("1e3", Some(1_000_000)),
            ("1E-2", Some(10)),
            ("12e-99999", Some(1)),
            ("1e-2147483648", Some(1)),
            ("0e99999", Some(0)),
            ("-500m", Some(-500)),
            ("+3", Some(3_000)),
        ] {
            assert_eq!(milli(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_quantity_is_nothing() {
        let too_long = "9".repeat(60);
        for text in [
            "",
            ".",
            "-",
            "m",
            "1.2.3",
            "1 ",
            " 1",
            "1x",
            "1K",
            "1ki",
            "1e",
            "1e3m",
            "--1",
            "+-1",
            "NaN",
            "1e99999",
            "1e2147483647",
            &too_long,
            "1é",
        ] {
            assert_eq!(milli(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_range_holds_both_its_ends() {
        let range = QuantityRange { field: "targetValue", least: "1m", most: "1k", example: "2" };
        for (written, expected) in
            [("0", None), ("-1", None), ("0.9m", Some(1)), ("1m", Some(1)), ("1k", Some(1_000_000)), ("1001", None)]
        {
            assert_eq!(range.milli("targetValue", written).ok(), expected, "{written}");
        }
    }
}

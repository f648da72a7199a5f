//! Quantities as Kubernetes writes them (`500m`, `2`, `1.5k`), in thousandths.

use kube::core::Rule;

use super::{rule::rule, spec_error::SpecError};

/// The longest quantity that the schema accepts. With it no arithmetic on one leaves 128 bits.
pub(super) const QUANTITY_BYTES: u32 = 20;

/// What a quantity looks like here: a decimal number of at least 0 with one of the suffixes below, without an exponent. Signs and
/// exponents are left out, since what people aim at is neither negative nor astronomic.
const PATTERN: &str = r"^[0-9]+(\\.[0-9]+)?(m|[kMGTP]|[KMGTP]i)?$";

/// A quantity between two others, in thousandths: the value of a target or a threshold.
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
        milli(written).filter(|milli| (bound(least)..=bound(most)).contains(milli)).ok_or_else(|| {
            let problem = format!("is not a quantity from {least} to {most}: write one such as {example}");
            SpecError::new(field, written, problem)
        })
    }
}

/// The quantity in thousandths, rounded up; nothing when it is none, or too large to count so.
fn milli(written: &str) -> Option<u64> {
    let digits = written.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(written.len());
    let (number, suffix) = written.split_at_checked(digits)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let decimals = 10_u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let value = count(whole)?.checked_mul(decimals)?.checked_add(count(fraction)?)?;
    u64::try_from(value.checked_mul(thousandths(suffix)?)?.div_ceil(decimals)).ok()
}

/// A row of digits, at least one, as a number.
fn count(digits: &str) -> Option<u128> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// What a suffix multiplies by, in thousandths.
fn thousandths(suffix: &str) -> Option<u128> {
    let (base, power): (u128, u32) = match suffix {
        "m" => return Some(1),
        "" => (1, 0),
        "k" => (1000, 1),
        "M" => (1000, 2),
        "G" => (1000, 3),
        "T" => (1000, 4),
        "P" => (1000, 5),
        "Ki" => (1024, 1),
        "Mi" => (1024, 2),
        "Gi" => (1024, 3),
        "Ti" => (1024, 4),
        "Pi" => (1024, 5),
        _ => return None,
    };
    base.checked_pow(power)?.checked_mul(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantity_is_counted_in_thousandths_rounded_up_as_kubernetes_does() {
        for (written, expected) in [
            ("0", Some(0)),
            ("1", Some(1000)),
            ("500m", Some(500)),
            ("0.5", Some(500)),
            ("0.5m", Some(1)),
            ("0.0001", Some(1)),
            ("1.5k", Some(1_500_000)),
            ("1Ki", Some(1_024_000)),
            ("1P", Some(1_000_000_000_000_000_000)),
            ("1Pi", Some(1_125_899_906_842_624_000)),
            ("9223372036854775807P", None),
            ("", None),
            ("m", None),
            (".5", None),
            ("1.", None),
            ("1.2.3", None),
            ("-1", None),
            ("+1", None),
            ("1e3", None),
            ("1K", None),
            ("1ki", None),
            ("1mm", None),
            (" 1", None),
            ("1E", None),
        ] {
            assert_eq!(milli(written), expected, "{written:?}");
        }
    }

    #[test]
    fn a_range_holds_both_its_ends() {
        let range = QuantityRange { field: "targetValue", least: "1m", most: "1k", example: "2" };
        for (written, expected) in
            [("0", None), ("0.9m", Some(1)), ("1m", Some(1)), ("1k", Some(1_000_000)), ("1001", None)]
        {
            assert_eq!(range.milli("targetValue", written).ok(), expected, "{written}");
        }
    }
}

//! Quantities as metrics APIs serve them: with any sign, suffix or exponent that Kubernetes knows.

/// The quantity in thousandths; what lies between two of them is rounded up, as Kubernetes does. Nothing when it is none, or astronomic.
pub(super) fn milli(text: &str) -> Option<i128> {
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
}

//! Receipt handles: what a receiver shows to delete its message.

use std::{fmt, str::FromStr};

/// Names one receive of one message of one queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Receipt {
    pub(super) queue: u32,
    pub(super) key: u64,
    pub(super) receives: u32,
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { queue, key, receives } = self;
        write!(f, "AQEB{queue:08x}{key:016x}{receives:08x}")
    }
}

impl FromStr for Receipt {
    type Err = ();

    fn from_str(handle: &str) -> Result<Self, ()> {
        let digits = handle.strip_prefix("AQEB").filter(|digits| digits.len() == 32).ok_or(())?;
        let part = |range| digits.get(range).and_then(|part| u64::from_str_radix(part, 16).ok()).ok_or(());
        let narrow = |part: u64| u32::try_from(part).map_err(|_| ());
        Ok(Self { queue: narrow(part(0..8)?)?, key: part(8..24)?, receives: narrow(part(24..32)?)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_reads_back_as_the_receipt_it_was_written_from() {
        let receipt = Receipt { queue: 7, key: 1 << 40, receives: u32::MAX };
        assert_eq!(receipt.to_string().parse(), Ok(receipt));
    }

    #[test]
    fn other_strings_are_no_handles() {
        for handle in ["", "AQEB", "AQEBzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", "AQEBé0000000000000000000000000000000"] {
            assert_eq!(handle.parse::<Receipt>(), Err(()), "{handle}");
        }
    }
}

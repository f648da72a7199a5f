//! How budgets on one MySQL or MariaDB server notice each other without any privilege. Pure.
//!
//! An account without privileges sees its own sessions only, so a name that a connection bears is of no use. What every
//! account may do is take a user-level lock (`GET_LOCK`) and ask who holds one (`IS_USED_LOCK`), of a name that it knows.
//! So each budget takes 32 locks, whose names spell out the bits of a number made of its UID: `hybridscaler/7/1` says
//! that bit 7 is set. A budget looks at the 32 names it did not take: whoever holds one of them has another UID. Both
//! sides see each other, any number of budgets does, and a second session with our own UID holds no lock of these.
//!
//! Two different UIDs make the same number once in four thousand million times.

/// What is asked of the server. The answer is the number of a connection that belongs to another budget, or null.
///
/// Taking a lock never waits. One that is held by a session of ours, or by a budget with the same bit, is not got, and
/// need not be.
pub(super) fn query(budget_uid: &str) -> String {
    let number = number(budget_uid);
    let is_set = |bit| number >> bit & 1 == 1;
    let list = |of: &dyn Fn(u32) -> String| (0..u32::BITS).map(of).collect::<Vec<_>>().join(", ");
    let take = list(&|bit| format!("GET_LOCK('{}', 0)", name(bit, is_set(bit))));
    let held = list(&|bit| format!("IS_USED_LOCK('{}')", name(bit, !is_set(bit))));
    format!("SELECT COALESCE({held}), {take}")
}

fn name(bit: u32, set: bool) -> String {
    format!("hybridscaler/{bit}/{}", u8::from(set))
}

/// FNV-1a, of 32 bits: the same in every version of ours, since versions must see each other.
fn number(budget_uid: &str) -> u32 {
    budget_uid.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lock names in a query, those that are taken and those that are looked at.
    fn names(uid: &str) -> (Vec<String>, Vec<String>) {
        let query = query(uid);
        let of = |function: &str| {
            let calls = query.split(function).skip(1);
            calls.filter_map(|call| call.split('\'').nth(1).map(str::to_owned)).collect::<Vec<_>>()
        };
        (of("GET_LOCK("), of("IS_USED_LOCK("))
    }

    #[test]
    fn a_budget_looks_at_none_of_the_locks_it_takes() {
        let (taken, looked_at) = names("uid-1");
        assert_eq!((taken.len(), looked_at.len()), (32, 32));
        assert!(taken.iter().all(|name| !looked_at.contains(name)));
    }

    #[test]
    fn each_of_two_budgets_looks_at_a_lock_that_the_other_takes() {
        let uids = ["uid-1", "uid-2", "8c4d9f0e-53a4-4b6b-9f43-1f7d6c1f2a10", "8c4d9f0e-53a4-4b6b-9f43-1f7d6c1f2a11"];
        for (i, one) in uids.iter().enumerate() {
            for other in uids.iter().skip(i + 1) {
                let ((mine, seen), (theirs, _)) = (names(one), names(other));
                assert!(theirs.iter().any(|name| seen.contains(name)), "{one} {other}");
                assert!(mine.iter().any(|name| names(other).1.contains(name)), "{one} {other}");
            }
        }
    }

    #[test]
    fn the_number_is_that_of_the_published_vectors() {
        // From the reference implementation's test suite.
        assert_eq!([number(""), number("a"), number("foobar")], [0x811c_9dc5, 0xe40c_292c, 0xbf9c_f968]);
    }
}

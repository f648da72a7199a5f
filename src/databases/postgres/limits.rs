//! The settings that limit a server's connections, and how they are asked for. Pure.

use hybridscaler_core::{Connections, budget::PostgresLimits};
use tokio_postgres::SimpleQueryMessage;

/// `current_setting(…, true)` is null for what a server does not know: `reserved_connections` came with PostgreSQL 16,
/// and the last one is Amazon RDS's own. All four are only ever changed by a restart.
pub(super) const QUERY: &str = "SET statement_timeout = '3s'; \
    SELECT current_setting('max_connections') AS max_connections, \
    current_setting('superuser_reserved_connections') AS superuser_reserved, \
    current_setting('reserved_connections', true) AS reserved, \
    current_setting('rds.rds_superuser_reserved_connections', true) AS rds_superuser_reserved";

pub(super) fn of_answer(answer: &[SimpleQueryMessage]) -> Result<PostgresLimits, String> {
    let row = answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let row = row.ok_or("it answered without a row")?;
    let setting = |name| row.try_get(name).map_err(|error| format!("{name}: {error}"));
    of_settings(
        setting("max_connections")?,
        setting("superuser_reserved")?,
        setting("reserved")?,
        setting("rds_superuser_reserved")?,
    )
}

fn of_settings(
    max_connections: Option<&str>,
    superuser_reserved: Option<&str>,
    reserved: Option<&str>,
    rds_superuser_reserved: Option<&str>,
) -> Result<PostgresLimits, String> {
    Ok(PostgresLimits {
        max_connections: required("max_connections", max_connections)?,
        superuser_reserved: required("superuser_reserved_connections", superuser_reserved)?,
        reserved: optional("reserved_connections", reserved)?,
        rds_superuser_reserved: optional("rds.rds_superuser_reserved_connections", rds_superuser_reserved)?,
    })
}

fn required(name: &str, text: Option<&str>) -> Result<Connections, String> {
    let text = text.ok_or_else(|| format!("{name} is not set"))?;
    text.parse().map(Connections).map_err(|error| format!("{name} is {text:?}: {error}"))
}

fn optional(name: &str, text: Option<&str>) -> Result<Connections, String> {
    // A setting of an extension that is not loaded reads as empty.
    match text.filter(|text| !text.is_empty()) {
        None => Ok(Connections::ZERO),
        text => required(name, text),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn limits(max_connections: u32, superuser: u32, reserved: u32, rds: u32) -> PostgresLimits {
        PostgresLimits {
            max_connections: Connections(max_connections),
            superuser_reserved: Connections(superuser),
            reserved: Connections(reserved),
            rds_superuser_reserved: Connections(rds),
        }
    }

    #[test]
    fn settings_that_a_server_does_not_know_reserve_nothing() {
        assert_eq!(of_settings(Some("360"), Some("3"), None, None), Ok(limits(360, 3, 0, 0)));
        assert_eq!(of_settings(Some("360"), Some("3"), Some("2"), Some("")), Ok(limits(360, 3, 2, 0)));
        assert_eq!(of_settings(Some("100"), Some("3"), Some("0"), Some("2")), Ok(limits(100, 3, 0, 2)));
    }

    #[test]
    fn a_setting_that_is_missing_or_no_count_is_named_and_never_zero() {
        let refused = |max, superuser| of_settings(max, superuser, None, None).unwrap_err();
        assert!(refused(None, Some("3")).contains("max_connections"));
        assert!(refused(Some("360"), None).contains("superuser_reserved_connections"));
        assert!(refused(Some("lots"), Some("3")).contains("\"lots\""));
        assert!(refused(Some(""), Some("3")).contains("max_connections"));
        assert!(of_settings(Some("360"), Some("3"), Some("-1"), None).is_err());
    }
}

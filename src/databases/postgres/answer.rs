//! What is asked of a server, and what its answer means. Pure.

use hybridscaler_core::{Connections, budget::PostgresLimits};
use tokio_postgres::SimpleQueryMessage;

use crate::databases::{Limits, Method, OpenConnections, OtherLedger, Reading};

/// How an `application_name` that carries a budget's UID begins.
pub(super) const APPLICATION: &str = "hybridscaler/";

/// - The time limit holds for this query only: behind a pooler, the session is somebody else's afterwards.
/// - The server probes the session from its side: that of a machine that was lost would keep its slot for hours.
/// - `current_setting(…, true)` is null for what a server does not know: `reserved_connections` came with PostgreSQL 16,
///   and the last one is Amazon RDS's own. All four are only ever changed by a restart.
/// - A role without `pg_read_all_stats` is told no `backend_type` of others. What belongs to a role and a database is
///   then nearest to a client: neither a background process nor a physical walsender does.
pub(super) const QUERY: &str = "SET LOCAL statement_timeout = '3s'; \
    SET tcp_keepalives_idle = 60; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 6; \
    SELECT current_setting('max_connections') AS max_connections, \
    current_setting('superuser_reserved_connections') AS superuser_reserved, \
    current_setting('reserved_connections', true) AS reserved, \
    current_setting('rds.rds_superuser_reserved_connections', true) AS rds_superuser_reserved, \
    pg_has_role('pg_read_all_stats', 'USAGE') AS sees_all, \
    count(*) FILTER (WHERE CASE WHEN pg_has_role('pg_read_all_stats', 'USAGE') \
    THEN backend_type = 'client backend' ELSE usesysid IS NOT NULL AND datid IS NOT NULL END) AS open, \
    coalesce(json_agg(DISTINCT application_name) FILTER (WHERE application_name LIKE 'hybridscaler/%' \
    AND application_name <> current_setting('application_name')), '[]') AS others \
    FROM pg_stat_activity";

pub(super) fn reading(answer: &[SimpleQueryMessage]) -> Result<Reading, String> {
    let row = answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let row = row.ok_or("it answered without a row")?;
    let column = |name| row.try_get(name).map_err(|error| format!("{name}: {error}"));
    let limits = of_settings(
        column("max_connections")?,
        column("superuser_reserved")?,
        column("reserved")?,
        column("rds_superuser_reserved")?,
    )?;
    let method = if column("sees_all")? == Some("t") { Method::ClientBackends } else { Method::Sessions };
    Ok(Reading {
        limits: Limits::Postgres(limits),
        open: OpenConnections { count: required("the number of open connections", column("open")?)?, method },
        other_ledgers: other_ledgers(column("others")?)?,
    })
}

fn other_ledgers(applications: Option<&str>) -> Result<Vec<OtherLedger>, String> {
    let names: Vec<String> = serde_json::from_str(applications.unwrap_or("[]"))
        .map_err(|error| format!("the names of other sessions: {error}"))?;
    let uid = |name: String| name.strip_prefix(APPLICATION).map(|uid| OtherLedger::Budget(uid.to_owned()));
    Ok(names.into_iter().filter_map(uid).collect())
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

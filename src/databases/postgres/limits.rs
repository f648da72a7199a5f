//! The settings that limit a server's connections, and how they are asked for. Pure.

use hybridscaler_core::{Connections, budget::PostgresLimits};
use tokio_postgres::SimpleQueryMessage;

/// `current_setting(…, true)` is null for what a server does not know: `reserved_connections` came with PostgreSQL 16, and the last
/// one is Amazon RDS's own. All four are only ever changed by a restart.
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
    let setting = |name| {
        row.try_get(name)
            .map_err(|error| format!("{name}: {error}"))
    };
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
        rds_superuser_reserved: optional(
            "rds.rds_superuser_reserved_connections",
            rds_superuser_reserved,
        )?,
    })
}

fn required(name: &str, text: Option<&str>) -> Result<Connections, String> {
    let text = text.ok_or_else(|| format!("{name} is not set"))?;
    text.parse()
        .map(Connections)
        .map_err(|error| format!("{name} is {text:?}: {error}"))
}

fn optional(name: &str, text: Option<&str>) -> Result<Connections, String> {
    // A setting of an extension that is not loaded reads as empty.
    match text.filter(|text| !text.is_empty()) {
        None => Ok(Connections::ZERO),
        text => required(name, text),
    }
}

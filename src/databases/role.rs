//! The role that the operator reads a database with: what it needs, and nothing else.

use std::fmt;

/// A database server, as far as its SQL for roles goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Dialect {
    /// PostgreSQL 15 and newer.
    Postgres,
    /// MySQL 8 and newer.
    Mysql,
    /// MariaDB 10.5 and newer.
    Mariadb,
}

/// The name of a role that needs no escape inside the quotes of any of these servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleName(String);

/// A name that cannot be used for a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write 1 to 32 of a-z, A-Z, 0-9, _, - and .")]
pub struct RoleNameError;

impl std::str::FromStr for RoleName {
    type Err = RoleNameError;

    /// MySQL takes 32 characters, the others more.
    fn from_str(text: &str) -> Result<Self, RoleNameError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        let usable = (1..=32).contains(&text.len()) && text.chars().all(plain);
        if usable { Ok(Self(text.to_owned())) } else { Err(RoleNameError) }
    }
}

/// SQL that makes a role with the least rights that reading the capacity takes. Prints as statements for the server's own
/// client. No password is in it: a comment says how to set one.
///
/// At most two connections: the one that is kept, and its successor while a lost one lingers.
#[derive(Clone, Debug)]
pub struct LeastPrivilege {
    /// The server it is for.
    pub dialect: Dialect,
    /// The role's name.
    pub role: RoleName,
}

impl fmt::Display for LeastPrivilege {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { dialect, role: RoleName(role) } = self;
        match dialect {
            Dialect::Postgres => write!(
                f,
                r#"-- The role that HybridScaler reads the connections of a PostgreSQL server with. Run this once, as a
-- superuser or a role that may create roles. It has no password yet; in psql, set one that no log shows:
--   \password {role}

CREATE ROLE "{role}" LOGIN CONNECTION LIMIT 2;

-- To count the open connections exactly. Without it the limit is still read, and the count is an estimate.
GRANT pg_read_all_stats TO "{role}";

-- To connect to a server that is full, from PostgreSQL 16 on. It takes effect with reserved_connections of 1 or more.
DO $$
BEGIN
  IF current_setting('server_version_num')::int >= 160000 THEN
    GRANT pg_use_reserved_connections TO "{role}";
  END IF;
END
$$;
"#
            ),
            Dialect::Mysql | Dialect::Mariadb => {
                let server = if *dialect == Dialect::Mysql { "MySQL" } else { "MariaDB" };
                write!(
                    f,
                    r"-- The account that HybridScaler reads the connections of a {server} server with. Run this once, as an account that may
-- create accounts. It needs no privilege. It has no password yet and is locked; set one and let it in:
--   ALTER USER '{role}'@'%' IDENTIFIED BY '...' ACCOUNT UNLOCK;

CREATE USER '{role}'@'%' REQUIRE SSL WITH MAX_USER_CONNECTIONS 2 ACCOUNT LOCK;
"
                )
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_would_end_its_quotes_is_refused() {
        for name in ["", "a\"b", "a'b", "a`b", "a b", "a$$b", "ä", "a;b", &"a".repeat(33)] {
            assert_eq!(name.parse::<RoleName>(), Err(RoleNameError), "{name}");
        }
        for name in ["hybridscaler", "hybrid-scaler.reader_2", &"a".repeat(32)] {
            name.parse::<RoleName>().unwrap();
        }
    }
}

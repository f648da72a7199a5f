//! `hybridscaler budget init-sql`: the SQL of the role that a budget reads its database with.

use std::io::{self, Write};

use crate::databases::{Dialect, LeastPrivilege, RoleName};

#[derive(clap::Args)]
pub(in crate::cli) struct Args {
    /// What the server is.
    #[arg(long, value_enum)]
    engine: Dialect,
    /// The role's name: 1 to 32 of `a-z`, `A-Z`, `0-9`, `_`, `-` and `.`.
    #[arg(long, default_value = "hybridscaler", value_name = "NAME")]
    role: RoleName,
}

pub(super) fn run(args: Args) -> anyhow::Result<()> {
    let Args { engine: dialect, role } = args;
    Ok(write!(io::stdout(), "{}", LeastPrivilege { dialect, role })?)
}

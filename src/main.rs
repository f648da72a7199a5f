//! The binary `hybridscaler`.

use std::process::ExitCode;

fn main() -> ExitCode {
    hybridscaler::cli::run()
}

//! The decisions that an operator recorded, made again.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

use super::binary;

/// Makes every decision of the record in `file` again, each of which must come out byte for byte as it was recorded. What is said of that:
/// how many there were.
///
/// # Errors
/// The first decision that comes out differently, with what is different; a record that holds none.
pub async fn replay(file: &Path) -> Result<String> {
    let mut command = Command::new(binary::locate()?);
    let output =
        command.args(["decide", "--replay"]).arg(file).output().await.context("cannot run the operator's binary")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim_end());
    Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
}

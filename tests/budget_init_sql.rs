//! `hybridscaler budget init-sql`, run as a user runs it. What the SQL does is tested on real servers, in `e2e/`.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::process::{Command, Output};

fn init_sql(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hybridscaler")).args(["budget", "init-sql"]).args(args).output().unwrap()
}

fn printed(args: &[&str]) -> String {
    let output = init_sql(args);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn each_engine_has_its_own_statements_for_the_role_that_is_named() {
    let postgres = printed(&["--engine", "postgres", "--role", "reader"]);
    assert!(postgres.contains(r#"CREATE ROLE "reader" LOGIN CONNECTION LIMIT 2;"#), "{postgres}");
    for engine in ["mysql", "mariadb"] {
        let account = printed(&["--engine", engine]);
        assert!(account.contains("CREATE USER 'hybridscaler'@'%'"), "{account}");
    }
}

#[test]
fn no_statement_sets_a_password() {
    for engine in ["postgres", "mysql", "mariadb"] {
        let printed = printed(&["--engine", engine]);
        let statements = printed.lines().filter(|line| !line.starts_with("--"));
        let statements = statements.collect::<Vec<_>>().join("\n").to_uppercase();
        assert!(!statements.contains("PASSWORD") && !statements.contains("IDENTIFIED"), "{statements}");
    }
}

#[test]
fn a_name_that_could_be_more_than_a_name_is_refused() {
    let output = init_sql(&["--engine", "postgres", "--role", "a\"; DROP ROLE b; --"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("write 1 to 32 of"), "{said}");
}

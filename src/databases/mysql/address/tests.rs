#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

/// An authority that vouches for nothing here; it is only counted.
fn authority() -> Roots {
    let machine = Roots::of_machine();
    machine.certificates().first().cloned().into_iter().collect()
}

fn read(url: &str) -> Result<Address, DatabaseError> {
    Address::parse(url, "uid-1", &Roots::from_iter([]))
}

#[test]
fn the_host_that_is_connected_to_is_named_with_its_port() {
    let named = |url: &str| read(&format!("{url}?ssl-mode=REQUIRED")).unwrap().host().to_string();
    assert_eq!(named("mysql://scaler:pw@db.internal:3307/orders"), "db.internal:3307");
    assert_eq!(named("mysql://scaler:pw@db.internal"), "db.internal:3306");
    assert_eq!(named("mysql://scaler@[fd00::1]:3307/orders"), "[fd00::1]:3307");
}

#[test]
fn user_password_and_database_are_percent_decoded() {
    let address = read("mysql://sc%40ler:p%2F%3F@db/orders?ssl-mode=DISABLED").unwrap();
    assert_eq!((address.opts.user(), address.opts.pass()), (Some("sc@ler"), Some("p/?")));
    assert_eq!(address.opts.db_name(), Some("orders"));
    assert_eq!(address.user(), "sc@ler");
}

#[test]
fn no_error_repeats_a_piece_of_the_url() {
    for url in [
        "mysql://scaler:hunter2@hunter3@db/orders?ssl-mode=hunter4",
        "mysql://scaler:pw@db:hunter2/orders?ssl-mode=DISABLED",
        "mysql://scaler:pw@db/orders?hunter2=1",
        "mysql://scaler:pw@db/orders?hunter2",
        "mysql://scaler:pw?hunter2@db/orders",
        "mysql://scaler:pw@hunter%20hunter/orders?ssl-mode=DISABLED",
        "mysql://:hunter2@db/orders?ssl-mode=DISABLED",
        "hunter2",
        "postgres://scaler:hunter2@db/orders",
    ] {
        let text = read(url).unwrap_err().to_string();
        assert!(!text.contains("hunter"), "{url}: {text}");
    }
}

#[test]
fn what_is_printed_for_debugging_holds_no_password() {
    let address = read("mysql://scaler:hunter2@db/orders?ssl-mode=DISABLED").unwrap();
    assert!(!format!("{address:?}").contains("hunter2"));
}

#[test]
fn the_server_is_told_the_budget() {
    let address = read("mysql://scaler@db?ssl-mode=DISABLED").unwrap();
    let attributes = address.opts.connect_attributes().unwrap();
    assert_eq!(attributes.get("program_name").map(String::as_str), Some("hybridscaler/uid-1"));
}

#[test]
fn a_unix_socket_is_never_taken_in_place_of_the_host() {
    assert!(!read("mysql://scaler@127.0.0.1?ssl-mode=DISABLED").unwrap().opts.prefer_socket());
    assert!(read("mysql://scaler@127.0.0.1?socket=/run/mysqld.sock&ssl-mode=DISABLED").is_err());
}

#[test]
fn the_certificate_and_its_name_are_verified_unless_the_url_says_less() {
    let checks = |query: &str| {
        let address = Address::parse(&format!("mysql://scaler@db/orders{query}"), "uid-1", &authority()).unwrap();
        let ssl = address.opts.ssl_opts()?;
        // Never the authorities that come with the client: those of the operator only.
        assert!(ssl.accept_invalid_certs() || ssl.disable_built_in_roots());
        Some((!ssl.accept_invalid_certs(), !ssl.accept_invalid_certs() && !ssl.skip_domain_validation()))
    };
    assert_eq!(checks(""), Some((true, true)));
    assert_eq!(checks("?ssl-mode=VERIFY_IDENTITY"), Some((true, true)));
    assert_eq!(checks("?ssl-mode=REQUIRED"), Some((false, false)));
    assert_eq!(checks("?ssl-mode=DISABLED"), None);
}

#[test]
fn a_certificate_cannot_be_verified_without_authorities() {
    for query in ["", "?ssl-mode=VERIFY_IDENTITY"] {
        let refused = read(&format!("mysql://scaler@db/orders{query}")).unwrap_err();
        assert!(refused.to_string().contains("--database-ca-file"), "{refused}");
    }
}

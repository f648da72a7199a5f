#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

fn read(url: &str) -> Result<Address, DatabaseError> {
    Address::parse(url, "uid-1", &Roots::from_iter([]))
}

fn named(url: &str) -> Vec<String> {
    read(url).unwrap().hosts().iter().map(ToString::to_string).collect()
}

#[test]
fn every_host_that_may_be_connected_to_is_named_with_its_port() {
    assert_eq!(named("postgres://scaler:pw@db.internal:6432/orders"), ["db.internal:6432"]);
    assert_eq!(named("postgresql://scaler@db.internal"), ["db.internal:5432"]);
    assert_eq!(named("postgres://scaler@a,b:6432,c/orders"), ["a:5432", "b:6432", "c:5432"]);
    assert_eq!(named("postgres://scaler@[fd00::1]:6432/orders"), ["[fd00::1]:6432"]);
}

#[test]
fn hosts_and_ports_in_options_are_named_too() {
    assert_eq!(named("postgres://scaler@a/orders?host=evil"), ["a:5432", "evil:5432"]);
    assert_eq!(named("postgres:///orders?host=a&user=u&port=7000"), ["a:7000"]);
    assert_eq!(named("postgres:///orders?user=u&host=a&host=b&port=1,2"), ["a:1", "b:2"]);
}

#[test]
fn addresses_that_the_operator_could_not_have_trusted_are_refused() {
    for url in [
        "postgres://scaler@a/orders?hostaddr=10.0.0.1",
        "postgres://scaler@%2Fvar%2Frun%2Fpostgresql/orders",
        "postgres:///orders?user=u&host=/var/run/postgresql",
        "postgres:///orders?user=u",
        "postgres:///orders?user=u&host=",
        "postgres:///orders?user=u&host=a&host=b&host=c&port=1,2",
    ] {
        assert!(matches!(read(url), Err(DatabaseError::ConnectionString(_))), "{url}");
    }
}

#[test]
fn no_error_repeats_a_piece_of_the_string() {
    for url in [
        "postgres://scaler:hunter2@hunter3@db/orders",
        "postgres://scaler:pw@db:hunter2/orders",
        "postgres://scaler:pw@db/orders?hunter2=1",
        "postgres://scaler:pw@db/orders?sslmode=hunter2",
        "postgres://scaler:pw@db/orders?connect_timeout=hunter2",
        "postgres://scaler:pw@db/orders?hunter2",
        "postgres://scaler:pw@[hunter2/orders",
        "postgres://scaler:%ff@db/%ffhunter2",
        "hunter2",
        "host=db user=scaler password=hunter2 hunter3",
        "postgres://:hunter2@db/orders",
    ] {
        let text = read(url).unwrap_err().to_string();
        assert!(!text.contains("hunter"), "{url}: {text}");
        assert!(!text.contains('\u{fffd}'), "{url}: {text}");
    }
}

#[test]
fn what_is_printed_for_debugging_holds_no_password() {
    let address = read("postgres://scaler:hunter2@db/orders").unwrap();
    assert!(!format!("{address:?}").contains("hunter2"));
}

#[test]
fn the_application_name_carries_the_budget_whatever_the_string_says() {
    let address = read("postgres://scaler@db/orders?application_name=mine").unwrap();
    assert_eq!(address.config.get_application_name(), Some("hybridscaler/uid-1"));
}

#[test]
fn sslmode_has_libpqs_meaning() {
    let mode = |query: &str| {
        let (config, mode) = parse(&format!("postgres://scaler:pw@db/orders{query}")).unwrap();
        assert_eq!((config.get_user(), config.get_password()), (Some("scaler"), Some("pw".as_bytes())));
        mode
    };
    assert_eq!(mode(""), Mode::Prefer);
    assert_eq!(mode("?sslmode=disable"), Mode::Disable);
    assert_eq!(mode("?sslmode=allow"), Mode::Prefer);
    assert_eq!(mode("?sslmode=require&connect_timeout=3"), Mode::Require);
    assert_eq!(mode("?connect_timeout=3&sslmode=verify-ca"), Mode::VerifyCa);
    assert_eq!(mode("?sslmode=verify-full&target_session_attrs=read-write"), Mode::VerifyFull);
    assert_eq!((Mode::Disable.ssl_mode(), Mode::Prefer.ssl_mode()), (SslMode::Disable, SslMode::Prefer));
    for (checked, verify) in
        [(Mode::Require, Verify::Nothing), (Mode::VerifyCa, Verify::Chain), (Mode::VerifyFull, Verify::ChainAndName)]
    {
        assert_eq!((checked.ssl_mode(), checked.verify()), (SslMode::Require, verify));
    }
}

#[test]
fn other_options_survive_the_reading_of_sslmode() {
    let (config, _) =
        parse("postgres://u:p%40%3F@db/orders?target_session_attrs=read-write&sslmode=require&channel_binding=require")
            .unwrap();
    assert_eq!(config.get_password(), Some("p@?".as_bytes()));
    assert_eq!(config.get_dbname(), Some("orders"));
    assert_eq!(config.get_target_session_attrs(), tokio_postgres::config::TargetSessionAttrs::ReadWrite);
    assert_eq!(config.get_channel_binding(), tokio_postgres::config::ChannelBinding::Require);
}

#[test]
fn a_certificate_cannot_be_verified_without_authorities() {
    for mode in ["verify-ca", "verify-full"] {
        let refused = read(&format!("postgres://scaler@db/orders?sslmode={mode}")).unwrap_err();
        assert!(refused.to_string().contains("--database-ca-file"), "{refused}");
    }
    read("postgres://scaler@db/orders?sslmode=require").unwrap();
}

#[test]
fn an_unsupported_certificate_option_is_named_with_its_mend() {
    let refused = read("postgres://scaler@db/orders?sslmode=verify-full&sslrootcert=/x.pem").unwrap_err();
    assert!(refused.to_string().contains("sslrootcert"), "{refused}");
}

#[test]
fn connecting_takes_at_most_five_seconds_a_host() {
    let timeout = |query: &str| {
        let address = read(&format!("postgres://scaler@db/orders{query}")).unwrap();
        address.config.get_connect_timeout().copied().unwrap().as_secs()
    };
    assert_eq!((timeout(""), timeout("?connect_timeout=2"), timeout("?connect_timeout=60")), (5, 2, 5));
    assert_eq!(read("postgres://scaler@a,b,c/orders").unwrap().time_limit().as_secs(), 15);
}

#[test]
fn a_string_without_a_user_is_refused() {
    assert!(read("postgres://db/orders").unwrap_err().to_string().contains("no user"));
}

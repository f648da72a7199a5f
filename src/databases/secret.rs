//! A connection URL out of a Secret, in the forms that such Secrets have.

use super::Engine;

/// Why a Secret gives no connection URL. No value of it is repeated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Neither the URL nor the parts of one.
    #[error("it has no key {key} with a connection URL, nor all of username, password and host: add what is missing")]
    Missing {
        /// The key that may hold the URL.
        key: String,
    },
    /// A value that is no text.
    #[error("its key {key} is not text: write it in UTF-8")]
    NotText {
        /// The key.
        key: String,
    },
}

/// The connection URL in a Secret, of which `value` gives the value of a key: that of `key`, or else one made of the keys `username`, `password`, `host`,
/// `port` and `dbname`, as AWS Secrets Manager's secrets for RDS and CloudNativePG's have them. `port` and `dbname` may be
/// missing. A URL that is made here verifies the server's certificate and its name.
///
/// # Errors
/// [`SecretError`].
pub fn connection_url<'a>(
    engine: Engine,
    value: impl Fn(&str) -> Option<&'a [u8]>,
    key: &str,
) -> Result<String, SecretError> {
    let text = |key: &str| {
        let text = value(key).map(|value| std::str::from_utf8(value).map(str::trim));
        text.transpose().map_err(|_| SecretError::NotText { key: key.to_owned() })
    };
    if let Some(url) = text(key)? {
        return Ok(url.to_owned());
    }
    let (Some(username), Some(password), Some(host)) = (text("username")?, text("password")?, text("host")?) else {
        return Err(SecretError::Missing { key: key.to_owned() });
    };
    let (scheme, verified, default_database) = match engine {
        Engine::Postgres => ("postgres", "sslmode=verify-full", "postgres"),
        Engine::MySql => ("mysql", "ssl-mode=VERIFY_IDENTITY", ""),
    };
    let (username, password) = (encoded(username), encoded(password));
    let port = text("port")?.map(|port| format!(":{port}")).unwrap_or_default();
    let database = encoded(text("dbname")?.unwrap_or(default_database));
    Ok(format!("{scheme}://{username}:{password}@{host}{port}/{database}?{verified}"))
}

/// Percent-encoded, which forms do but for the space.
fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn url(engine: Engine, data: &[(&str, &str)], key: &str) -> Result<String, SecretError> {
        let value = |key: &str| data.iter().find(|(known, _)| *known == key).map(|(_, value)| value.as_bytes());
        connection_url(engine, value, key)
    }

    #[test]
    fn the_key_with_a_url_wins() {
        let data = [("uri", "postgres://u:p@db/orders\n"), ("username", "u"), ("password", "p"), ("host", "other")];
        assert_eq!(url(Engine::Postgres, &data, "uri").unwrap(), "postgres://u:p@db/orders");
    }

    #[test]
    fn a_secret_in_parts_gives_a_url_that_verifies_the_server() {
        let data =
            [("username", "sc ler"), ("password", "p@/?#%+ä"), ("host", "db"), ("port", "6432"), ("dbname", "orders")];
        assert_eq!(
            url(Engine::Postgres, &data, "url").unwrap(),
            "postgres://sc%20ler:p%40%2F%3F%23%25%2B%C3%A4@db:6432/orders?sslmode=verify-full"
        );
        let data = [("username", "u"), ("password", "p"), ("host", "db"), ("engine", "mysql")];
        assert_eq!(url(Engine::MySql, &data, "url").unwrap(), "mysql://u:p@db/?ssl-mode=VERIFY_IDENTITY");
    }

    #[test]
    fn what_is_missing_or_no_text_is_named_and_no_value_repeated() {
        let missing = url(Engine::Postgres, &[("password", "hunter2")], "url").unwrap_err();
        assert_eq!(missing, SecretError::Missing { key: "url".into() });
        let broken = connection_url(Engine::Postgres, |_| Some(b"\xff".as_slice()), "url").unwrap_err();
        assert_eq!(broken, SecretError::NotText { key: "url".into() });
    }
}

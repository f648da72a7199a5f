//! The `Authorization` header of Signature Version 4.

use crate::error::Refusal;

/// What the header says about the signer: the credential scope without its date.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Authorization<'a> {
    pub(super) access_key: &'a str,
    pub(super) region: &'a str,
    pub(super) service: &'a str,
}

impl<'a> Authorization<'a> {
    /// Reads `AWS4-HMAC-SHA256 Credential=<key>/<date>/<region>/<service>/aws4_request, SignedHeaders=…, Signature=…`.
    pub(super) fn parse(header: &'a str) -> Result<Self, Refusal> {
        let malformed = |what: &str| Refusal::Malformed(format!("Authorization header requires {what}."));
        let fields =
            header.strip_prefix("AWS4-HMAC-SHA256 ").ok_or_else(|| malformed("the algorithm 'AWS4-HMAC-SHA256'"))?;
        let field = |name: &str| {
            fields
                .split(',')
                .find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='))
                .filter(|value| !value.is_empty())
                .ok_or_else(|| malformed(&format!("'{name}' parameter")))
        };
        field("SignedHeaders")?;
        field("Signature")?;
        let mut scope = field("Credential")?.split('/');
        match (scope.next(), scope.next(), scope.next(), scope.next(), scope.next(), scope.next()) {
            (Some(access_key), Some(_date), Some(region), Some(service), Some("aws4_request"), None) => {
                Ok(Self { access_key, region, service })
            }
            _ => Err(malformed("a Credential of key, date, region, service and 'aws4_request'")),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const SIGNED: &str = "AWS4-HMAC-SHA256 Credential=AKIA/20260102/eu-west-1/sqs/aws4_request, \
                          SignedHeaders=host;x-amz-date, Signature=00";

    #[test]
    fn the_credential_scope_is_read() {
        let expected = Authorization { access_key: "AKIA", region: "eu-west-1", service: "sqs" };
        assert_eq!(Authorization::parse(SIGNED).unwrap(), expected);
    }

    #[test]
    fn every_part_of_the_header_is_required() {
        for missing in
            ["AWS4-HMAC-SHA256 ", "Credential=", "SignedHeaders=", "Signature=", "/20260102", "/aws4_request"]
        {
            let header = SIGNED.replace(missing, "");
            assert!(matches!(Authorization::parse(&header), Err(Refusal::Malformed(_))), "{header}");
        }
    }
}

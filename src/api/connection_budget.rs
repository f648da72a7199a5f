//! The kind `ConnectionBudget`: what a database accepts, and who may have it.
#![expect(clippy::duplicated_attributes, reason = "columns of one type are no duplicates")]

use hybridscaler_core::budget;
use kube::{CustomResource, KubeSchema, core::Rule};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{rule::rule, spec_error::SpecError, status::ConnectionBudgetStatus};

/// How many connections a database accepts, and who may use them.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[kube(
    group = "hybridscaler.dev",
    version = "v1alpha1",
    kind = "ConnectionBudget",
    doc = "The connections that one database accepts, shared by every HybridScaler that refers to it.",
    namespaced,
    status = "ConnectionBudgetStatus",
    shortname = "cb",
    category = "autoscaling",
    derive = "PartialEq",
    printcolumn(
        name = "Capacity",
        type_ = "integer",
        json_path = ".status.capacity",
        description = "connections that the database accepts from its users"
    ),
    printcolumn(
        name = "Reserve",
        type_ = "integer",
        json_path = ".status.reserve",
        description = "connections kept for everything that is not scaled here"
    ),
    printcolumn(
        name = "Granted",
        type_ = "integer",
        json_path = ".status.granted",
        description = "connections that the scalers may open"
    ),
    printcolumn(
        name = "Available",
        type_ = "integer",
        json_path = ".status.available",
        description = "connections that may still be granted"
    ),
    printcolumn(name = "Consumers", type_ = "integer", json_path = ".status.consumers"),
    printcolumn(
        name = "Open",
        type_ = "integer",
        json_path = ".status.observed.connections",
        description = "connections seen open, which grants never go by",
        priority = 1
    ),
    printcolumn(
        name = "Guaranteed",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="PoolsGuaranteed")].status"#,
        description = "whether every replica that was started can open its whole pool"
    ),
    printcolumn(name = "Ready", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].status"#),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = reserve_leaves_something())]
pub struct ConnectionBudgetSpec {
    /// Where the number of connections comes from.
    pub capacity: CapacitySource,

    /// What is kept for everything that is not scaled here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserve: Option<Reserve>,

    /// What happens to the scalers while more is granted than the capacity beside the reserve, as when a database shrinks. Nobody
    /// grows then in any case. Default `Hold`.
    #[serde(default)]
    pub on_shrink: OnShrink,

    /// Which namespaces may refer to this budget. Default: its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_namespaces: Option<AllowedNamespaces>,

    /// How often a live capacity is read again, in seconds. Default 30; 5 to 3600. A static capacity is not read.
    #[serde(default = "thirty")]
    #[schemars(range(min = 5, max = 3600))]
    pub poll_interval_seconds: i32,
}

/// What happens to scalers while more is granted than the capacity beside the reserve.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnShrink {
    /// They keep what they run, until their own load falls.
    #[default]
    Hold,
    /// The largest grants are lowered to one level until all fit, below `minReplicas` if need be, once three readings in a row agree.
    Drain,
}

/// Where the number of connections comes from. Exactly one source: `static`, `postgres` or `mysql`.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = one_source())]
pub struct CapacitySource {
    /// A fixed number of connections; 1 to 1000000. Subtract what the server keeps for superusers.
    #[serde(default, rename = "static", skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub fixed: Option<i32>,

    /// Read from the PostgreSQL server itself: `max_connections` minus everything it keeps for superusers and reserved roles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postgres: Option<PostgresSource>,

    /// Read from the MySQL or MariaDB server itself: `max_connections`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mysql: Option<MysqlSource>,
}

/// A PostgreSQL server.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct PostgresSource {
    /// The Secret with the server's connection URL. Any role that may log in will do; it needs one connection.
    pub secret_ref: SecretRef,
}

/// A MySQL or MariaDB server.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct MysqlSource {
    /// The Secret with the server's connection URL. Any account that may log in will do; it needs one connection.
    pub secret_ref: SecretRef,
}

/// One key of a Secret in the budget's namespace. The operator needs a Role that lets it get this Secret by name.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct SecretRef {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253), regex(pattern = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"))]
    pub name: String,

    /// Key in the Secret. Default `url`.
    #[serde(default = "url")]
    #[schemars(length(min = 1, max = 253), regex(pattern = r"^[-._a-zA-Z0-9]+$"))]
    pub key: String,
}

/// What is kept for everything that is not scaled here.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Reserve {
    /// Connections for people, migrations, scheduled jobs and other services. Default 0; 0 to 1000000.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub connections: i32,
}

/// Which namespaces may refer to a budget.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct AllowedNamespaces {
    /// `Same`: the budget's own namespace. `All`: every namespace. Default `Same`.
    #[serde(default)]
    pub from: NamespacesFrom,
}

/// A set of namespaces.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NamespacesFrom {
    /// The budget's own.
    #[default]
    Same,
    /// Every one.
    All,
}

/// The source that a [`CapacitySource`] names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source<'a> {
    /// A fixed number.
    Static(i32),
    /// A PostgreSQL server.
    Postgres(&'a PostgresSource),
    /// A MySQL or MariaDB server.
    Mysql(&'a MysqlSource),
}

impl CapacitySource {
    /// The one source that it names.
    ///
    /// # Errors
    /// It names none, or several.
    pub fn source(&self) -> Result<Source<'_>, SpecError> {
        match (self.fixed, &self.postgres, &self.mysql) {
            (Some(connections), None, None) => Ok(Source::Static(connections)),
            (None, Some(postgres), None) => Ok(Source::Postgres(postgres)),
            (None, None, Some(mysql)) => Ok(Source::Mysql(mysql)),
            _ => {
                let message = "is not one source: set exactly one of static, postgres and mysql";
                Err(SpecError::new("spec.capacity", "", message))
            }
        }
    }
}

impl ConnectionBudgetSpec {
    /// Whether scalers of namespace `of` may refer to this budget, which lives in namespace `own`.
    pub fn admits(&self, own: &str, of: &str) -> bool {
        match self.allowed_namespaces.as_ref().map(|allowed| allowed.from).unwrap_or_default() {
            NamespacesFrom::Same => own == of,
            NamespacesFrom::All => true,
        }
    }
}

impl From<OnShrink> for budget::OnShrink {
    fn from(on_shrink: OnShrink) -> Self {
        match on_shrink {
            OnShrink::Hold => Self::Hold,
            OnShrink::Drain => Self::Drain,
        }
    }
}

fn thirty() -> i32 {
    30
}

fn url() -> String {
    "url".into()
}

fn one_source() -> Rule {
    rule(
        "[has(self.static), has(self.postgres), has(self.mysql)].filter(x, x).size() == 1",
        "capacity has %s: set exactly one of static, postgres and mysql",
        &["has(self.static) || has(self.postgres) || has(self.mysql) ? 'several sources' : 'no source'"],
    )
}

fn reserve_leaves_something() -> Rule {
    rule(
        "!has(self.capacity.static) || !has(self.reserve) || self.reserve.connections < self.capacity.static",
        "reserve.connections %s leaves nothing of capacity.static %s: lower the reserve or raise the capacity",
        &["self.reserve.connections", "self.capacity.static"],
    )
    .field_path(".reserve.connections")
}

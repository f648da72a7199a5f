//! Reading a budget's capacity: from its spec, or from its database as the Secret it names says.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use hybridscaler_core::Connections;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;

use super::{
    context::{Context, Subject},
    trouble::Trouble,
};
use crate::{
    api::{
        ConnectionBudget,
        conditions::{ConditionType, reasons},
        config::Resource,
        connection_budget::{MysqlSource, PostgresSource, SecretRef, Source},
        rbac,
    },
    databases::{self, Database, Engine, Roots},
    ledger::in_time,
};

/// What a budget's source said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// A number that a person wrote down.
    Fixed(Connections),
    /// What a server says now.
    Live(databases::Reading),
}

/// One connection for each budget that reads a database. It is kept while the connection string stays the same.
pub(super) struct Databases {
    roots: Roots,
    open: Mutex<HashMap<String, (String, Database)>>,
    /// What a simulation's databases say instead, by the UID of the budget.
    #[cfg(test)]
    modelled: Option<Modelled>,
}

/// What the database of a budget (by UID) says now.
#[cfg(test)]
type Modelled = Box<dyn Fn(&str) -> Result<Connections, Trouble> + Send + Sync>;

/// What a modelled database says: how many connections it accepts, and nothing else.
#[cfg(test)]
fn accepts(max_connections: Connections) -> databases::Reading {
    let count = Connections::ZERO;
    databases::Reading {
        limits: databases::Limits::MySql { max_connections },
        open: databases::OpenConnections { count, method: databases::Method::ThreadsConnected },
        other_ledgers: Vec::new(),
    }
}

impl Databases {
    pub(super) fn new(roots: Roots) -> Self {
        Self {
            roots,
            open: Mutex::default(),
            #[cfg(test)]
            modelled: None,
        }
    }

    /// Databases of a simulation.
    #[cfg(test)]
    pub(super) fn modelled(database: impl Fn(&str) -> Result<Connections, Trouble> + Send + Sync + 'static) -> Self {
        Self { modelled: Some(Box::new(database)), ..Self::new(Roots::from_iter([])) }
    }

    /// Closes the connections of every budget of which `lives` is false, by UID.
    pub(super) fn retain(&self, lives: impl Fn(&str) -> bool) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).retain(|uid, _| lives(uid));
    }

    /// Closes the connection of a budget that reads no database any more.
    fn close(&self, uid: &str) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(uid);
    }

    fn database(&self, engine: Engine, uid: &str, url: &str) -> Result<Database, Trouble> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, database)) = open.get(uid).filter(|(known, _)| known == url) {
            return Ok(database.clone());
        }
        let database =
            Database::new(engine, url, uid, &self.roots).map_err(|error| unknown(error.reason(), error.to_string()))?;
        open.insert(uid.to_owned(), (url.to_owned(), database.clone()));
        Ok(database)
    }
}

/// Asks the source of `budget`'s capacity.
pub(super) async fn read(budget: &ConnectionBudget, subject: &Subject, ctx: &Context) -> Result<Reading, Trouble> {
    match budget.spec.capacity.source()? {
        Source::Static(_) => {
            ctx.databases.close(&subject.uid);
            let fixed = budget.spec.fixed_capacity()?.unwrap_or_default();
            Ok(Reading::Fixed(fixed))
        }
        Source::Postgres(PostgresSource { secret_ref }) => ask(Engine::Postgres, secret_ref, subject, ctx).await,
        Source::Mysql(MysqlSource { secret_ref }) => ask(Engine::MySql, secret_ref, subject, ctx).await,
    }
}

async fn ask(engine: Engine, reference: &SecretRef, subject: &Subject, ctx: &Context) -> Result<Reading, Trouble> {
    let url = connection_url(engine, reference, subject, ctx).await?;
    #[cfg(test)]
    if let Some(modelled) = &ctx.databases.modelled {
        return modelled(&subject.uid).map(accepts).map(Reading::Live);
    }
    let database = ctx.databases.database(engine, &subject.uid, &url)?;
    for host in database.hosts() {
        let host = Resource::DatabaseHost(host.to_string());
        let allowed = ctx.config.trust.allows(&subject.name.namespace, &host);
        allowed.map_err(|refusal| unknown(reasons::NOT_TRUSTED, refusal.to_string()))?;
    }
    database.read().await.map(Reading::Live).map_err(|error| unknown(error.reason(), error.to_string()))
}

async fn connection_url(
    engine: Engine,
    SecretRef { name, key }: &SecretRef,
    subject: &Subject,
    ctx: &Context,
) -> Result<String, Trouble> {
    let namespace = &subject.name.namespace;
    let secret = in_time(Api::<Secret>::namespaced(ctx.client.clone(), namespace).get(name)).await.map_err(
        |error| match &error {
            kube::Error::Api(status) if status.is_forbidden() => unknown(
                reasons::FORBIDDEN,
                format!(
                    "the operator may not read Secret {namespace}/{name}. To allow it, apply:\n{}",
                    rbac::read_secret(namespace, name, &ctx.account)
                ),
            ),
            kube::Error::Api(status) if status.is_not_found() => unknown(
                reasons::SECRET_NOT_FOUND,
                format!("Secret {namespace}/{name} does not exist: create it with key {key}"),
            ),
            _ => unknown(reasons::SECRET_NOT_FOUND, format!("Secret {namespace}/{name} cannot be read: {error}")),
        },
    )?;
    let value = |key: &str| Some(secret.data.as_ref()?.get(key)?.0.as_slice());
    databases::connection_url(engine, value, key).map_err(|error| {
        unknown(reasons::SECRET_NOT_FOUND, format!("Secret {namespace}/{name} cannot be used: {error}"))
    })
}

fn unknown(reason: &'static str, message: impl Into<String>) -> Trouble {
    Trouble::new(ConditionType::CapacityKnown, reason, message)
}

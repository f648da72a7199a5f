//! The calls that a target makes of ECS.

use aws_sdk_ecs::{
    config::Builder,
    error::{ProvideErrorMetadata, SdkError},
    types,
};

#[cfg(test)]
use futures::future::BoxFuture;

use super::{
    owner,
    tasks::{self, Listed},
};
use crate::aws::{Access, Aws, Failure, Permission, Service, try_once};

/// Where the calls go.
#[derive(Clone, Debug)]
pub(super) enum Calls {
    /// AWS.
    Aws(Aws),
    /// A simulation's model of it.
    #[cfg(test)]
    Modelled(std::sync::Arc<dyn Modelled>),
}

/// ECS in a simulation.
#[cfg(test)]
pub(crate) trait Modelled: std::fmt::Debug + Send + Sync {
    /// See [`Calls::describe`].
    fn describe(&self, service: &Service) -> BoxFuture<'static, Result<Option<types::Service>, Failure>>;

    /// See [`Calls::list`].
    fn list(&self, service: &Service) -> BoxFuture<'static, Result<Listed, Failure>>;

    /// See [`Calls::update`].
    fn update(&self, service: &Service, count: i32) -> BoxFuture<'static, Result<(), Failure>>;
}

impl Calls {
    /// The service; none when there is no such one.
    pub(super) async fn describe(&self, service: &Service) -> Result<Option<types::Service>, Failure> {
        let aws = match self {
            Self::Aws(aws) => aws,
            #[cfg(test)]
            Self::Modelled(model) => return model.describe(service).await,
        };
        let Service { cluster, name, access } = service;
        let ecs = aws.clients(access).await.ecs;
        let answer = ecs.describe_services().cluster(cluster).services(name).send().await;
        let answer = answer.map_err(|error| failure(service, &error, "ecs:DescribeServices"))?;
        // A service that does not exist is not an error of the call: it is told apart in `failures`.
        Ok(answer.services.unwrap_or_default().into_iter().next())
    }

    /// Its tasks.
    pub(super) async fn list(&self, service: &Service) -> Result<Listed, Failure> {
        match self {
            Self::Aws(aws) => tasks::list(&aws.clients(&service.access).await.ecs, service).await,
            #[cfg(test)]
            Self::Modelled(model) => model.list(service).await,
        }
    }

    /// The services that Application Auto Scaling scales, as `service/CLUSTER/SERVICE`.
    pub(super) async fn scalable_targets(&self, access: &Access) -> Result<Vec<String>, Failure> {
        match self {
            Self::Aws(aws) => owner::list(&aws.clients(access).await.application_autoscaling, access).await,
            #[cfg(test)]
            Self::Modelled(_) => Ok(Vec::new()),
        }
    }

    /// Tells it to run `count` tasks. Tries once.
    pub(super) async fn update(&self, service: &Service, count: i32) -> Result<(), Failure> {
        let aws = match self {
            Self::Aws(aws) => aws,
            #[cfg(test)]
            Self::Modelled(model) => return model.update(service, count).await,
        };
        let Service { cluster, name, access } = service;
        let ecs = aws.clients(access).await.ecs;
        let update = ecs.update_service().cluster(cluster).service(name).desired_count(count);
        let once = Builder::new().retry_config(try_once());
        let answer = update.customize().config_override(once).send().await;
        answer.map(drop).map_err(|error| failure(service, &error, "ecs:UpdateService"))
    }
}

fn failure<E>(service: &Service, error: &SdkError<E>, action: &'static str) -> Failure
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    let needs = Permission { action, resource: service.arn() };
    Failure::of(error, &needs, &service.access)
}

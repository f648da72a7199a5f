//! What lies between the operator and what it calls: calls take their time, get lost, and arrive after nobody waits any more.

use aws_sdk_ecs::types::Service as EcsService;
use futures::future::BoxFuture;
use http::{Method, Request, Response};
use hybridscaler_core::reading::Unknown;
use kube::{Client, client::Body};
use tokio::sync::oneshot;

use super::{
    omission::Omission,
    server,
    world::{Event, Shared, World},
};
use crate::{
    aws::{ATTEMPT_TIMEOUT, Failure, Outcome, Service},
    targets::{Listed, Modelled},
};

/// The longest that the API server works on a request, in milliseconds.
const LONGEST_REQUEST: u64 = 55_000;
/// The longest that AWS works on a write from when it is sent, in milliseconds.
const LONGEST_WRITE: u64 = 9_800;
/// When calls are given up: a little later than their limits.
const TIME_OUTS: [u64; 2] = [3_001, GIVEN_UP];
const GIVEN_UP: u64 = 5_001;

/// A call on its way.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) process: u64,
    pub(super) request: Asked,
    reply: Option<oneshot::Sender<Reply>>,
    fate: Fate,
}

impl Clone for Call {
    fn clone(&self) -> Self {
        Self { process: self.process, request: self.request.clone(), reply: None, fate: self.fate }
    }
}

/// What is asked for.
#[derive(Clone, Debug)]
pub(super) enum Asked {
    Kube { method: Method, path: String, query: String, body: Vec<u8> },
    Describe(String),
    List(String),
    Update(String, u32),
}

/// What is answered.
#[derive(Debug)]
pub(super) enum Reply {
    Kube(u16, Vec<u8>),
    Service(Option<Box<EcsService>>),
    Tasks(Listed),
    Updated,
    /// ECS refuses the call.
    Refused,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Arrives,
    /// It is never carried out, and nobody answers.
    IsLost,
    /// It is carried out, and the answer is lost.
    Silent,
    /// The server refuses it for now.
    Fails(u16),
}

impl Asked {
    fn is_write(&self) -> bool {
        match self {
            Self::Kube { method, .. } => *method != Method::GET,
            Self::Update(..) => true,
            Self::Describe(_) | Self::List(_) => false,
        }
    }

    fn is_scale(&self) -> bool {
        matches!(self, Self::Kube { path, .. } if path.ends_with("/scale"))
    }

    fn in_words(&self) -> String {
        match self {
            Self::Kube { method, path, .. } => format!("{method} {}", path.rsplit("/orders/").next().unwrap_or(path)),
            Self::Describe(name) => format!("DescribeServices {name}"),
            Self::List(name) => format!("ListTasks {name}"),
            Self::Update(name, count) => format!("UpdateService {name} to {count}"),
        }
    }
}

impl World {
    /// Sends a call; its fate is thrown now.
    fn send(&mut self, process: u64, request: Asked) -> oneshot::Receiver<Reply> {
        let (sender, receiver) = oneshot::channel();
        self.called += 1;
        let id = self.called;
        let write = request.is_write();
        let fate = match self.dice.within(0, 999) {
            _ if self.calm => Fate::Arrives,
            thrown if thrown < self.rates.lost => Fate::IsLost,
            thrown if thrown < 2 * self.rates.lost => Fate::Silent,
            thrown if thrown >= 995 => Fate::Fails(503),
            thrown if thrown >= 990 && write => Fate::Fails(409),
            _ => Fate::Arrives,
        };
        let mut after = self.delay(20, 2_000);
        if !self.calm && self.dice.chance(if write { self.rates.late } else { 4 }) {
            let longest = if matches!(request, Asked::Update(..)) { LONGEST_WRITE } else { LONGEST_REQUEST };
            after = self.dice.within(1_000, longest);
        }
        if let Asked::Update(..) = request {
            after = after.min(LONGEST_WRITE);
        }
        let mut reply = Some(sender);
        if after > GIVEN_UP && self.omits(Omission::AwaitWrites) && request.is_scale() {
            drop(reply.take().map(|to| to.send(Reply::Kube(422, server::status(422)))));
        }
        self.calls.insert(id, Call { process, request, reply, fate });
        self.note(after, Event::Arrive(id));
        if after > 2_500 || fate != Fate::Arrives {
            for limit in TIME_OUTS {
                self.note(limit, Event::Tick);
            }
        }
        receiver
    }

    /// A call arrives: it is carried out, and its answer is on the way.
    pub(super) fn arrive(&mut self, id: u64) {
        let Some(call) = self.calls.get(&id).cloned() else { return };
        let Call { process, request, fate, .. } = call.clone();
        let words = request.in_words();
        let reply = match fate {
            Fate::IsLost => {
                self.tell(|| format!("process {process}: {words} is lost"));
                return;
            }
            Fate::Fails(code) => server::failure(&request, code),
            Fate::Arrives | Fate::Silent if self.omits(Omission::StoreFirst) && server::is_ledger(&request) => {
                let after = self.delay(300, 5_000);
                self.note(after, Event::StoreLate(call));
                server::as_if_stored(self, &request)
            }
            Fate::Arrives | Fate::Silent => server::serve(self, &call),
        };
        if request.is_write() || fate != Fate::Arrives {
            let code = match &reply {
                Reply::Kube(code, _) => format!("{code}"),
                Reply::Refused => "refused".to_owned(),
                _ => "done".to_owned(),
            };
            let silent = if fate == Fate::Silent { ", and the answer is lost" } else { "" };
            self.tell(|| format!("process {process}: {words}: {code}{silent}"));
        }
        if fate != Fate::Silent {
            let after = self.delay(15, 1_500);
            self.replies.insert(id, reply);
            self.note(after, Event::Answer(id));
        }
    }

    /// An answer reaches its caller, who may be gone.
    pub(super) fn answer(&mut self, id: u64) {
        if let (Some(reply), Some(Call { reply: Some(to), .. })) = (self.replies.remove(&id), self.calls.remove(&id)) {
            drop(to.send(reply));
        }
    }
}

/// The API server, as `process` reaches it.
pub(super) fn client(process: u64, world: &Shared) -> Client {
    let world = world.clone();
    let service = tower::service_fn(move |request: Request<Body>| {
        let world = world.clone();
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect_bytes().await?.to_vec();
            let query = parts.uri.query().unwrap_or_default().to_owned();
            let (method, path) = (parts.method, parts.uri.path().to_owned());
            let (code, answer) = if let Some(known) = server::constant(&method, &path) {
                (200, known.to_vec())
            } else if path.ends_with("/events") || path.contains("keda.sh") {
                (404, server::status(404))
            } else {
                let asked = Asked::Kube { method, path, query, body };
                let receiver = world.lock().send(process, asked);
                match receiver.await {
                    Ok(Reply::Kube(code, answer)) => (code, answer),
                    // It was lost: nobody ever answers.
                    _ => std::future::pending().await,
                }
            };
            Ok::<_, kube::Error>(Response::builder().status(code).body(Body::from(answer)).unwrap())
        }
    });
    Client::new(service, super::world::NAMESPACE)
}

/// ECS, as a process reaches it.
#[derive(Debug)]
pub(super) struct Ecs {
    pub(super) process: u64,
    pub(super) world: Shared,
}

impl Ecs {
    /// Sends `request`; without an answer nobody knows whether it was carried out.
    fn ask(&self, request: Asked) -> BoxFuture<'static, Result<Reply, Failure>> {
        let receiver = self.world.lock().send(self.process, request);
        let failure = |outcome| Failure { why: Unknown::Unreachable, outcome, message: "no answer".to_owned() };
        Box::pin(async move {
            match tokio::time::timeout(ATTEMPT_TIMEOUT, receiver).await {
                Ok(Ok(Reply::Refused)) => Err(failure(Outcome::NotCarriedOut)),
                Ok(Ok(reply)) => Ok(reply),
                _ => Err(failure(Outcome::Unknown)),
            }
        })
    }
}

impl Modelled for Ecs {
    fn describe(&self, service: &Service) -> BoxFuture<'static, Result<Option<EcsService>, Failure>> {
        let answer = self.ask(Asked::Describe(service.name.clone()));
        Box::pin(async move {
            match answer.await? {
                Reply::Service(service) => Ok(service.map(|service| *service)),
                _ => Ok(None),
            }
        })
    }

    fn list(&self, service: &Service) -> BoxFuture<'static, Result<Listed, Failure>> {
        let answer = self.ask(Asked::List(service.name.clone()));
        Box::pin(async move {
            match answer.await? {
                Reply::Tasks(listed) => Ok(listed),
                _ => unreachable!("tasks are what was asked for"),
            }
        })
    }

    fn update(&self, service: &Service, count: i32) -> BoxFuture<'static, Result<(), Failure>> {
        let answer = self.ask(Asked::Update(service.name.clone(), u32::try_from(count).unwrap()));
        Box::pin(async move { answer.await.map(drop) })
    }
}

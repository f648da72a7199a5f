//! The one container of a pod, as its status tells of it: what a kubelet would write.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value, json};

/// The pause after a container's first crash. Each further crash doubles it, up to [`LONGEST_PAUSE`]. A kubelet's are ten times as
/// long (10 s to 300 s): tests and the demo tell in minutes what takes an hour.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The container's name and what has happened to it.
pub(super) struct Container {
    name: String,
    image: String,
    started: Timestamp,
    crashes: u32,
    /// How it last ended, if it did.
    last_state: Value,
}

impl Container {
    /// The first container of a pod, not crashed yet.
    pub(super) fn of(pod: &Pod) -> Self {
        let container = pod.spec.as_ref().and_then(|spec| spec.containers.first());
        Self {
            name: container.map(|container| container.name.clone()).unwrap_or_default(),
            image: container.and_then(|container| container.image.clone()).unwrap_or_default(),
            started: Timestamp::now(),
            crashes: 0,
            last_state: Value::Null,
        }
    }

    /// The container starts, at first or again. Gives the status to write; none at first, for the pod is Running already.
    pub(super) fn start(&mut self) -> Option<Value> {
        self.started = Timestamp::now();
        let running = json!({"running": {"startedAt": self.started}});
        (self.crashes > 0).then(|| self.status(true, &running))
    }

    /// The container has ended with exit code 1. Gives the status to write and the pause before it starts again.
    pub(super) fn crash(&mut self, message: &str) -> (Value, Duration) {
        let pause = FIRST_PAUSE.saturating_mul(2u32.saturating_pow(self.crashes)).min(LONGEST_PAUSE);
        self.crashes = self.crashes.saturating_add(1);
        self.last_state = json!({"terminated": {
            "exitCode": 1, "reason": "Error", "message": message, "startedAt": self.started, "finishedAt": Timestamp::now(),
        }});
        let told = format!("back-off {}s restarting failed container={}", pause.as_secs(), self.name);
        let waiting = json!({"waiting": {"reason": "CrashLoopBackOff", "message": told}});
        (self.status(false, &waiting), pause)
    }

    /// The pod stays in phase Running, as a pod that restarts its containers does.
    fn status(&self, ready: bool, state: &Value) -> Value {
        let condition = |kind: &str| {
            json!({
                "type": kind,
                "status": if ready { "True" } else { "False" },
                "reason": if ready { Value::Null } else { json!("ContainersNotReady") },
                "lastTransitionTime": Timestamp::now(),
            })
        };
        json!({"status": {
            "conditions": [condition("Ready"), condition("ContainersReady")],
            "containerStatuses": [{
                "name": self.name, "image": self.image, "imageID": "", "ready": ready, "started": ready,
                "restartCount": self.crashes, "state": state, "lastState": self.last_state,
            }],
        }})
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::indexing_slicing, reason = "an absent key reads as null and fails the comparison")]

    use super::*;

    fn container() -> Container {
        Container {
            name: "app".into(),
            image: "app:1".into(),
            started: Timestamp::UNIX_EPOCH,
            crashes: 0,
            last_state: Value::Null,
        }
    }

    #[test]
    fn the_pause_doubles_up_to_its_bound() {
        let mut container = container();
        let pauses: Vec<_> = (0..8).map(|_| container.crash("no slot").1.as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30, 30]);
    }

    #[test]
    fn a_crash_is_told_as_a_kubelet_tells_it() {
        let mut container = container();
        assert_eq!(container.start(), None, "the first start is already in the pod's status");
        let (status, _) = container.crash("no slot");
        let told = &status["status"]["containerStatuses"][0];
        assert_eq!(told["restartCount"], 1);
        assert_eq!(told["state"]["waiting"]["reason"], "CrashLoopBackOff");
        assert_eq!(told["lastState"]["terminated"]["exitCode"], 1);
        assert_eq!(told["lastState"]["terminated"]["message"], "no slot");
        assert_eq!(status["status"]["conditions"][0]["status"], "False");
        let back = container.start().map(|status| status["status"]["containerStatuses"][0].clone());
        assert_eq!(back.as_ref().map(|told| &told["restartCount"]), Some(&json!(1)));
        assert_eq!(back.as_ref().map(|told| &told["ready"]), Some(&json!(true)));
    }
}

//! The messages of an SQS queue, from `GetQueueAttributes`.
//!
//! The counts are approximate: by SQS's documentation they may take a minute to agree after the last message was sent.

use std::collections::HashMap;

use aws_sdk_sqs::types::QueueAttributeName;
use hybridscaler_core::reading::{Load, Reading, Unknown};
use jiff::Timestamp;

use crate::aws::{Aws, Failure, Permission, Queue};

const ATTRIBUTES: [QueueAttributeName; 3] = [
    QueueAttributeName::ApproximateNumberOfMessages,
    QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
    QueueAttributeName::ApproximateNumberOfMessagesDelayed,
];

pub(super) async fn read(queue: &Queue, aws: &Aws) -> Reading {
    let sqs = aws.clients(&queue.access).await.sqs;
    let request = sqs.get_queue_attributes().queue_url(&queue.url).set_attribute_names(Some(ATTRIBUTES.to_vec()));
    match request.send().await {
        Ok(answer) => of_attributes(&answer.attributes.unwrap_or_default(), Timestamp::now()),
        Err(error) => {
            let needs = Permission { action: "sqs:GetQueueAttributes", resource: queue.arn() };
            Failure::of(&error, &needs, &queue.access).into()
        }
    }
}

fn of_attributes(attributes: &HashMap<QueueAttributeName, String>, at: Timestamp) -> Reading {
    let count = |name: &QueueAttributeName| match attributes.get(name) {
        None => Err(Reading::unknown(Unknown::Empty, format!("the queue's answer lacks {name}"))),
        Some(text) => text.parse::<u64>().map_err(|error| {
            Reading::unknown(Unknown::Invalid, format!("the queue's {name} is not a count: {text:?}: {error}"))
        }),
    };
    let [visible, in_flight, delayed] = ATTRIBUTES.each_ref().map(count);
    match (visible, in_flight, delayed) {
        (Ok(visible), Ok(in_flight), Ok(delayed)) => {
            Reading::Known { load: Load::Queue { visible, in_flight, delayed }, at }
        }
        (Err(unknown), ..) | (_, Err(unknown), _) | (.., Err(unknown)) => unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(counts: [Option<&str>; 3]) -> Reading {
        let given = ATTRIBUTES.into_iter().zip(counts).filter_map(|(name, count)| Some((name, count?.to_owned())));
        of_attributes(&given.collect(), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn the_three_counts_are_one_reading() {
        let load = Load::Queue { visible: 420, in_flight: 10, delayed: 0 };
        let at = Timestamp::UNIX_EPOCH;
        assert_eq!(read([Some("420"), Some("10"), Some("0")]), Reading::Known { load, at });
    }

    #[test]
    fn a_missing_count_is_empty_and_not_zero() {
        for missing in 0..3 {
            let counts = std::array::from_fn(|index| (index != missing).then_some("7"));
            assert!(read(counts).why() == Some(Unknown::Empty), "without count {missing}");
        }
    }

    #[test]
    fn what_is_not_a_count_is_invalid() {
        for text in ["", "-1", "many", "1.5", "18446744073709551616"] {
            let reading = read([Some(text), Some("0"), Some("0")]);
            assert!(reading.why() == Some(Unknown::Invalid), "{text:?} gave {reading:?}");
        }
    }
}

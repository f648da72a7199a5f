//! What the operator's `/metrics` says of its scalers.

use std::collections::HashMap;

/// The gauges of all scalers at one moment.
#[derive(Debug)]
pub(super) struct Gauges(HashMap<(String, String), f64>);

impl Gauges {
    /// Reads the series that have a label `scaler`, in Prometheus's text format.
    pub(super) fn parse(text: &str) -> Self {
        let series = text.lines().filter_map(|line| {
            let (name, rest) = line.split_once('{')?;
            let (labels, value) = rest.rsplit_once("} ")?;
            let (_, scaler) = labels.split_once("scaler=\"")?;
            let (scaler, _) = scaler.split_once('"')?;
            Some(((name.to_owned(), scaler.to_owned()), value.parse().ok()?))
        });
        Self(series.collect())
    }

    /// The replicas that a gauge of a scaler says, if it says any.
    pub(super) fn replicas(&self, gauge: &str, scaler: &str) -> Option<u32> {
        let value = self.0.get(&(gauge.to_owned(), scaler.to_owned()))?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "held between 0 and u32::MAX by the cast"
        )]
        Some(*value as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scalers_gauges_are_told_apart() {
        let gauges = Gauges::parse(
            "# HELP hybridscaler_replicas_wanted Replicas\n# TYPE hybridscaler_replicas_wanted gauge\n\
             hybridscaler_replicas_wanted{namespace=\"orders\",scaler=\"order-worker\"} 24\n\
             hybridscaler_replicas_wanted{namespace=\"orders\",scaler=\"core-api\"} 50\n\
             hybridscaler_capacity{budget=\"orders-db\",namespace=\"orders\"} 357\n",
        );
        assert_eq!(gauges.replicas("hybridscaler_replicas_wanted", "order-worker"), Some(24));
        assert_eq!(gauges.replicas("hybridscaler_replicas_wanted", "core-api"), Some(50));
        assert_eq!(gauges.replicas("hybridscaler_replicas_allowed", "core-api"), None);
    }
}

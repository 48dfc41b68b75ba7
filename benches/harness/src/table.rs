//! What was measured, as rows of a table: one row a measure, one column a program.
//!
//! Contract: a cell is the measured value and its ratio to the row's reference; a limit judges the wrapper's columns alone.

use crate::stats::{median, percentile};

/// Differences below this share count as equal, where the target is "no worse than".
const NOISE: f64 = 0.05;

/// How many samples become one value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stat {
    /// The median; the ratio is the median over the rounds.
    Median,
    /// The median of values that can be near zero in one round; the ratio is that of the medians.
    MedianDifference,
    P99,
    Min,
    Max,
}

/// What a value is compared with.
#[derive(Clone, Copy)]
pub(crate) enum Reference {
    Peer(&'static str),
    /// The peer with the lowest value.
    BestPeer,
    None,
}

/// What the wrapper has to reach.
#[derive(Clone, Copy)]
pub(crate) enum Limit {
    Ratio(f64),
    NoWorse,
    Value(f64),
    Yes,
}

#[derive(Clone, Copy)]
pub(crate) enum Unit {
    Ms,
    Us,
    Kb,
    Count,
    YesNo,
}

pub(crate) struct Cell {
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) ratio: Option<f64>,
}

pub(crate) struct Row {
    /// Stable name for the JSON form.
    pub(crate) key: &'static str,
    pub(crate) label: String,
    pub(crate) unit: Unit,
    pub(crate) cells: Vec<Cell>,
    pub(crate) limit: Option<Limit>,
}

/// Samples of one program; the n-th ones of all programs were taken in the same round.
pub(crate) type Series = (String, Vec<f64>);

impl Row {
    pub(crate) fn new(
        key: &'static str,
        label: impl Into<String>,
        unit: Unit,
        stat: Stat,
        reference: Reference,
        series: &[Series],
    ) -> Self {
        let value = |samples: &[f64]| match stat {
            Stat::Median | Stat::MedianDifference => median(samples),
            Stat::P99 => percentile(samples, 0.99),
            Stat::Min => percentile(samples, 0.0),
            Stat::Max => percentile(samples, 1.0),
        };
        let peers = || series.iter().filter(|(name, _)| name != "wrapper");
        let base = match reference {
            Reference::Peer(peer) => series.iter().find(|(name, _)| name == peer),
            Reference::BestPeer => peers().min_by(|a, b| value(&a.1).total_cmp(&value(&b.1))),
            Reference::None => None,
        };
        let ratio = |samples: &[f64], base: &[f64]| match stat {
            Stat::Median => median(&samples.iter().zip(base).map(|(a, b)| a / b).collect::<Vec<_>>()),
            _ => value(samples) / value(base),
        };
        let cells = series
            .iter()
            .map(|(name, samples)| Cell {
                name: name.clone(),
                value: value(samples),
                ratio: base.map(|(_, base)| ratio(samples, base)).filter(|ratio| ratio.is_finite()),
            })
            .collect();
        Self { key, label: label.into(), unit, cells, limit: None }
    }

    pub(crate) fn limit(mut self, limit: Limit) -> Self {
        self.limit = Some(limit);
        self
    }

    pub(crate) fn cell(&self, name: &str) -> Option<&Cell> {
        self.cells.iter().find(|cell| cell.name == name)
    }

    /// Whether the wrapper is within the limit in all its columns; None without a limit, a wrapper or a reference.
    pub(crate) fn reached(&self) -> Option<bool> {
        let limit = self.limit?;
        let within = |cell: &Cell| match limit {
            Limit::Ratio(most) => Some(cell.ratio? <= most),
            Limit::NoWorse => Some(cell.ratio? <= 1.0 + NOISE),
            Limit::Value(most) => Some(cell.value <= most),
            Limit::Yes => Some(cell.value > 0.0),
        };
        let ours = self.cells.iter().filter(|cell| cell.name.starts_with("wrapper"));
        ours.map(within).reduce(|one, other| Some(one? && other?))?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(stat: Stat, reference: Reference) -> Row {
        let series: [Series; 3] = [
            ("wrapper".into(), vec![1.0, 4.0, 3.0]),
            ("tini".into(), vec![2.0, 4.0, 4.0]),
            ("catatonit".into(), vec![9.0, 9.0, 9.0]),
        ];
        Row::new("key", "label", Unit::Ms, stat, reference, &series)
    }

    fn wrapper(row: &Row) -> (f64, Option<f64>) {
        let cell = row.cell("wrapper").expect("there is one");
        (cell.value, cell.ratio)
    }

    #[test]
    fn a_median_ratio_is_the_median_over_the_rounds() {
        assert_eq!(wrapper(&row(Stat::Median, Reference::Peer("tini"))), (3.0, Some(0.75)));
    }

    #[test]
    fn the_best_peer_is_never_the_wrapper() {
        assert_eq!(wrapper(&row(Stat::Max, Reference::BestPeer)), (4.0, Some(1.0)));
    }

    #[test]
    fn an_absent_reference_gives_no_ratio_and_no_verdict() {
        let row = row(Stat::Median, Reference::Peer("dumb-init")).limit(Limit::Ratio(0.8));
        assert_eq!(wrapper(&row), (3.0, None));
        assert_eq!(row.reached(), None);
    }

    #[test]
    fn limits_judge_the_wrapper() {
        let reached = |limit| row(Stat::Median, Reference::Peer("tini")).limit(limit).reached();
        assert_eq!(reached(Limit::Ratio(0.75)), Some(true));
        assert_eq!(reached(Limit::Ratio(0.74)), Some(false));
        assert_eq!(reached(Limit::Value(2.9)), Some(false));
        assert_eq!(reached(Limit::NoWorse), Some(true));
    }

    #[test]
    fn one_column_of_the_wrapper_beyond_the_limit_is_enough() {
        let series: [Series; 2] = [("wrapper".into(), vec![1.0]), ("wrapper, 4 jobs".into(), vec![3.0])];
        let row = || Row::new("key", "label", Unit::Ms, Stat::Median, Reference::None, &series);
        assert_eq!(row().limit(Limit::Value(3.0)).reached(), Some(true));
        assert_eq!(row().limit(Limit::Value(2.0)).reached(), Some(false));
    }
}

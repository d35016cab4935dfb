//! Figures: what was measured, its repetitions, and how both are shown.
//!
//! What must stay true: a figure is the median of its repetitions and shows their spread. What is absent: what has to be held, see
//! `holds`.

use serde_json::{Value as Json, json};

/// One measured figure: its repetitions in order.
#[derive(Clone, Debug)]
pub struct Figure {
    /// The workload.
    pub workload: &'static str,
    /// What was measured.
    pub what: String,
    /// In what.
    pub unit: &'static str,
    /// Each repetition.
    pub values: Vec<f64>,
}

/// A figure of `workload`.
pub fn figure(workload: &'static str, what: impl Into<String>, unit: &'static str, values: Vec<f64>) -> Figure {
    Figure { workload, what: what.into(), unit, values }
}

impl Figure {
    /// The middle repetition.
    pub fn median(&self) -> f64 {
        let mut sorted = self.values.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
    }

    /// The least and the most.
    pub fn spread(&self) -> (f64, f64) {
        let least = self.values.iter().copied().fold(f64::INFINITY, f64::min);
        (least, self.values.iter().copied().fold(0.0, f64::max))
    }

    /// It counts what must never be, and some was.
    pub fn is_wrong(&self) -> bool {
        (self.what.ends_with(" lost") || self.what.ends_with(" doubled")) && self.values.iter().any(|value| *value > 0.0)
    }

    /// One line for people.
    pub fn line(&self) -> String {
        let (least, most) = self.spread();
        format!("{:8} {:62} {:>12.2} {:8} ({least:.2}..{most:.2})\n", self.workload, self.what, self.median(), self.unit)
    }

    /// One line for machines.
    pub fn json(&self) -> Json {
        let (least, most) = self.spread();
        json!({ "workload": self.workload, "what": self.what, "unit": self.unit, "median": self.median(), "min": least, "max": most,
            "repetitions": self.values.len() })
    }
}

/// The median of the figure with this workload and this text; `None` when it was not measured.
pub fn reached(figures: &[Figure], workload: &str, what: &str) -> Option<f64> {
    figures.iter().find(|figure| figure.workload == workload && figure.what == what).map(Figure::median)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_lost_or_doubled_effect_is_wrong_and_nothing_else_is() {
        let wrong = |what, values| figure("w4", what, "", values).is_wrong();
        assert_eq!([wrong("9 waiting: pre lost", vec![0.0, 1.0]), wrong("9 waiting: post doubled", vec![1.0])], [true, true]);
        assert_eq!([wrong("9 waiting: pre lost", vec![0.0]), wrong("9 waiting: released", vec![7.0])], [false, false]);
    }
}

//! The text format of Prometheus, version 0.0.4.

use std::{fmt::Write as _, time::Duration};

/// A page of metrics while it is written. Each name is written once; names and label names are literals of this workspace.
#[derive(Clone, Debug, Default)]
pub struct Page {
    text: String,
}

/// Label names with their values.
pub type Labels<'a> = &'a [(&'static str, &'a str)];
/// The same with a value.
pub type Labelled<'a> = (Vec<(&'static str, &'a str)>, u64);

/// Durations counted by upper bound.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    /// Upper bounds, seconds, ascending.
    bounds: &'static [f64],
    /// One more than bounds: the last one is beyond.
    counts: Vec<u64>,
    sum: f64,
}

impl Histogram {
    pub fn new(bounds: &'static [f64]) -> Self {
        Self { bounds, counts: vec![0; bounds.len() + 1], sum: 0.0 }
    }

    pub fn observe(&mut self, took: Duration) {
        let seconds = took.as_secs_f64();
        let place = self.bounds.iter().position(|bound| seconds <= *bound).unwrap_or(self.bounds.len());
        self.counts[place] += 1;
        self.sum += seconds;
    }

    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

impl Page {
    /// A value that only grows while the process lives; its name ends in `_total`.
    pub fn counter(&mut self, name: &'static str, help: &'static str, value: impl Into<f64>) {
        self.head(name, help, "counter");
        self.sample(name, "", &[], value.into());
    }

    pub fn gauge(&mut self, name: &'static str, help: &'static str, value: impl Into<f64>) {
        self.head(name, help, "gauge");
        self.sample(name, "", &[], value.into());
    }

    /// One counter for each set of labels.
    pub fn counters<'a>(
        &mut self,
        name: &'static str,
        help: &'static str,
        samples: impl IntoIterator<Item = Labelled<'a>>,
    ) {
        self.family(name, help, "counter", samples);
    }

    /// One gauge for each set of labels.
    pub fn gauges<'a>(
        &mut self,
        name: &'static str,
        help: &'static str,
        samples: impl IntoIterator<Item = Labelled<'a>>,
    ) {
        self.family(name, help, "gauge", samples);
    }

    /// One histogram for each set of labels.
    pub fn histograms<'a>(
        &mut self,
        name: &'static str,
        help: &'static str,
        samples: impl IntoIterator<Item = (Vec<(&'static str, &'a str)>, &'a Histogram)>,
    ) {
        self.head(name, help, "histogram");
        for (labels, histogram) in samples {
            let mut below = 0;
            let bounds = histogram.bounds.iter().map(f64::to_string).chain(["+Inf".to_owned()]);
            for (bound, count) in bounds.zip(&histogram.counts) {
                below += count;
                let mut labels = labels.clone();
                labels.push(("le", &bound));
                self.sample(name, "_bucket", &labels, below as f64);
            }
            self.sample(name, "_sum", &labels, histogram.sum);
            self.sample(name, "_count", &labels, below as f64);
        }
    }

    /// Another encoder's text, whose names begin otherwise; its end mark is taken off.
    pub fn append(&mut self, text: &str) {
        for line in text.lines().filter(|line| !line.is_empty() && *line != "# EOF") {
            self.text.push_str(line);
            self.text.push('\n');
        }
    }

    pub fn finish(self) -> String {
        self.text
    }

    fn family<'a>(
        &mut self,
        name: &'static str,
        help: &'static str,
        kind: &'static str,
        samples: impl IntoIterator<Item = Labelled<'a>>,
    ) {
        self.head(name, help, kind);
        for (labels, value) in samples {
            self.sample(name, "", &labels, value as f64);
        }
    }

    fn head(&mut self, name: &str, help: &str, kind: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, suffix: &str, labels: Labels<'_>, value: f64) {
        self.text.push_str(name);
        self.text.push_str(suffix);
        if !labels.is_empty() {
            let labels: Vec<String> =
                labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
            let _ = write!(self.text, "{{{}}}", labels.join(","));
        }
        let _ = writeln!(self.text, " {value}");
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_reads_as_the_format_demands() {
        let mut page = Page::default();
        page.gauge("a_height", "Height.", 7_u32);
        page.counters("b_total", "Bs.", [(vec![("route", "/v1/\"x\"\\{id}")], 3)]);
        let mut histogram = Histogram::new(&[0.1, 1.0]);
        for ms in [50, 100, 200, 5_000] {
            histogram.observe(Duration::from_millis(ms));
        }
        page.histograms("c_seconds", "Cs.", [(vec![], &histogram)]);
        page.append("# TYPE engine_x counter\nengine_x_total 1\n# EOF\n");
        let expected = r##"# HELP a_height Height.
# TYPE a_height gauge
a_height 7
# HELP b_total Bs.
# TYPE b_total counter
b_total{route="/v1/\"x\"\\{id}"} 3
# HELP c_seconds Cs.
# TYPE c_seconds histogram
c_seconds_bucket{le="0.1"} 2
c_seconds_bucket{le="1"} 3
c_seconds_bucket{le="+Inf"} 4
c_seconds_sum 5.35
c_seconds_count 4
# TYPE engine_x counter
engine_x_total 1
"##;
        assert_eq!(page.finish(), expected);
        assert_eq!(histogram.count(), 4);
    }
}

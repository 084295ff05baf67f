//! The server's own counters of log bytes and fsyncs, from its management port.

use bytes::Bytes;

use super::rest::RestPool;
use crate::failure::Failure;

/// Where the counters are read.
pub(crate) struct Counters {
    pool: RestPool,
    path: String,
}

/// What the log of a server has done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Journal {
    pub(crate) bytes: Option<f64>,
    pub(crate) fsyncs: Option<f64>,
}

impl Counters {
    /// Counters at a URL like `http://127.0.0.1:9600/metrics`.
    pub(crate) fn new(url: &str, token: Option<&str>) -> Result<Self, Failure> {
        let rest = url.strip_prefix("http://").unwrap_or(url);
        let (authority, path) = rest.split_once('/').unwrap_or((rest, "metrics"));
        Ok(Self { pool: RestPool::new(authority, token, 1)?, path: format!("/{path}") })
    }

    /// Reads the counters. A server without them, or none at all, gives none.
    pub(crate) async fn journal(&self) -> Journal {
        let text = self.pool.get(&self.path).await.unwrap_or_else(|_| Bytes::new());
        let text = String::from_utf8_lossy(&text);
        Journal {
            bytes: sum(&text, "skep_journal_bytes_total"),
            fsyncs: sum(&text, "skep_journal_fsyncs_total"),
        }
    }
}

/// The sum of a counter over all its labels, in the Prometheus text format.
fn sum(text: &str, name: &str) -> Option<f64> {
    let values = text.lines().filter_map(|line| {
        let rest = line.strip_prefix(name)?;
        let value = match rest.strip_prefix('{') {
            Some(labelled) => labelled.rsplit_once('}')?.1,
            None => rest.strip_prefix(' ')?,
        };
        value.split_whitespace().next()?.parse::<f64>().ok()
    });
    values.fold(None, |sum, value| Some(sum.unwrap_or(0.0) + value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_summed_over_their_labels() {
        let text = "# TYPE a_total counter\na_total{partition=\"1\"} 10\na_total{x=\"}\"} 5 17\n\
                    a_total_more 99\nb_total 3\n";
        assert_eq!(sum(text, "a_total"), Some(15.0));
        assert_eq!(sum(text, "b_total"), Some(3.0));
        assert_eq!(sum(text, "c_total"), None);
    }
}

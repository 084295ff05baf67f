//! Partition runtime: consensus, stream processor, distribution, backpressure.

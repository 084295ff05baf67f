use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures::StreamExt;
use futures::task::noop_waker;
use skep_broker::ActivatedJob;

use super::*;

#[derive(Default)]
struct Counts {
    confirmed: AtomicU32,
    handed_back: AtomicU32,
}

struct Counted {
    counts: Arc<Counts>,
    confirmed: bool,
}

impl Delivery for Counted {
    fn jobs(&self) -> &[ActivatedJob] {
        &[]
    }

    fn truncated(&self) -> bool {
        false
    }

    fn confirm(mut self: Box<Self>) {
        self.confirmed = true;
        self.counts.confirmed.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if !self.confirmed {
            self.counts.handed_back.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn messages(counts: &Arc<Counts>, deliveries: usize, open: bool) -> Messages<u8> {
    let counts = counts.clone();
    let head = futures::stream::iter(0..deliveries).map(move |_| {
        let delivery: Box<dyn Delivery> =
            Box::new(Counted { counts: counts.clone(), confirmed: false });
        Ok(delivery)
    });
    let convert = |_: &dyn Delivery, ready: &mut VecDeque<u8>| {
        ready.push_back(1);
        Ok(())
    };
    if open {
        Messages::new(head.chain(futures::stream::pending()), convert, || {})
    } else {
        Messages::new(head, convert, || {})
    }
}

fn numbers(counts: &Counts) -> (u32, u32) {
    (counts.confirmed.load(Ordering::Relaxed), counts.handed_back.load(Ordering::Relaxed))
}

#[test]
fn a_dropped_stream_hands_back_what_the_transport_did_not_take() {
    let counts = Arc::new(Counts::default());
    let mut stream = messages(&counts, 2, true);
    let waker = noop_waker();
    let mut context = Context::from_waker(&waker);
    assert!(stream.poll_next_unpin(&mut context).is_ready());
    assert!(stream.poll_next_unpin(&mut context).is_ready());
    assert!(stream.poll_next_unpin(&mut context).is_pending());
    assert_eq!(numbers(&counts), (0, 0));
    drop(stream);
    assert_eq!(numbers(&counts), (0, 2));
}

#[test]
fn a_poll_after_a_pending_one_confirms() {
    let counts = Arc::new(Counts::default());
    let mut stream = messages(&counts, 2, true);
    let waker = noop_waker();
    let mut context = Context::from_waker(&waker);
    while stream.poll_next_unpin(&mut context).is_ready() {}
    assert!(stream.poll_next_unpin(&mut context).is_pending());
    drop(stream);
    assert_eq!(numbers(&counts), (2, 0));
}

#[test]
fn the_end_of_a_poll_confirms_too() {
    let counts = Arc::new(Counts::default());
    let mut stream = messages(&counts, 3, false);
    let waker = noop_waker();
    let mut context = Context::from_waker(&waker);
    let mut got = 0;
    loop {
        match stream.poll_next_unpin(&mut context) {
            Poll::Ready(Some(_)) => got += 1,
            Poll::Ready(None) => break,
            Poll::Pending => {}
        }
    }
    assert_eq!(got, 3);
    assert_eq!(numbers(&counts), (3, 0));
}

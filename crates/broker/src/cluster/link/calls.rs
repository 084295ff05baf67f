//! Requests that wait for their answer on one link.

use std::collections::BTreeMap;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::cluster::limits::LINK_REQUESTS_MAX;
use crate::cluster::link::Unsent;
use crate::error::BrokerError;
use crate::partition::Answer;

/// What answers a request.
pub(crate) enum Reply {
    /// Of a partition; jobs guard themselves from here on.
    Answer(Box<Result<Answer, BrokerError>>),
    /// Of a replica or the management: bytes, or why there are none.
    Bytes(Result<Bytes, String>),
}

/// Who waits for which number. An ordered map: what a broken link drops is dropped in the order of
/// the requests.
#[derive(Default)]
pub(crate) struct Calls(Mutex<State>);

#[derive(Default)]
struct State {
    last: u64,
    waiting: BTreeMap<u64, oneshot::Sender<Reply>>,
    closed: bool,
}

impl Calls {
    /// A number for a request, and what resolves with its answer; an error there says that the link
    /// broke before the answer came.
    pub(crate) fn begin(&self) -> Result<(u64, oneshot::Receiver<Reply>), Unsent> {
        let mut state = self.0.lock();
        if state.closed {
            return Err(Unsent::Broken);
        }
        if state.waiting.len() >= LINK_REQUESTS_MAX {
            state.waiting.retain(|_, caller| !caller.is_closed());
            if state.waiting.len() >= LINK_REQUESTS_MAX {
                return Err(Unsent::Full);
            }
        }
        state.last += 1;
        let request = state.last;
        let (sender, receiver) = oneshot::channel();
        state.waiting.insert(request, sender);
        Ok((request, receiver))
    }

    /// The request was not sent.
    pub(crate) fn cancel(&self, request: u64) {
        self.0.lock().waiting.remove(&request);
    }

    /// Brings an answer to its caller; false when nobody waits any more, and it is dropped.
    pub(crate) fn finish(&self, request: u64, reply: Reply) -> bool {
        let caller = self.0.lock().waiting.remove(&request);
        caller.is_some_and(|caller| caller.send(reply).is_ok())
    }

    /// Tells everybody who waits that no answer will come.
    pub(crate) fn close(&self) {
        let mut state = self.0.lock();
        state.closed = true;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        drop(waiting);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply() -> Reply {
        Reply::Bytes(Ok(Bytes::new()))
    }

    #[test]
    fn answers_find_their_callers_and_the_rest_hears_of_the_end() {
        let calls = Calls::default();
        let (first, mut answer) = calls.begin().unwrap();
        let (second, mut lost) = calls.begin().unwrap();
        assert_ne!(first, second);
        assert!(calls.finish(first, reply()));
        assert!(answer.try_recv().is_ok());
        assert!(!calls.finish(first, reply()), "answered once");
        calls.close();
        assert!(matches!(lost.try_recv(), Err(oneshot::error::TryRecvError::Closed)));
        assert_eq!(calls.begin().err(), Some(Unsent::Broken));
    }

    #[test]
    fn an_answer_for_a_caller_that_has_gone_is_dropped() {
        let calls = Calls::default();
        let (request, answer) = calls.begin().unwrap();
        drop(answer);
        assert!(!calls.finish(request, reply()));
    }
}

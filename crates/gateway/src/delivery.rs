//! From deliveries to messages of a stream, without losing a job on the way.
//!
//! A delivery is confirmed when the transport has taken its messages, and only then. The transport
//! drains a stream until it is pending, passes on what it got, and polls again when it can take
//! more; so a poll after a pending one says that everything before was taken. When the stream is
//! dropped instead, because the client went away, the deliveries in it go back to the broker, which
//! offers their jobs again at once.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::Stream;

use crate::backend::{Delivery, JobStream};
use crate::error::GatewayError;
use crate::gateway::Gateway;

type Source = Pin<Box<dyn Stream<Item = Result<Box<dyn Delivery>, GatewayError>> + Send>>;

/// Appends the messages of a delivery.
pub(crate) type Convert<M> = fn(&dyn Delivery, &mut VecDeque<M>) -> Result<(), GatewayError>;

/// The messages of a poll or a job stream.
pub(crate) struct Messages<M> {
    source: Source,
    convert: Convert<M>,
    ready: VecDeque<M>,
    unconfirmed: Vec<Box<dyn Delivery>>,
    pended: bool,
    ended: bool,
    on_end: Option<Box<dyn FnOnce() + Send>>,
}

impl<M> Messages<M> {
    /// Messages of `source`; `on_end` runs when the stream ends or is dropped.
    pub(crate) fn new(
        source: impl Stream<Item = Result<Box<dyn Delivery>, GatewayError>> + Send + 'static,
        convert: Convert<M>,
        on_end: impl FnOnce() + Send + 'static,
    ) -> Self {
        Self {
            source: Box::pin(source),
            convert,
            ready: VecDeque::new(),
            unconfirmed: Vec::new(),
            pended: false,
            ended: false,
            on_end: Some(Box::new(on_end)),
        }
    }

    /// Pending; when something is unconfirmed, asks to be polled again to learn that it was taken.
    fn pend(&mut self, context: &Context<'_>) -> Poll<Option<Result<M, GatewayError>>> {
        if !self.unconfirmed.is_empty() {
            self.pended = true;
            context.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

impl<M> Drop for Messages<M> {
    fn drop(&mut self) {
        if let Some(on_end) = self.on_end.take() {
            on_end();
        }
    }
}

impl<M: Unpin> Stream for Messages<M> {
    type Item = Result<M, GatewayError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if std::mem::take(&mut this.pended) {
            for delivery in this.unconfirmed.drain(..) {
                delivery.confirm();
            }
        }
        loop {
            if let Some(message) = this.ready.pop_front() {
                return Poll::Ready(Some(Ok(message)));
            }
            if this.ended {
                return if this.unconfirmed.is_empty() {
                    Poll::Ready(None)
                } else {
                    this.pend(context)
                };
            }
            match this.source.as_mut().poll_next(context) {
                Poll::Ready(Some(Ok(delivery))) => {
                    if let Err(error) = (this.convert)(&*delivery, &mut this.ready) {
                        this.ended = true;
                        return Poll::Ready(Some(Err(error)));
                    }
                    this.unconfirmed.push(delivery);
                }
                Poll::Ready(Some(Err(error))) => {
                    this.ended = true;
                    return Poll::Ready(Some(Err(error)));
                }
                Poll::Ready(None) => this.ended = true,
                Poll::Pending => return this.pend(context),
            }
        }
    }
}

/// A job stream of the broker as a stream of deliveries that ends when the gateway stops.
pub(crate) fn pushed(
    gateway: &Gateway,
    mut stream: Box<dyn JobStream>,
) -> impl Stream<Item = Result<Box<dyn Delivery>, GatewayError>> + Send + 'static {
    use futures::StreamExt;
    let stopping = gateway.stopping();
    let gateway = gateway.clone();
    futures::stream::poll_fn(move |context| stream.poll_next(context))
        .map(move |delivery| {
            gateway.metrics().jobs_pushed.increment(delivery.jobs().len() as u64);
            Ok(delivery)
        })
        .take_until(stopping)
}

#[cfg(test)]
mod tests;

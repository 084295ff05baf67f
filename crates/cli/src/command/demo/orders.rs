//! The load of the demo: customers who order, and the workers of the shop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde_json::{Value, json};
use skep_client::proto::{ActivatedJob, CreateProcessInstanceRequest, PublishMessageRequest};
use skep_client::worker::WorkerEvent;
use skep_client::{Client, JobOutcome, Options, Worker, WorkerHandle};
use tokio::task::JoinHandle;

use crate::failure::Failure;
use crate::limits::{DEMO_FINISH_MAX, DEMO_ORDERS_PER_CONNECTION};

/// Every job type of the models.
pub(super) const JOB_TYPES: &[&str] = &[
    "check-stock",
    "pack-goods",
    "remind-warehouse",
    "ship-parcel",
    "tell-customer",
    "charge-card",
    "send-invoice",
];

/// Longest time that is told apart, microseconds.
const LATENCY_US_MAX: u64 = 600_000_000;

/// What happened so far.
pub(super) struct Counters {
    pub(super) started: AtomicU64,
    pub(super) finished: AtomicU64,
    pub(super) lost: AtomicU64,
    pub(super) jobs: AtomicU64,
    pub(super) jobs_failed: AtomicU64,
    pub(super) errors_thrown: AtomicU64,
    pub(super) messages: AtomicU64,
    /// Orders whose price was decided, and what the decided discounts come to, in hundredths.
    pub(super) priced: AtomicU64,
    pub(super) discounts: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) order_us: parking_lot::Mutex<Histogram<u64>>,
    pub(super) message_us: parking_lot::Mutex<Histogram<u64>>,
    pub(super) last_error: parking_lot::Mutex<Option<String>>,
}

impl Default for Counters {
    fn default() -> Self {
        let histogram = || {
            Histogram::new_with_max(LATENCY_US_MAX, 3)
                .unwrap_or_else(|_| Histogram::new(3).expect("3 digits are allowed"))
        };
        Self {
            started: AtomicU64::new(0),
            finished: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            jobs: AtomicU64::new(0),
            jobs_failed: AtomicU64::new(0),
            errors_thrown: AtomicU64::new(0),
            messages: AtomicU64::new(0),
            priced: AtomicU64::new(0),
            discounts: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            order_us: parking_lot::Mutex::new(histogram()),
            message_us: parking_lot::Mutex::new(histogram()),
            last_error: parking_lot::Mutex::new(None),
        }
    }
}

impl Counters {
    /// Orders under way.
    pub(super) fn open(&self) -> u64 {
        let done = self.finished.load(Ordering::Relaxed) + self.lost.load(Ordering::Relaxed);
        self.started.load(Ordering::Relaxed).saturating_sub(done)
    }

    fn note_price(&self, variables: &str) {
        let variables: Value = serde_json::from_str(variables).unwrap_or_default();
        let amount = variables["price"]["amount"].as_f64();
        if let (Some(total), Some(amount)) = (variables["total"].as_f64(), amount) {
            self.priced.fetch_add(1, Ordering::Relaxed);
            let discount = ((total - amount) * 100.0).round().max(0.0);
            self.discounts.fetch_add(discount as u64, Ordering::Relaxed);
        }
    }

    fn note(&self, error: &skep_client::Error) {
        *self.last_error.lock() = Some(error.to_string());
    }
}

fn elapsed_us(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(LATENCY_US_MAX).clamp(1, LATENCY_US_MAX)
}

/// Customers and workers at work.
pub(super) struct Load {
    starting: Arc<AtomicBool>,
    customers: Vec<JoinHandle<()>>,
    workers: Vec<WorkerHandle>,
}

impl Load {
    /// Opens connections and begins.
    pub(super) async fn start(
        address: &str,
        counters: Arc<Counters>,
        orders: u32,
    ) -> Result<Self, Failure> {
        let starting = Arc::new(AtomicBool::new(true));
        let client = Client::connect(address, Options::default()).await?;
        let workers = JOB_TYPES
            .iter()
            .map(|job_type| start_worker(client.clone(), job_type, &counters))
            .collect();
        let next = Arc::new(AtomicU64::new(0));
        let mut customers = Vec::new();
        let mut connection = client;
        for customer in 0..orders {
            if customer % DEMO_ORDERS_PER_CONNECTION == 0 {
                connection = Client::connect(address, Options::default()).await?;
            }
            let orders = Customer {
                client: connection.clone(),
                counters: counters.clone(),
                starting: starting.clone(),
                next: next.clone(),
            };
            customers.push(tokio::spawn(orders.order_again_and_again()));
        }
        Ok(Self { starting, customers, workers })
    }

    /// No more orders.
    pub(super) fn stop_starting(&self) {
        self.starting.store(false, Ordering::Relaxed);
    }

    /// Everybody goes home.
    pub(super) async fn stop(self) {
        for customer in self.customers {
            customer.abort();
        }
        for worker in self.workers {
            worker.stop().await;
        }
    }
}

struct Customer {
    client: Client,
    counters: Arc<Counters>,
    starting: Arc<AtomicBool>,
    next: Arc<AtomicU64>,
}

impl Customer {
    async fn order_again_and_again(self) {
        while self.starting.load(Ordering::Relaxed) {
            let number = self.next.fetch_add(1, Ordering::Relaxed) + 1;
            let variables = json!({"orderId": format!("order-{number}"), "number": number, "total": 10 + number % 90});
            let order = CreateProcessInstanceRequest::latest("order")
                .with_variables(variables)
                .awaiting_result(DEMO_FINISH_MAX, vec!["total".to_owned(), "price".to_owned()]);
            let begin = Instant::now();
            self.counters.started.fetch_add(1, Ordering::Relaxed);
            match self.client.create_process_instance_with_result(order).await {
                Ok(order) => {
                    self.counters.finished.fetch_add(1, Ordering::Relaxed);
                    self.counters.note_price(&order.variables);
                    self.counters.order_us.lock().saturating_record(elapsed_us(begin));
                }
                Err(error) if error.kind() == skep_client::ErrorKind::Exhausted => {
                    // The server had no room and did nothing: this order does not exist.
                    self.counters.started.fetch_sub(1, Ordering::Relaxed);
                    self.counters.refused.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err(error) => {
                    self.counters.note(&error);
                    self.counters.lost.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }
}

fn start_worker(client: Client, job_type: &'static str, counters: &Arc<Counters>) -> WorkerHandle {
    let shop = Arc::new(Shop { client: client.clone(), counters: counters.clone() });
    let counters = counters.clone();
    Worker::new(client, job_type)
        .with_name("demo")
        .with_jobs_active_max(128)
        .with_poll_interval(Duration::from_secs(1))
        .with_observer(move |event| match event {
            WorkerEvent::Answered(_, outcome) => {
                match outcome {
                    JobOutcome::Fail { .. } => &counters.jobs_failed,
                    JobOutcome::Error { .. } => &counters.errors_thrown,
                    _ => &counters.jobs,
                }
                .fetch_add(1, Ordering::Relaxed);
            }
            WorkerEvent::AnswerRefused(_, _, error) | WorkerEvent::SourceFailed(error) => {
                counters.note(error);
            }
            _ => {}
        })
        .start(move |job| work(shop.clone(), job))
}

/// What the workers need besides the job.
struct Shop {
    client: Client,
    counters: Arc<Counters>,
}

/// How long a message waits for its order.
const MESSAGE_TIME_TO_LIVE: Duration = Duration::from_secs(60);

impl Shop {
    async fn publish(&self, name: &str, order_id: &str) {
        let message =
            PublishMessageRequest::new(name, order_id).with_time_to_live(MESSAGE_TIME_TO_LIVE);
        let begin = Instant::now();
        match self.client.publish_message(message).await {
            Ok(_) => {
                self.counters.messages.fetch_add(1, Ordering::Relaxed);
                self.counters.message_us.lock().saturating_record(elapsed_us(begin));
            }
            Err(error) => self.counters.note(&error),
        }
    }
}

/// Does a job. What happens to an order follows from its number, so that every run is the same.
async fn work(shop: Arc<Shop>, job: ActivatedJob) -> JobOutcome {
    let variables: Value = serde_json::from_str(&job.variables).unwrap_or_default();
    let number = variables["number"].as_u64().unwrap_or(0);
    let order_id = variables["orderId"].as_str().unwrap_or_default().to_owned();
    match job.r#type.as_str() {
        "check-stock" => {
            if number % 50 == 7 && job.retries == 3 {
                return JobOutcome::fail("the stock system did not answer");
            }
            // One in ten is out of stock; of those, one in ten never arrives.
            let in_stock = !number.is_multiple_of(10);
            if !in_stock && !number.is_multiple_of(100) {
                shop.publish("goods-arrived", &order_id).await;
            }
            JobOutcome::complete_with(json!({"inStock": in_stock}))
        }
        "pack-goods" => {
            if number % 200 == 3 {
                tokio::time::sleep(Duration::from_millis(3_500)).await;
            }
            JobOutcome::complete()
        }
        "charge-card" => match number % 100 {
            1 => JobOutcome::error("CARD_EXPIRED"),
            2 => JobOutcome::complete_with(json!({"charged": false})),
            _ => JobOutcome::complete_with(
                json!({"charged": true, "receipt": format!("card-{}", job.key)}),
            ),
        },
        "send-invoice" => {
            JobOutcome::complete_with(json!({"receipt": format!("invoice-{}", job.key)}))
        }
        "ship-parcel" => {
            shop.publish("parcel-delivered", &order_id).await;
            JobOutcome::complete_with(json!({"trackingId": format!("parcel-{}", job.key)}))
        }
        _ => JobOutcome::complete(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_counts_with_its_discount() {
        let counters = Counters::default();
        counters.note_price(r#"{"total": 80, "price": {"rate": 0.1, "amount": 72}}"#);
        counters.note_price(r#"{"total": 80, "price": null}"#);
        assert_eq!(counters.priced.load(Ordering::Relaxed), 1);
        assert_eq!(counters.discounts.load(Ordering::Relaxed), 800);
    }
}

//! A simulated node: the production code of a broker or a gateway in a `LocalSet` of its own, which
//! can be left alone (pause), dropped (crash) and made anew (start).

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use skep_broker::{Broker, BrokerConfig, Environment, GatewayConfig, NodeClock, OpenState};
use skep_env::{Disk, LocalTasks};
use skep_gateway::{Address, Backend, Gateway};
use tokio::sync::{mpsc, oneshot};
use tokio::task::LocalSet;

use crate::clock::SimClock;
use crate::disk::SimDisk;
use crate::life::{Crash, Life};
use crate::port::{CALLS_MAX, Call, Open, Port};
use crate::share::Mounted;
use crate::store::SimStores;
use crate::trace::Kind;
use crate::world::{World, acting};

/// What a node is started with.
pub(crate) enum NodeConfig {
    Broker(Box<BrokerConfig>),
    Gateway(GatewayConfig),
}

/// Makes the configuration of a node for a life of it.
pub(crate) type Configure = Box<dyn Fn(&Arc<Life>, &SimStores) -> NodeConfig>;

/// A node, up or down.
pub(crate) struct Node {
    pub(crate) id: u32,
    name: String,
    world: World,
    pub(crate) disk: SimDisk,
    /// What it sees besides, together with other nodes.
    share: Option<SimDisk>,
    pub(crate) stores: SimStores,
    pub(crate) clock: Arc<SimClock>,
    pub(crate) port: Arc<Port>,
    configure: Configure,
    slot: RefCell<Slot>,
    paused: Cell<bool>,
    lives: Cell<u32>,
}

#[derive(Default)]
struct Slot {
    /// Empty while the node is down, and while it is polled.
    tasks: Option<LocalSet>,
    life: Option<Arc<Life>>,
    runner: Option<Waker>,
}

impl Node {
    pub(crate) fn new(
        world: &World,
        (id, name): (u32, String),
        share: Option<SimDisk>,
        lives: u32,
        configure: Configure,
    ) -> Rc<Self> {
        let seeds = world.seeds().part("node").number(u64::from(id));
        let node = Rc::new(Self {
            id,
            name,
            world: world.clone(),
            disk: SimDisk::new(id, seeds.part("disk"), world.trace().clone()),
            share,
            stores: SimStores::default(),
            clock: Arc::new(SimClock::new(world.start())),
            port: Arc::new(Port::new(id, world.network().clone(), world.trace().clone())),
            configure,
            slot: RefCell::default(),
            paused: Cell::new(false),
            lives: Cell::new(lives),
        });
        let runner = node.clone();
        tokio::task::spawn_local(poll_fn(move |context| runner.poll(context)));
        node
    }

    /// The life that it lives now.
    pub(crate) fn life(&self) -> Option<Arc<Life>> {
        self.slot.borrow().life.clone()
    }

    pub(crate) fn lives(&self) -> u32 {
        self.lives.get()
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.paused.get()
    }

    pub(crate) fn pause(&self, paused: bool) {
        self.paused.set(paused);
        self.wake();
    }

    fn wake(&self) {
        let runner = self.slot.borrow().runner.clone();
        if let Some(runner) = runner {
            runner.wake();
        }
    }

    /// Starts it; the receiver hears when it is ready, or why it cannot start.
    pub(crate) fn start(&self) -> oneshot::Receiver<Result<(), String>> {
        let (tell, told) = oneshot::channel();
        if self.life().is_some() {
            let _ = tell.send(Err("the node is up already".to_owned()));
            return told;
        }
        self.lives.set(self.lives.get() + 1);
        self.paused.set(false);
        let life = Arc::new(Life::new(self.id, self.lives.get()));
        self.note(Kind::Start, 0);
        let config = (self.configure)(&life, &self.stores);
        let env = self.environment(&life);
        let tasks = LocalSet::new();
        let body = serve(config, env, life.clone(), self.port.clone(), tell);
        tasks.spawn_local(body);
        let mut slot = self.slot.borrow_mut();
        slot.tasks = Some(tasks);
        slot.life = Some(life);
        drop(slot);
        self.wake();
        told
    }

    /// Its own disk, and the share in its folder.
    fn mount(&self, life: &Arc<Life>) -> Arc<dyn Disk> {
        let own = self.disk.open(life.clone());
        match &self.share {
            Some(share) => Arc::new(Mounted { own, share: share.share(life.clone()) }),
            None => own,
        }
    }

    /// Does something with the machine of the node while the node is down, as a command that an
    /// operator runs there.
    pub(crate) async fn run_command<T, F>(
        &self,
        command: impl FnOnce(Environment, OpenState) -> F,
    ) -> T
    where
        F: Future<Output = T>,
    {
        self.lives.set(self.lives.get() + 1);
        let life = Arc::new(Life::new(self.id, self.lives.get()));
        let state = self.stores.open(&life, self.world.trace());
        let result = command(self.environment(&life), state).await;
        life.end(None);
        self.world.network().end(&life);
        self.disk.end(None);
        result
    }

    fn environment(&self, life: &Arc<Life>) -> Environment {
        let seeds = self.world.seeds().part("node").number(u64::from(self.id)).part("life");
        Environment {
            clock: NodeClock::Free(self.clock.clone()),
            disk: self.mount(life),
            network: Arc::new(self.world.network().endpoint(self.id, &self.name, life.clone())),
            tasks: Arc::new(LocalTasks),
            random: seeds.number(u64::from(life.number)).random(),
            faults: None,
        }
    }

    /// Ends it now, whatever it is doing.
    pub(crate) fn end(&self, how: Option<Crash>) {
        let Some(life) = self.life() else { return };
        life.end(how);
        let tasks = self.slot.borrow_mut().tasks.take();
        self.bury(&life, tasks);
    }

    fn bury(&self, life: &Life, tasks: Option<LocalSet>) {
        self.slot.borrow_mut().life = None;
        let how = life.crash();
        self.note(Kind::End, how.map_or(0, |how| 1 + how as u64));
        self.port.set(None);
        self.world.network().end(life);
        acting(Some(self.id), || drop(tasks));
        self.disk.end(how);
    }

    fn note(&self, kind: Kind, what: u64) {
        let numbers = [u64::from(self.id), u64::from(self.lives.get()), what, 0];
        self.world.trace().add(kind, numbers);
    }

    fn poll(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut slot = self.slot.borrow_mut();
        slot.runner = Some(context.waker().clone());
        if self.paused.get() {
            return Poll::Pending;
        }
        let Some(life) = slot.life.clone() else { return Poll::Pending };
        let Some(mut tasks) = slot.tasks.take() else { return Poll::Pending };
        drop(slot);
        life.set_runner(context.waker());
        if life.step() {
            self.world.trace().add(Kind::Poll, [u64::from(self.id), 0, 0, 0]);
            acting(Some(self.id), || _ = Pin::new(&mut tasks).poll(context));
        }
        if life.is_alive() {
            self.slot.borrow_mut().tasks = Some(tasks);
        } else {
            self.bury(&life, Some(tasks));
        }
        Poll::Pending
    }
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Node").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The main function of a node: starts it, and takes calls until it ends.
async fn serve(
    config: NodeConfig,
    env: Environment,
    life: Arc<Life>,
    port: Arc<Port>,
    tell: oneshot::Sender<Result<(), String>>,
) {
    let clock = env.clock.clone();
    let broker = match start(config, env).await {
        Ok(broker) => broker,
        Err(reason) => {
            let _ = tell.send(Err(reason));
            life.end(None);
            return;
        }
    };
    if !life.is_alive() {
        return;
    }
    let (calls, mut waiting) = mpsc::channel::<Call>(CALLS_MAX);
    let backend: Arc<dyn Backend> = Arc::new(broker.clone());
    let address = Address { host: format!("node-{}", port.node), port: 26_500 };
    let gateway = Gateway::new(backend, measure(&clock), address);
    port.set(Some(Open { life, calls, broker, gateway }));
    let _ = tell.send(Ok(()));
    while let Some(call) = waiting.recv().await {
        tokio::task::spawn_local(call());
    }
}

fn measure(clock: &NodeClock) -> Arc<dyn skep_env::Clock> {
    match clock {
        NodeClock::Free(clock) => clock.clone(),
        NodeClock::Controlled(clock) => clock.clone(),
    }
}

async fn start(config: NodeConfig, env: Environment) -> Result<Broker, String> {
    let started = match config {
        NodeConfig::Broker(config) => Broker::start(*config, env).await,
        NodeConfig::Gateway(config) => Broker::start_gateway(config, env).await,
    };
    started.map_err(|error| error.to_string())
}

//! The commands, one file each, and the table that runs them.

mod activate;
mod announce;
#[cfg(target_os = "linux")]
mod backup;
mod bench;
mod broadcast;
mod cancel;
#[cfg(target_os = "linux")]
mod chaos;
#[cfg(target_os = "linux")]
mod cluster;
mod compat;
mod complete;
mod completion;
mod create;
mod delete;
mod demo;
mod deploy;
mod evaluate;
mod fail;
mod gateway;
mod publish;
mod resolve;
mod restore;
mod serve;
mod set;
mod status;
mod throw;
mod update;
mod worker;
#[cfg(target_os = "linux")]
pub(crate) mod zbchaos;

use clap::Subcommand;

use crate::connection::ConnectionArgs;
use crate::failure::Failure;
use crate::output::Format;

/// Every command of the binary.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server
    Serve(Box<serve::ServeArgs>),
    /// Run a gateway: a server without data in front of a cluster
    Gateway(Box<gateway::GatewayArgs>),
    /// Show a server at work: an order process under load, in one command
    Demo(Box<demo::DemoArgs>),
    /// Run a whole cluster on this machine, and trouble it
    #[cfg(target_os = "linux")]
    #[command(subcommand)]
    Cluster(cluster::ClusterCommand),
    /// Run experiments: break a cluster on purpose, and see whether it bears that
    #[cfg(target_os = "linux")]
    #[command(subcommand)]
    Chaos(chaos::ChaosCommand),
    /// Trouble a cluster and check it, with the verbs of the chaos tool of the field
    #[cfg(target_os = "linux")]
    Zbchaos(Box<zbchaos::ZbchaosArgs>),
    /// Show the brokers, the partitions and who leads them
    Status(status::StatusArgs),
    /// Deploy process, decision and form files, all of them or none
    Deploy(deploy::DeployArgs),
    /// Start a process instance
    #[command(subcommand)]
    Create(create::CreateCommand),
    /// Cancel a process instance
    #[command(subcommand)]
    Cancel(cancel::CancelCommand),
    /// Publish a message
    #[command(subcommand)]
    Publish(publish::PublishCommand),
    /// Broadcast a signal
    #[command(subcommand)]
    Broadcast(broadcast::BroadcastCommand),
    /// Take jobs, to be completed by hand
    #[command(subcommand)]
    Activate(activate::ActivateCommand),
    /// Complete a job
    #[command(subcommand)]
    Complete(complete::CompleteCommand),
    /// Fail a job
    #[command(subcommand)]
    Fail(fail::FailCommand),
    /// Throw a BPMN error from a job
    #[command(subcommand)]
    Throw(throw::ThrowCommand),
    /// Set variables of a process instance or element instance
    #[command(subcommand)]
    Set(set::SetCommand),
    /// Resolve an incident
    #[command(subcommand)]
    Resolve(resolve::ResolveCommand),
    /// Evaluate a decision, or FEEL or a DMN file without a server
    #[command(subcommand)]
    Evaluate(evaluate::EvaluateCommand),
    /// Change the retries or the timeout of a job
    #[command(subcommand)]
    Update(update::UpdateCommand),
    /// Delete a deployed resource
    #[command(subcommand)]
    Delete(delete::DeleteCommand),
    /// Work on jobs: run a command for each
    Worker(worker::WorkerArgs),
    /// Load a cluster and measure what it can do
    Bench(Box<bench::BenchArgs>),
    /// Compare a broker's answers with what Skep promises
    #[command(subcommand)]
    Compat(compat::CompatCommand),
    /// Take, show and remove backups of a running cluster
    #[cfg(target_os = "linux")]
    #[command(subcommand)]
    Backup(backup::BackupCommand),
    /// Make a data folder from a backup, before the node is started
    Restore(Box<restore::RestoreArgs>),
    /// Print the completion script of a shell
    Completion(completion::CompletionArgs),
}

impl Command {
    /// Runs the command to its end.
    pub(crate) fn run(self, connection: &ConnectionArgs, format: Format) -> Result<(), Failure> {
        match self {
            Self::Serve(args) => args.run(),
            Self::Gateway(args) => args.run(),
            Self::Demo(args) => args.run(),
            Self::Completion(args) => args.run(),
            Self::Restore(args) => args.run(format),
            #[cfg(target_os = "linux")]
            Self::Backup(command) => command.run(format),
            #[cfg(target_os = "linux")]
            Self::Cluster(command) => command.run(format),
            #[cfg(target_os = "linux")]
            Self::Chaos(command) => command.run(format),
            Self::Worker(args) => worker_runtime()?.block_on(args.run(connection, format)),
            #[cfg(target_os = "linux")]
            Self::Zbchaos(args) => worker_runtime()?.block_on(args.run(connection)),
            verb => client_runtime()?.block_on(verb.call(connection, format)),
        }
    }

    /// Runs a verb: one connection, one call, one answer.
    async fn call(self, connection: &ConnectionArgs, format: Format) -> Result<(), Failure> {
        match self {
            Self::Status(args) => args.run(connection, format).await,
            Self::Deploy(args) => args.run(connection, format).await,
            Self::Create(command) => command.run(connection, format).await,
            Self::Cancel(command) => command.run(connection, format).await,
            Self::Publish(command) => command.run(connection, format).await,
            Self::Broadcast(command) => command.run(connection, format).await,
            Self::Activate(command) => command.run(connection, format).await,
            Self::Complete(command) => command.run(connection, format).await,
            Self::Fail(command) => command.run(connection, format).await,
            Self::Throw(command) => command.run(connection, format).await,
            Self::Set(command) => command.run(connection, format).await,
            Self::Resolve(command) => command.run(connection, format).await,
            Self::Evaluate(command) => command.run(connection, format).await,
            Self::Update(command) => command.run(connection, format).await,
            Self::Delete(command) => command.run(connection, format).await,
            Self::Worker(args) => args.run(connection, format).await,
            Self::Bench(args) => args.run(connection, format).await,
            Self::Compat(command) => command.run(connection, format).await,
            Self::Serve(args) => args.run(),
            Self::Gateway(args) => args.run(),
            Self::Demo(args) => args.run(),
            Self::Completion(args) => args.run(),
            Self::Restore(args) => args.run(format),
            #[cfg(target_os = "linux")]
            Self::Backup(command) => command.run(format),
            #[cfg(target_os = "linux")]
            Self::Cluster(command) => command.run(format),
            #[cfg(target_os = "linux")]
            Self::Zbchaos(args) => args.run(connection).await,
            #[cfg(target_os = "linux")]
            Self::Chaos(command) => command.run(format),
        }
    }
}

/// One thread is enough for one call, and starts faster.
fn client_runtime() -> Result<tokio::runtime::Runtime, Failure> {
    runtime(tokio::runtime::Builder::new_current_thread())
}

/// Handlers of jobs run side by side.
fn worker_runtime() -> Result<tokio::runtime::Runtime, Failure> {
    runtime(tokio::runtime::Builder::new_multi_thread())
}

fn runtime(mut builder: tokio::runtime::Builder) -> Result<tokio::runtime::Runtime, Failure> {
    builder
        .enable_all()
        .build()
        .map_err(|error| Failure::Local(format!("cannot start the runtime: {error}")))
}

//! `skep evaluate`: a deployed decision, or an expression or a DMN file without a server.

mod decision;
mod dmn;
mod expression;
mod local;
mod trace;

use clap::Subcommand;

use crate::connection::ConnectionArgs;
use crate::failure::Failure;
use crate::output::Format;

#[derive(Debug, Subcommand)]
pub(crate) enum EvaluateCommand {
    /// Evaluate the latest version of a deployed decision, or one by key
    Decision(decision::DecisionArgs),
    /// Evaluate a FEEL expression here, without a server
    Expression(expression::ExpressionArgs),
    /// Evaluate a decision of a DMN file here, without a server
    Dmn(dmn::DmnArgs),
}

impl EvaluateCommand {
    pub(crate) async fn run(
        self,
        connection: &ConnectionArgs,
        format: Format,
    ) -> Result<(), Failure> {
        match self {
            Self::Decision(args) => args.run(connection, format).await,
            Self::Expression(args) => args.run(format),
            Self::Dmn(args) => args.run(format),
        }
    }
}

//! Runs the handler program for one job and reads its verdict. The protocol is in the help of
//! `skep worker`.

use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};
use skep_client::JobOutcome;
use skep_client::proto::ActivatedJob;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use crate::limits::{HANDLER_STDERR_BYTES_MAX, HANDLER_STDOUT_BYTES_MAX};

/// Exit code by which a handler throws a BPMN error.
const EXIT_CODE_BPMN_ERROR: i32 = 100;

/// The program to run and how patient to be with it.
#[derive(Debug, Clone)]
pub(super) struct Handler {
    command: Arc<str>,
    timeout: Duration,
    backoff: Duration,
}

/// What a handler prints when it throws a BPMN error.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ThrownError {
    error_code: String,
    #[serde(default)]
    error_message: String,
    #[serde(default)]
    variables: Map<String, Value>,
}

impl Handler {
    pub(super) fn new(command: &str, timeout: Duration, backoff: Duration) -> Self {
        Self { command: command.into(), timeout, backoff }
    }

    /// Runs the program and turns what it did into an outcome. Never fails itself: whatever goes
    /// wrong becomes the message of a failed job.
    pub(super) async fn run(&self, job: &ActivatedJob) -> JobOutcome {
        let child = match self.spawn(job) {
            Ok(child) => child,
            Err(error) => return self.fail(format!("cannot run the handler: {error}")),
        };
        match tokio::time::timeout(self.timeout, talk(child, &job.variables)).await {
            Ok(Ok((status, stdout, stderr))) => self.verdict(status, &stdout, &stderr),
            Ok(Err(error)) => self.fail(format!("cannot talk to the handler: {error}")),
            // Dropping the child has killed it.
            Err(_) => self.fail(format!("the handler took longer than {:?}", self.timeout)),
        }
    }

    fn spawn(&self, job: &ActivatedJob) -> std::io::Result<Child> {
        Command::new("sh")
            .args(["-c", &*self.command])
            .envs(environment(job))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Its own process group: an interrupt at the terminal must not cut work short.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
    }

    fn verdict(&self, status: ExitStatus, stdout: &[u8], stderr: &str) -> JobOutcome {
        match status.code() {
            Some(0) => match result_variables(stdout) {
                Ok(variables) => JobOutcome::Complete { variables },
                Err(reason) => self.fail(reason),
            },
            Some(EXIT_CODE_BPMN_ERROR) => match serde_json::from_slice::<ThrownError>(stdout) {
                Ok(thrown) => JobOutcome::Error {
                    code: thrown.error_code,
                    message: thrown.error_message,
                    variables: Value::Object(thrown.variables).to_string(),
                },
                Err(error) => self.fail(format!(
                    "the handler exited with {EXIT_CODE_BPMN_ERROR} (BPMN error) but its stdout is \
                     not {{\"errorCode\": ...}}: {error}"
                )),
            },
            code if stderr.trim().is_empty() => self.fail(match code {
                Some(code) => format!("the handler exited with code {code}"),
                None => "the handler was killed by a signal".into(),
            }),
            _ => self.fail(stderr.trim().to_owned()),
        }
    }

    fn fail(&self, message: String) -> JobOutcome {
        let backoff = self.backoff;
        JobOutcome::Fail { message, retries: None, backoff, variables: String::new() }
    }
}

fn environment(job: &ActivatedJob) -> [(&'static str, String); 12] {
    [
        ("SKEP_JOB_KEY", job.key.to_string()),
        ("SKEP_JOB_TYPE", job.r#type.clone()),
        ("SKEP_JOB_RETRIES", job.retries.to_string()),
        ("SKEP_JOB_DEADLINE_MS", job.deadline.to_string()),
        ("SKEP_JOB_HEADERS", job.custom_headers.clone()),
        ("SKEP_PROCESS_ID", job.bpmn_process_id.clone()),
        ("SKEP_PROCESS_VERSION", job.process_definition_version.to_string()),
        ("SKEP_PROCESS_DEFINITION_KEY", job.process_definition_key.to_string()),
        ("SKEP_PROCESS_INSTANCE_KEY", job.process_instance_key.to_string()),
        ("SKEP_ELEMENT_ID", job.element_id.clone()),
        ("SKEP_ELEMENT_INSTANCE_KEY", job.element_instance_key.to_string()),
        ("SKEP_TENANT_ID", job.tenant_id.clone()),
    ]
}

/// Writes stdin while reading stdout and stderr, so that no pipe can fill up and block.
async fn talk(mut child: Child, input: &str) -> std::io::Result<(ExitStatus, Vec<u8>, String)> {
    let stdin = child.stdin.take();
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let write = async {
        if let Some(mut stdin) = stdin {
            // A handler may well exit without reading its input.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
    };
    let ((), stdout, stderr) = tokio::join!(write, head_of(stdout), tail_of(stderr));
    let status = child.wait().await?;
    Ok((status, stdout?, String::from_utf8_lossy(&stderr?).into_owned()))
}

/// All output up to the limit and one byte more, so that too much is noticed; the rest is read
/// and dropped.
async fn head_of(pipe: Option<impl AsyncRead + Unpin>) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        (&mut pipe).take(HANDLER_STDOUT_BYTES_MAX + 1).read_to_end(&mut bytes).await?;
        tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await?;
    }
    Ok(bytes)
}

/// The end of the output: the last lines of an error say most.
async fn tail_of(pipe: Option<impl AsyncRead + Unpin>) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let Some(mut pipe) = pipe else { return Ok(bytes) };
    let mut chunk = [0; 4096];
    loop {
        let length = pipe.read(&mut chunk).await?;
        if length == 0 {
            return Ok(bytes);
        }
        bytes.extend_from_slice(&chunk[..length]);
        let excess = bytes.len().saturating_sub(HANDLER_STDERR_BYTES_MAX);
        bytes.drain(..excess);
    }
}

fn result_variables(stdout: &[u8]) -> Result<String, String> {
    if stdout.len() as u64 > HANDLER_STDOUT_BYTES_MAX {
        let limit = HANDLER_STDOUT_BYTES_MAX / (1024 * 1024);
        return Err(format!("the handler printed more than {limit} MB on stdout"));
    }
    let text = std::str::from_utf8(stdout)
        .map_err(|_| "what the handler printed on stdout is not UTF-8".to_owned())?
        .trim();
    if text.is_empty() {
        return Ok(String::new());
    }
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(_)) => Ok(text.to_owned()),
        Ok(_) => Err("what the handler printed on stdout is JSON but not an object".into()),
        Err(error) => Err(format!("what the handler printed on stdout is no JSON: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn outcome_of(command: &str) -> JobOutcome {
        let job = ActivatedJob {
            key: 42,
            variables: r#"{"items":3}"#.into(),
            element_id: "charge".into(),
            ..ActivatedJob::default()
        };
        Handler::new(command, Duration::from_secs(60), Duration::ZERO).run(&job).await
    }

    fn message_of(outcome: JobOutcome) -> String {
        let JobOutcome::Fail { message, retries: None, .. } = outcome else {
            panic!("not a failure with one retry less: {outcome:?}")
        };
        message
    }

    #[tokio::test]
    async fn stdin_becomes_stdout_becomes_the_result() {
        assert_eq!(outcome_of("cat").await, JobOutcome::complete_with(r#"{"items":3}"#));
        assert_eq!(outcome_of("true").await, JobOutcome::complete());
    }

    #[tokio::test]
    async fn the_environment_describes_the_job() {
        let outcome = outcome_of(r#"printf '{"k":"%s","e":"%s"}' $SKEP_JOB_KEY $SKEP_ELEMENT_ID"#);
        assert_eq!(outcome.await, JobOutcome::complete_with(r#"{"k":"42","e":"charge"}"#));
    }

    #[tokio::test]
    async fn other_exit_codes_fail_with_stderr_as_message() {
        assert_eq!(message_of(outcome_of("echo oops >&2; exit 3").await), "oops");
        assert!(message_of(outcome_of("exit 3").await).contains("code 3"));
        assert!(message_of(outcome_of("kill -9 $$").await).contains("signal"));
        assert!(message_of(outcome_of("/no/such/program").await).contains("/no/such/program"));
    }

    #[tokio::test]
    async fn exit_100_throws_a_bpmn_error() {
        let outcome = outcome_of(
            r#"echo '{"errorCode":"E1","errorMessage":"m","variables":{"a":1}}'; exit 100"#,
        );
        let expected = JobOutcome::Error {
            code: "E1".into(),
            message: "m".into(),
            variables: r#"{"a":1}"#.into(),
        };
        assert_eq!(outcome.await, expected);
        assert!(message_of(outcome_of("exit 100").await).contains("errorCode"));
    }

    #[tokio::test]
    async fn output_that_is_no_object_fails_the_job() {
        assert!(message_of(outcome_of("echo hello").await).contains("no JSON"));
        assert!(message_of(outcome_of("echo '[1]'").await).contains("not an object"));
    }

    #[tokio::test]
    async fn only_the_end_of_a_long_stderr_is_kept() {
        let outcome = outcome_of("seq 1 100000 >&2; echo the end >&2; exit 1").await;
        let message = message_of(outcome);
        assert!(message.ends_with("the end"));
        assert!(message.len() <= HANDLER_STDERR_BYTES_MAX);
    }

    #[tokio::test]
    async fn a_handler_that_takes_too_long_is_killed_and_fails_its_job() {
        let handler = Handler::new("sleep 600", Duration::from_millis(10), Duration::ZERO);
        let message = message_of(handler.run(&ActivatedJob::default()).await);
        assert!(message.contains("longer than"));
    }
}

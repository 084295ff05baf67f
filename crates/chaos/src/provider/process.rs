//! The process provider: runs a program and gives its exit code and what it printed.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;

use super::{Answer, Failure, Surroundings};
use crate::limits::{OUTPUT_BYTES_MAX, TIMEOUT_SECONDS_MAX};
use crate::options::Judging;
use crate::program::Program;
use crate::python;

const WARNING: &str = "This process returned a non-zero exit code. This may indicate some error and \
                       not what you expected. Please have a look at the logs.";

/// Runs the program. `judged` when the activity has a tolerance: then any exit code may be what is wanted.
pub(crate) async fn run(
    provider: &Value,
    judged: bool,
    surroundings: Surroundings<'_>,
) -> Result<Answer, Failure> {
    let path = provider.get("path").and_then(Value::as_str).unwrap_or("");
    let program = program(path, surroundings).ok_or_else(|| {
        Failure::Crash(format!("the program '{path}' cannot be found, or not executed"))
    })?;
    let arguments = arguments(provider, surroundings)?;
    let timeout = timeout(provider, surroundings)?;
    let mut command = command(&program, &arguments);
    command.envs(surroundings.options.variables.environment.iter().map(|(k, v)| (k, v)));
    command.envs(program.env.iter().map(|(key, value)| (key, value)));
    let (status, stdout, stderr) = match timeout {
        None => execute(command).await,
        Some(limit) => tokio::time::timeout(limit, execute(command)).await.map_err(|_| {
            Failure::Failed("process activity took too long to complete".to_owned())
        })?,
    }
    .map_err(|error| {
        Failure::Crash(format!("cannot run {}: {error}", program.program.display()))
    })?;
    let code = status.code().unwrap_or_else(|| -status.signal().unwrap_or(0));
    Ok(Answer {
        output: json!({"status": code, "stdout": decoded(stdout), "stderr": decoded(stderr)}),
        warning: (code > 0 && !judged).then_some(WARNING),
    })
}

/// What the path stands for: something built in, or a file.
fn program(path: &str, surroundings: Surroundings<'_>) -> Option<Program> {
    surroundings.programs.resolve(path).or_else(|| {
        let program = which(&expand_user(path))?;
        Some(Program { program, leading: Vec::new(), env: Vec::new() })
    })
}

enum Arguments {
    List(Vec<String>),
    /// For a shell.
    Text(String),
}

fn arguments(provider: &Value, surroundings: Surroundings<'_>) -> Result<Arguments, Failure> {
    let mut arguments = provider.get("arguments").cloned().unwrap_or(Value::Array(Vec::new()));
    if python::truth(&arguments) && !surroundings.names.is_empty() {
        arguments = surroundings.names.substitute(&arguments);
    }
    let items = match arguments {
        Value::String(text) => return Ok(Arguments::Text(text)),
        Value::Array(items) => items,
        Value::Object(map) => {
            map.into_iter().flat_map(|(name, value)| [Value::String(name), value]).collect()
        }
        Value::Null if surroundings.options.judging == Judging::Strict => Vec::new(),
        other => {
            return Err(Failure::Crash(format!(
                "'{}' object is not iterable",
                python::type_name(&other)
            )));
        }
    };
    let given = |item: &Value| !item.is_null() && item.as_str() != Some("");
    Ok(Arguments::List(items.iter().filter(|item| given(item)).map(python::text).collect()))
}

fn timeout(provider: &Value, surroundings: Surroundings<'_>) -> Result<Option<Duration>, Failure> {
    let value = match provider.get("timeout") {
        None | Some(Value::Null) => return Ok(None),
        Some(value) => value,
    };
    let strict = surroundings.options.judging == Judging::Strict;
    let seconds = seconds(value).filter(|_| strict || !value.is_string()).ok_or_else(|| {
        Failure::Crash(format!("the timeout {} is no number", python::representation(value)))
    })?;
    Ok(Some(Duration::from_secs_f64(seconds.clamp(0.0, TIMEOUT_SECONDS_MAX))))
}

/// A number of seconds, also as a text.
pub(crate) fn seconds(value: &Value) -> Option<f64> {
    let seconds = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    seconds.filter(|seconds| seconds.is_finite())
}

fn command(program: &Program, arguments: &Arguments) -> Command {
    let mut command = match arguments {
        Arguments::List(list) => {
            let mut command = Command::new(&program.program);
            command.args(&program.leading).args(list);
            command
        }
        Arguments::Text(text) => {
            let mut line = quoted(program.program.as_os_str());
            for leading in &program.leading {
                line.push(" ");
                line.push(quoted(leading));
            }
            line.push(" ");
            line.push(text);
            let mut command = Command::new("/bin/sh");
            command.arg("-c").arg(line);
            command
        }
    };
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    command
}

/// A word for a shell; plain ones stay as they are.
fn quoted(word: &std::ffi::OsStr) -> OsString {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@%".contains(c);
    match word.to_str() {
        Some(text) if !text.is_empty() && text.chars().all(plain) => word.to_owned(),
        Some(text) => OsString::from(format!("'{}'", text.replace('\'', "'\\''"))),
        // Not a text; it has to do as it is.
        None => word.to_owned(),
    }
}

/// Kills a process and all that it started, unless it is waited for in time.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(id) = self.0 {
            // Whoever is not there any more needs no killing.
            let _ = skep_env::process::kill_group(id);
        }
    }
}

async fn execute(mut command: Command) -> std::io::Result<(ExitStatus, Vec<u8>, Vec<u8>)> {
    let mut child = command.kill_on_drop(true).spawn()?;
    let mut group = Group(child.id());
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (stdout, stderr) = tokio::join!(drain(stdout), drain(stderr));
    let status = child.wait().await?;
    group.0 = None;
    Ok((status, stdout?, stderr?))
}

/// Everything that comes, of which the beginning is kept.
async fn drain(pipe: Option<impl AsyncRead + Unpin>) -> std::io::Result<Vec<u8>> {
    let mut kept = Vec::new();
    if let Some(pipe) = pipe {
        let mut limited = pipe.take(OUTPUT_BYTES_MAX);
        limited.read_to_end(&mut kept).await?;
        tokio::io::copy(&mut limited.into_inner(), &mut tokio::io::sink()).await?;
    }
    Ok(kept)
}

/// A text: UTF-8, or else each byte is a character.
fn decoded(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| error.into_bytes().into_iter().map(char::from).collect())
}

/// The home folder for `~`.
pub(crate) fn expand_user(path: &str) -> String {
    match path.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => std::env::var_os("HOME")
            .map_or_else(|| path.to_owned(), |home| format!("{}{rest}", home.to_string_lossy())),
        _ => path.to_owned(),
    }
}

/// The executable file that a path or the name of a program stands for.
pub(crate) fn which(path: &str) -> Option<PathBuf> {
    if path.is_empty() {
        return None;
    }
    if path.contains('/') {
        return Some(PathBuf::from(path)).filter(|path| is_executable(path));
    }
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join(path)).find(|path| is_executable(path))
}

fn is_executable(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::RunOptions;
    use crate::program::{NoPrograms, Programs};
    use crate::template::Names;

    #[derive(Debug)]
    struct Echo;

    impl Programs for Echo {
        fn resolve(&self, path: &str) -> Option<Program> {
            (path == "built in").then(|| Program {
                program: "/bin/sh".into(),
                leading: vec!["-c".into(), "echo \"$0\" \"$SKEP_X\" $*".into(), "it's".into()],
                env: vec![("SKEP_X".into(), "y".into())],
            })
        }
    }

    async fn ran_with(provider: Value, judging: Judging) -> Result<Answer, Failure> {
        let names = Names {
            configuration: json!({"n": 3, "all": ["a", "b"]}).as_object().cloned().expect("a map"),
            ..Names::default()
        };
        let options = RunOptions { judging, ..RunOptions::default() };
        run(&provider, false, Surroundings { names: &names, options: &options, programs: &Echo })
            .await
    }

    async fn ran(provider: Value) -> Value {
        ran_with(provider, Judging::Strict).await.expect("a result").output
    }

    #[tokio::test]
    async fn arguments_are_a_list_a_text_or_a_map() {
        let stdout = |output: Value| output["stdout"].as_str().expect("a text").to_owned();
        let list =
            json!({"path": "echo", "arguments": ["a", 1, "", null, 1.5, true, "${n}", {"a": 1}]});
        assert_eq!(stdout(ran(list).await), "a 1 1.5 True 3 {'a': 1}\n");
        let text = json!({"path": "echo", "arguments": "a   $(echo b) ${n}"});
        assert_eq!(stdout(ran(text).await), "a b 3\n");
        let map = json!({"path": "echo", "arguments": {"-x": 1, "-y": null}});
        assert_eq!(stdout(ran(map).await), "-x 1 -y\n");
        let one = json!({"path": "echo", "arguments": "${all}"});
        assert_eq!(stdout(ran(one).await), "a b\n");
        assert_eq!(stdout(ran(json!({"path": "echo"})).await), "\n");
        let built_in = json!({"path": "built in", "arguments": ["z"]});
        assert_eq!(stdout(ran(built_in).await), "it's y z\n");
        let built_in = json!({"path": "built in", "arguments": "z 'a  b'"});
        assert_eq!(stdout(ran(built_in).await), "it's y z a b\n");
    }

    #[tokio::test]
    async fn the_exit_code_is_the_status() {
        let exits =
            |code: &str| json!({"path": "sh", "arguments": ["-c", format!("echo e >&2; {code}")]});
        let answer = ran_with(exits("exit 3"), Judging::Strict).await.expect("a result");
        assert_eq!(answer.output, json!({"status": 3, "stdout": "", "stderr": "e\n"}));
        assert_eq!(answer.warning, Some(WARNING));
        let answer = ran_with(exits("kill -9 $$$$"), Judging::Strict).await.expect("a result");
        assert_eq!((&answer.output["status"], answer.warning), (&json!(-9), None));
    }

    #[tokio::test]
    async fn too_long_is_a_failure_and_nothing_stays_behind() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("id");
        let script = format!("sleep 1000 & echo $! > {}; wait", file.display());
        let provider = json!({"path": "sh", "arguments": ["-c", script], "timeout": "1"});
        let failure = ran_with(provider.clone(), Judging::Strict).await.expect_err("too long");
        assert_eq!(
            failure,
            Failure::Failed("process activity took too long to complete".to_owned())
        );
        let id: u32 = std::fs::read_to_string(&file).expect("written").trim().parse().expect("id");
        let identity = skep_env::process::ProcessIdentity::of(id);
        let ended = skep_env::process::ProcessState::Ended;
        // It is killed; when the machine gets to it is not ours to say.
        while identity.is_some_and(|identity| identity.state() != ended) {
            tokio::task::yield_now().await;
        }
        let crash = ran_with(provider, Judging::Compat).await.expect_err("a text is no number");
        assert!(matches!(crash, Failure::Crash(_)));
    }

    #[tokio::test]
    async fn what_is_not_there_is_a_crash() {
        let names = Names::default();
        let options = RunOptions::default();
        let surroundings = Surroundings { names: &names, options: &options, programs: &NoPrograms };
        let outcome = run(&json!({"path": "no-such-program"}), false, surroundings).await;
        assert!(matches!(outcome, Err(Failure::Crash(_))));
    }

    #[test]
    fn bytes_become_a_text() {
        assert_eq!(decoded("é".as_bytes().to_vec()), "é");
        assert_eq!(decoded(vec![0xe9]), "é");
    }
}

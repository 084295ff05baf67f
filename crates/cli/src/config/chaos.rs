//! Whether a node may be broken on purpose, and the token that says by whom.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// A token that is guessed is none.
const TOKEN_BYTES_MIN: usize = 16;

/// Something that no log and no error may show.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(pub(crate) String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// The token of a node that was started for chaos; none when it was not.
pub(super) fn token(
    chaos: Option<bool>,
    file: Option<PathBuf>,
    given: Option<Secret>,
) -> Result<Option<Secret>, Failure> {
    if chaos != Some(true) {
        return Ok(None);
    }
    let token = match (&file, given) {
        (Some(file), _) => read(file)?,
        (None, Some(Secret(token))) => token.trim().to_owned(),
        (None, None) => {
            return Err(Failure::Usage(
                "--chaos lets others break this node, so it needs a token: name a file with one (--chaos-token-file), or set \
                 SKEP_CHAOS_TOKEN"
                    .to_owned(),
            ));
        }
    };
    let is_plain = |byte: u8| byte.is_ascii_graphic();
    if token.len() < TOKEN_BYTES_MIN || !token.bytes().all(is_plain) {
        return Err(Failure::Usage(format!(
            "the token of --chaos has {} bytes; it has at least {TOKEN_BYTES_MIN}, all of them visible ASCII",
            token.len()
        )));
    }
    Ok(Some(Secret(token)))
}

fn read(file: &Path) -> Result<String, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| Failure::file("read", file, error))?;
    Ok(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(token: Result<Option<Secret>, Failure>) -> String {
        format!("{:?}", token.unwrap_err())
    }

    #[test]
    fn a_node_is_broken_only_with_a_token() {
        let secret = Secret("0123456789abcdef".to_owned());
        assert_eq!(token(None, None, Some(secret.clone())).unwrap(), None);
        assert_eq!(token(Some(false), None, Some(secret.clone())).unwrap(), None);
        assert_eq!(token(Some(true), None, Some(secret.clone())).unwrap(), Some(secret.clone()));
        assert!(refused(token(Some(true), None, None)).contains("--chaos-token-file"));
        let short = refused(token(Some(true), None, Some(Secret("guess me".to_owned()))));
        assert!(short.contains("at least 16") && !short.contains("guess me"), "{short}");
        assert!(!format!("{secret:?}").contains("0123"), "no log may show it");
    }

    #[test]
    fn a_file_wins_over_the_environment() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "from-the-file-0123456789\n").unwrap();
        let other = Some(Secret("from-the-environment".to_owned()));
        let read = token(Some(true), Some(file.path().to_owned()), other).unwrap();
        assert_eq!(read, Some(Secret("from-the-file-0123456789".to_owned())));
        assert!(refused(token(Some(true), Some("/nowhere".into()), None)).contains("/nowhere"));
    }
}

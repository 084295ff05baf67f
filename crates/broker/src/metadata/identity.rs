//! Whose data folder this is: the cluster and the node that it belongs to are written into it with
//! its first use, and a start as another one is refused.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use skep_env::{Disk, read_file, replace_file};

/// Name of the file in the data folder.
const IDENTITY_NAME: &str = "node.json";

/// The cluster and the node that a data folder belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The cluster.
    pub cluster_id: String,
    /// The node.
    pub node_id: u32,
}

/// A data folder cannot be used by this node.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// It belongs to another cluster.
    #[error(
        "the data folder belongs to cluster '{found}', but this start is for cluster '{asked}'; \
         start with --cluster-id {found}, or with another folder (--data-dir)"
    )]
    OtherCluster {
        /// The cluster in the folder.
        found: String,
        /// The cluster that was asked for.
        asked: String,
    },
    /// It belongs to another node.
    #[error(
        "the data folder belongs to node {found}, but this start is for node {asked}; start with \
         --node-id {found}, or with another folder (--data-dir)"
    )]
    OtherNode {
        /// The node in the folder.
        found: u32,
        /// The node that was asked for.
        asked: u32,
    },
    /// The disk failed, or the file is damaged.
    #[error("cannot use {IDENTITY_NAME} in the data folder: {0}; check the disk")]
    Io(#[from] io::Error),
}

impl Identity {
    /// Checks that the data folder belongs to this node, or makes it so when it is new.
    ///
    /// # Errors
    /// When it belongs to another one, or the disk fails.
    pub fn claim(&self, disk: &dyn Disk, folder: &Path) -> Result<(), IdentityError> {
        let Some(bytes) = read_file(disk, &folder.join(IDENTITY_NAME))? else {
            let bytes = serde_json::to_vec(self).map_err(io::Error::other)?;
            return Ok(replace_file(disk, folder, IDENTITY_NAME, &bytes)?);
        };
        let found: Self = serde_json::from_slice(&bytes).map_err(io::Error::other)?;
        if found.cluster_id != self.cluster_id {
            return Err(IdentityError::OtherCluster {
                found: found.cluster_id,
                asked: self.cluster_id.clone(),
            });
        }
        if found.node_id != self.node_id {
            return Err(IdentityError::OtherNode { found: found.node_id, asked: self.node_id });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skep_env::MemoryDisk;

    #[test]
    fn a_folder_stays_with_its_node() {
        let disk = MemoryDisk::new();
        let folder = Path::new("/data");
        disk.create_dir(folder).unwrap();
        let mine = Identity { cluster_id: "bees".to_owned(), node_id: 2 };
        mine.claim(&disk, folder).unwrap();
        let disk = disk.crash(1);
        mine.claim(&disk, folder).unwrap();
        let other = Identity { node_id: 1, ..mine.clone() };
        let refused = other.claim(&disk, folder).unwrap_err().to_string();
        assert!(refused.contains("--node-id 2"), "{refused}");
        let other = Identity { cluster_id: "wasps".to_owned(), ..mine };
        let refused = other.claim(&disk, folder).unwrap_err().to_string();
        assert!(refused.contains("--cluster-id bees"), "{refused}");
    }
}

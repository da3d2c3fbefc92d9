//! Files that the operator names, opened with a limit of their size.

use std::fs::{self, File};
use std::io::{self, Read, Take};

/// An open file, of which one byte more than the limit can be read.
pub(super) struct LimitedFile {
    pub(super) reader: Take<File>,
    /// Room for the content. A buffer that grows would leave copies of a secret behind.
    pub(super) capacity: usize,
}

impl LimitedFile {
    /// Opens a file. `None` if it is not a regular file: opening a pipe would wait for its writer.
    ///
    /// # Errors
    /// Fails if it cannot be opened.
    pub(super) fn open(path: &str, max_bytes: u64) -> io::Result<Option<Self>> {
        let metadata = fs::metadata(path)?;
        if !metadata.is_file() {
            return Ok(None);
        }
        let capacity = usize::try_from(metadata.len().min(max_bytes)).unwrap_or_default();
        Ok(Some(Self { reader: File::open(path)?.take(max_bytes + 1), capacity }))
    }
}

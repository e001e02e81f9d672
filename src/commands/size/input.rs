//! What is read: a file, or stdin.

use std::io::Read;
use std::path::Path;

use crate::error::Failure;

/// The largest file that is read: what people write is small.
const LARGEST: u64 = 4 << 20;

/// What is in a file, or comes from stdin (`-`).
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let limit = LARGEST + 1;
    let read = if path.as_os_str() == "-" {
        std::io::stdin().take(limit).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes))
    };
    let wrong = match read {
        Ok(size) if size as u64 <= LARGEST => return Ok(bytes),
        Ok(_) => "it is larger than 4 MiB".to_owned(),
        Err(error) => error.to_string(),
    };
    let failure = Failure::usage(format!("could not read {}: {wrong}", path.display()));
    Err(failure.hinted("name a file that is there, or - for stdin; see pgconn help size"))
}

//! `size`: the plan and its formats, configuration that keeps what it promises, and the linter.

mod answer;
mod current;
mod emitting;
mod linting;
mod load;
mod measuring;
mod plans;
mod pooled;
mod provided;
mod tasks;

use super::common::{Outcome, Pgconn};
use std::path::PathBuf;

pub(crate) fn size(line: &str) -> Outcome {
    let mut words = vec!["size"];
    words.extend(line.split_whitespace());
    Pgconn::new(&words).run()
}

/// A folder of this test's own.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder =
        PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("size-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

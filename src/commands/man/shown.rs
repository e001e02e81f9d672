//! A page before somebody's eyes: through `man`, which formats it and lets one scroll. Where there is no man, it goes as it is to
//! $MANPAGER, or to stdout.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};

use anyhow::{Context as _, Result};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::super::Context;
use crate::act::run_held::{self, SignalSource};
use crate::error::Failure;
use crate::exit::Exit;

/// The page as a file, which goes when it has been read.
struct PageFile {
    folder: PathBuf,
    path: PathBuf,
}

impl PageFile {
    /// In a folder of its own that nobody else can enter.
    fn write(name: &str, page: &str) -> io::Result<Self> {
        let folder = std::env::temp_dir().join(format!("pgconn-man-{}", std::process::id()));
        DirBuilder::new().mode(0o700).create(&folder)?;
        let file = Self { path: folder.join(name), folder };
        fs::write(&file.path, page)?;
        Ok(file)
    }
}

impl Drop for PageFile {
    fn drop(&mut self) {
        // What cannot be removed is in a folder for such things.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Shows the page of this file name; `instead` ends the hint for where there is no man.
///
/// # Errors
/// When it cannot be written, or the program that shows it fails.
pub(super) async fn show(name: &str, page: &str, instead: &str, context: &Context) -> Result<Exit> {
    let file = PageFile::write(name, page).context("could not write the page for man")?;
    let mut man = Command::new("man");
    // Elsewhere man knows a file by the slash in its name, and some have no -l.
    if cfg!(target_os = "linux") {
        man.arg("-l");
    }
    match run(man.arg(&file.path), None, context).await {
        Ok(status) => return ended("man", status),
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(Failure::failed(format!("could not run man: {error}")).into());
        }
        Err(_) => context.ui.hint(&format!("there is no man here, so this is roff{instead}")),
    }
    let Some(pager) = std::env::var_os("MANPAGER").filter(|pager| !pager.is_empty()) else {
        context.write(|out| out.write_all(page.as_bytes()))?;
        return Ok(Exit::Done);
    };
    let status = run(Command::new("sh").arg("-c").arg(&pager), Some(page), context).await?;
    ended("$MANPAGER", status)
}

/// Runs a program at the terminal until it ends; signals reach it, and Ctrl-C is its own affair.
async fn run(command: &mut Command, input: Option<&str>, context: &Context) -> io::Result<ExitStatus> {
    command.env_remove(crate::conninfo::CARRIER);
    if input.is_some() {
        command.stdin(Stdio::piped());
    }
    let mut child = command.spawn()?;
    let stdin = child.stdin.take();
    let fed = async {
        if let (Some(mut stdin), Some(input)) = (stdin, input) {
            // Who has read enough closes it.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
    };
    let signals = SignalSource { stop: &context.stop, at_terminal: true };
    let (status, ()) = tokio::join!(run_held::wait(&mut child, signals), fed);
    status
}

fn ended(program: &str, status: ExitStatus) -> Result<Exit> {
    match status.code() {
        Some(0) | None => Ok(Exit::Done),
        Some(code) => Err(Failure::failed(format!("{program} ended with status {code}"))
            .hinted("into a pipe the page goes as it is: pgconn man | less")
            .into()),
    }
}

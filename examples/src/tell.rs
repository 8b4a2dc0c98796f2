//! What the stories show.

use std::io::stderr;

use xos_sync_core::status::State;

use crate::{Fallible, Sync};

/// Shows the log only where somebody asks for it by `RUST_LOG`.
pub fn logs() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env();
    let filter = filter.unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("error"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr).init();
}

/// Begins a chapter.
pub fn title(text: &str) {
    println!("\n== {text}");
}

/// Shows what `status` shows.
///
/// # Errors
/// What the database answered.
pub async fn status(sync: &Sync) -> Fallible {
    println!("\n{}", sync.status().await?);
    Ok(())
}

/// Shows what is not in line, and why.
///
/// # Errors
/// What the database answered.
pub async fn troubles(sync: &Sync) -> Fallible {
    let trouble = |state: State| matches!(state, State::Failed | State::Blocked);
    for object in sync.status().await?.objects.iter().filter(|object| trouble(object.state)) {
        println!("  {object}");
    }
    Ok(())
}

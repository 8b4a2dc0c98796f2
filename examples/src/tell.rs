//! What the stories show.

use std::io::stderr;

use xos_sync_core::status::State;

use crate::{Fallible, Sync, instances};

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

/// Counts the rows of each model that has some.
///
/// # Errors
/// What the database answered.
pub async fn offer(sync: &Sync) -> Fallible {
    for model in sync.status().await?.models {
        let rows: i64 = model.counts.values().sum();
        println!("  {rows:>4} {}", model.table);
    }
    Ok(())
}

/// Shows each instance as its row has it.
///
/// # Errors
/// What the database answered.
pub async fn show_instances(sync: &Sync) -> Fallible {
    let rows = instances(sync).await?;
    const SHOWN: usize = 12;
    let widest = rows.iter().filter_map(|row| Some(row.instance_id.as_ref()?.len())).max();
    let width = widest.unwrap_or(0);
    for row in rows.iter().take(SHOWN) {
        let word = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        println!(
            "  {:<10} {:<width$} {:<10} {}",
            row.name,
            word(&row.instance_id),
            word(&row.backend_flavor),
            word(&row.ip)
        );
    }
    if rows.len() > SHOWN {
        println!("  and {} more", rows.len() - SHOWN);
    }
    Ok(())
}

//! Publishes what changes in the database on a message bus, for Synchronizers that hear of it
//! in no other way.

use async_trait::async_trait;

use super::{Change, FeedError};

/// Puts changes on a bus.
#[async_trait]
pub trait Publisher: Send + 'static {
    /// What the log calls it. Without credentials.
    fn name(&self) -> String;

    /// Publishes one change; connects first where that is needed. When it returns, the bus has
    /// taken the change.
    ///
    /// # Errors
    /// Why the bus did not take it; it is published again after a growing wait.
    async fn publish(&mut self, change: &Change) -> Result<(), FeedError>;
}

//! A bounded pool of connections, for reading and for authors' queries.

use deadpool::managed::{Manager, Metrics, Object, RecycleResult};

use super::{AnyConnection, DatabaseUrl, OpenMode, blocking};
use crate::error::{Error, Result};

/// Connections beside the writer's: reads of a few models at a time, and authors' queries.
const CONNECTIONS: usize = 4;

pub(super) struct Pool(deadpool::managed::Pool<Connections>);

impl Pool {
    pub(super) fn new(url: DatabaseUrl) -> Self {
        let builder = deadpool::managed::Pool::builder(Connections { url }).max_size(CONNECTIONS);
        // Building fails only when time-outs are asked for without a runtime; none are.
        match builder.build() {
            Ok(pool) => Self(pool),
            Err(never) => unreachable!("{never}"),
        }
    }

    pub(super) async fn get(&self) -> Result<Object<Connections>> {
        self.0.get().await.map_err(|error| match error {
            deadpool::managed::PoolError::Backend(error) => error,
            _ => Error::Closed,
        })
    }
}

pub(super) struct Connections {
    url: DatabaseUrl,
}

impl Manager for Connections {
    type Type = AnyConnection;
    type Error = Error;

    async fn create(&self) -> Result<AnyConnection> {
        let url = self.url.clone();
        blocking(move || url.connect(OpenMode::Existing)).await?
    }

    async fn recycle(&self, _: &mut AnyConnection, _: &Metrics) -> RecycleResult<Error> {
        Ok(())
    }
}

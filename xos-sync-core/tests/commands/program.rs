//! An author's program: one model, one step that does what its row says.

use std::{convert::Infallible, time::Duration};
use xos_sync_core::{
    Context, Id, Outcome, Pending, Reason, Row, Secret, StepError, StepResult, SyncStep, backend,
    model, sync_step,
};

/// Says that this program is the author's.
pub const WANTED: &str = "XOS_COMMANDS_PROGRAM";

/// Says that the step's listing fails, and why.
pub const LISTING_FAILS: &str = "XOS_COMMANDS_LISTING_FAILS";

pub fn is_wanted() -> bool {
    std::env::var_os(WANTED).is_some()
}

/// A lamp.
#[model(table = lamps)]
pub struct Lamp {
    /// Its key.
    pub id: Id<Lamp>,
    /// Its name.
    pub name: String,
    /// How the backend answers: `CLASS MESSAGE`; all is well if not set.
    pub answer: Option<String>,
    /// What the backend asks for.
    pub password: Option<Secret>,
    /// What the backend calls it.
    #[backend]
    pub backend_id: Option<String>,
}

/// What cannot be written into a row or an environment.
fn hostile(message: &str, password: &str) -> String {
    let long = "x".repeat(3 << 20);
    message.replace("{NUL}", "\0").replace("{LONG}", &long).replace("{PASSWORD}", password)
}

/// A backend with a client of its own.
#[derive(Clone)]
struct Socket {
    #[cfg(feature = "http")]
    _http: xos_sync_core::http::Client,
}

async fn socket() -> Result<Socket, Infallible> {
    Ok(Socket {
        #[cfg(feature = "http")]
        _http: xos_sync_core::http::Client::new(),
    })
}

backend!(Socket, socket);

/// Does what the row says.
#[sync_step(provides = Lamp, synchronizer = "light", interval = 1)]
pub struct SyncLamps {
    _socket: Socket,
}

impl SyncStep for SyncLamps {
    async fn fetch_pending(&self, _: &Context, _: &mut Pending<Lamp>) -> StepResult {
        match std::env::var(LISTING_FAILS) {
            Ok(message) => Err(StepError::transient(hostile(&message, ""))),
            Err(_) => Ok(Outcome::Done),
        }
    }

    async fn sync_record(&self, _: &Context, lamp: &mut Row<Lamp>) -> StepResult {
        let answer = lamp.answer.clone().unwrap_or_default();
        let (class, message) = answer.split_once(' ').unwrap_or((&answer, "no reason"));
        let password = lamp.password.as_ref().map(Secret::reveal).unwrap_or_default();
        let message = hostile(message, password);
        let long = Duration::from_secs(3600);
        match class {
            "fail" => Err(StepError::transient(message)),
            "refuse" => Err(StepError::terminal(message)),
            "wait" => Ok(Outcome::wait(Reason::new("LampIsCold"), message, long)),
            "throttle" => Err(StepError::retry_after(message, long)),
            "panic" => panic!("{message}"),
            "save" => {
                lamp.backend_id = Some(message);
                Ok(Outcome::Done)
            }
            _ => Ok(Outcome::Done),
        }
    }

    async fn delete_record(&self, _: &Context, _: &Row<Lamp>) -> StepResult {
        Ok(Outcome::Done)
    }
}

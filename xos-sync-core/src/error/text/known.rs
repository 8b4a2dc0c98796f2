//! Secrets that are in memory just now: the values of the rows that are being processed.
//!
//! A backend may answer with what it was sent, in a form that no pattern knows. So each
//! [`Secret`](crate::Secret) is known from the moment in which it is read until it is dropped.

use std::{
    cell::RefCell,
    ops::Deref,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    thread,
};

use super::Secrets;

/// Shorter values are not hidden, because they stand in too many words.
const SHORTEST: usize = 4;

/// Secrets at the most that a panic drops and whose values are remembered for its message.
const MOST_DROPPED: usize = 64;

thread_local! {
    /// A panic drops the row before its message is read.
    static DROPPED: RefCell<Vec<Arc<str>>> = const { RefCell::new(Vec::new()) };
}

/// All that live, and some that do no more.
static LIVING: Mutex<Living> = Mutex::new(Living { values: Vec::new(), clean_at: 64 });

struct Living {
    values: Vec<Weak<str>>,
    clean_at: usize,
}

/// A text that no message repeats while a copy of it lives.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Known(Arc<str>);

impl Known {
    pub(crate) fn new(text: String) -> Self {
        let text: Arc<str> = text.into();
        if text.len() >= SHORTEST {
            let mut living = living();
            if living.values.len() >= living.clean_at {
                living.values.retain(|value| value.strong_count() > 0);
                living.clean_at = 64.max(2 * living.values.len());
            }
            living.values.push(Arc::downgrade(&text));
        }
        Self(text)
    }
}

impl Deref for Known {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Drop for Known {
    fn drop(&mut self) {
        if thread::panicking() {
            // A thread that is just ending has nobody who reads the message.
            let _ = DROPPED.try_with(|dropped| {
                if let Ok(mut dropped) = dropped.try_borrow_mut()
                    && self.0.len() >= SHORTEST
                    && dropped.len() < MOST_DROPPED
                {
                    dropped.push(self.0.clone());
                }
            });
        }
    }
}

fn living() -> MutexGuard<'static, Living> {
    // Nothing that holds the lock can panic.
    LIVING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The secrets that this thread's last panic has dropped. The panic's message is the first that is made
/// safe after it.
fn dropped() -> Vec<Arc<str>> {
    let of_thread = DROPPED.try_with(|dropped| match dropped.try_borrow_mut() {
        Ok(dropped) if thread::panicking() => dropped.clone(),
        Ok(mut dropped) => std::mem::take(&mut *dropped),
        Err(_) => Vec::new(),
    });
    of_thread.unwrap_or_default()
}

/// The text with `***` instead of each secret that lives.
pub(super) fn hide(text: &str) -> String {
    let mut values: Vec<Arc<str>> = living().values.iter().filter_map(Weak::upgrade).collect();
    values.extend(dropped());
    values.sort_unstable();
    values.dedup();
    Secrets::new(values.iter().map(|value| value.to_string())).hide(text)
}

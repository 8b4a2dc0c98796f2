//! Contracts C1 and C2: what is pending, whoever wrote it and however.

mod held;
mod identity;
mod versions;
mod writers;

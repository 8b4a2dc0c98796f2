//! Where a process runs, so that another one of the same machine can tell that it is gone
//! before its lease ends.

use std::{
    collections::BTreeSet,
    fs,
    sync::{LazyLock, Mutex, MutexGuard, PoisonError},
};

/// The members of this process.
static HERE: LazyLock<Mutex<BTreeSet<String>>> = LazyLock::new(Mutex::default);

/// This process: `BOOT NAMESPACE PID STARTED`, of letters that the database may keep. Empty
/// where the system does not tell: then only the end of a lease does.
pub(super) fn mine() -> String {
    let read = || Some(format!("{} {} {}", machine()?, std::process::id(), started("self")?));
    read().unwrap_or_default()
}

/// Notes that a member lives in this process.
pub(super) fn enter(member: &str) {
    here().insert(member.to_owned());
}

/// Notes that it does not any more.
pub(super) fn leave(member: &str) {
    here().remove(member);
}

/// Whether it is sure that this member does not run any more.
pub(super) fn is_gone(member: &str, place: &str) -> bool {
    let mut words = place.rsplitn(3, ' ');
    let (Some(begun), Some(pid), Some(on)) = (words.next(), words.next(), words.next()) else {
        return false;
    };
    // A process of another machine, or of another container, cannot be seen from here.
    if machine().as_deref() != Some(on) {
        return false;
    }
    if pid == std::process::id().to_string() && started("self").as_deref() == Some(begun) {
        return !here().contains(member);
    }
    match started(pid) {
        Some(other) => other != begun,
        // Where others' processes are hidden, none can be seen to be gone.
        None => started("1").is_some(),
    }
}

fn here() -> MutexGuard<'static, BTreeSet<String>> {
    HERE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The boot of this machine, and the namespace in which its processes are numbered.
fn machine() -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let namespace = fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{} {}", boot.trim(), namespace.display()))
}

/// When a process was started, in the kernel's ticks; `None` when there is no such process.
fn started(pid: &str) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may hold anything; behind its last bracket come the numbers.
    let (_, numbers) = stat.rsplit_once(')')?;
    let state = numbers.split_whitespace().next()?;
    // A zombie does nothing any more.
    (state != "Z").then(|| numbers.split_whitespace().nth(19).map(str::to_owned))?
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_process_is_gone_when_it_has_ended() {
        let mut child = Command::new("sleep").arg("60").stdout(Stdio::null()).spawn().unwrap();
        let pid = child.id().to_string();
        let place = format!("{} {pid} {}", machine().unwrap(), started(&pid).unwrap());
        assert!(!is_gone("m", &place));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(is_gone("m", &place));
    }

    #[test]
    fn what_cannot_be_seen_is_not_gone() {
        for place in ["", "x", "other-boot pid:[1] 1 1"] {
            assert!(!is_gone("m", place), "{place}");
        }
    }

    /// Says where its parent runs, to a process that cannot see that.
    const PARENT: &str = "XOS_TEST_PLACE_OF_PARENT";

    /// Runs this test again by way of a shell command that hides this process from it.
    fn hidden_by(hides: &str) {
        if let Ok(parent) = std::env::var(PARENT) {
            assert!(!mine().is_empty() && mine() != parent);
            let pid = std::process::id().to_string();
            assert!(parent.split(' ').nth(2) != Some(&pid) && !is_gone("m", &parent), "{parent}");
            return;
        }
        let test = std::thread::current().name().unwrap().to_owned();
        let output = Command::new("unshare")
            .args(["--mount", "sh", "-c", hides, "sh"])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", &test])
            .env(PARENT, mine())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success() && said.contains("1 passed"),
            "{said}{errors}; this test needs root, and the package util-linux"
        );
    }

    #[test]
    fn a_process_of_another_namespace_is_not_gone() {
        hidden_by("exec unshare --pid --fork --mount-proc \"$@\"");
    }

    #[test]
    fn a_process_that_is_hidden_in_proc_is_not_gone() {
        hidden_by(
            "mount -t proc -o hidepid=2,gid=65534 proc /proc && \
             exec setpriv --inh-caps=-all --bounding-set=-all \"$@\"",
        );
    }

    #[test]
    fn a_member_of_this_process_is_gone_when_it_has_left() {
        enter("place-test");
        assert!(!is_gone("place-test", &mine()));
        leave("place-test");
        assert!(is_gone("place-test", &mine()));
    }
}

//! Where the instances go: AWS when it is configured, else a server on this machine.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use xos_sync_ec2::client::Ec2;
use xos_sync_examples::Fallible;

/// Settings that say that somebody means real AWS, or a server of their own.
const SETTINGS: [&str; 7] = [
    "AWS_ENDPOINT_URL_EC2",
    "AWS_ENDPOINT_URL",
    "AWS_ACCESS_KEY_ID",
    "AWS_PROFILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_SHARED_CREDENTIALS_FILE",
];

/// An EC2 API.
pub(crate) struct Cloud {
    ec2: Ec2,
    server: Option<Server>,
}

/// A moto server in a folder; stopped when this is dropped, unless it is to be kept.
struct Server {
    folder: PathBuf,
    fresh: bool,
    keep: bool,
    /// Lines in the record of its calls when this program began.
    before: usize,
}

impl Cloud {
    /// AWS if it is configured, else a server that is started here.
    pub(crate) async fn find(keep: bool) -> Fallible<Self> {
        if let Some(setting) = setting() {
            let ec2 = Ec2::from_env().await?;
            println!(
                "AWS is configured ({setting}): {} in region {}",
                ec2.endpoint(),
                ec2.region()
            );
            return Ok(Self { ec2, server: None });
        }
        println!("no AWS settings: starting a server that answers like EC2 (moto) on this machine");
        let folder = folder().join("moto");
        let fresh = !folder.join("port").exists();
        let output = script().arg("start").arg(&folder).stderr(Stdio::inherit()).output()?;
        if !output.status.success() {
            return Err(format!("{} failed, see above", script_path().display()).into());
        }
        let text = String::from_utf8(output.stdout)?;
        let url = text.lines().last().unwrap_or_default();
        let before = record(&folder).len();
        let server = Server { folder, fresh, keep, before };
        println!(
            "it is at {url}{}",
            if fresh { "" } else { ", with what an earlier run left in it" }
        );
        let ec2 =
            Ec2::builder().endpoint(url).region("us-east-1").credentials("example", "example");
        Ok(Self { ec2: ec2.build()?, server: Some(server) })
    }

    pub(crate) fn ec2(&self) -> &Ec2 {
        &self.ec2
    }

    /// Whether it is not ours, and instances there may cost money.
    pub(crate) fn is_real(&self) -> bool {
        self.server.is_none()
    }

    /// Whether nothing can be there yet.
    pub(crate) fn is_fresh(&self) -> bool {
        self.server.as_ref().is_some_and(|server| server.fresh)
    }

    /// Says what was called, from the server's own record.
    pub(crate) fn calls(&self) {
        let Some(server) = &self.server else { return };
        let record = record(&server.folder);
        let calls = record.iter().skip(server.before).filter_map(|line| line.split(' ').nth(2));
        let (reading, changing): (Vec<_>, Vec<_>) =
            calls.partition(|call| call.starts_with("Describe"));
        println!(
            "\nthis run called EC2 {} times to read, {} times to change",
            reading.len(),
            changing.len()
        );
    }

    /// Says what is left, and stops the server unless it is kept.
    pub(crate) fn goodbye(self, file: &Path) {
        match &self.server {
            None => println!(
                "the instances stay at {}; to delete them: cargo run --example ec2 -- --yes --clean --database {}",
                self.ec2.endpoint(),
                file.display()
            ),
            Some(server) if server.keep => println!(
                "kept: the server {} and the database {}\nrun it again, look with sqlite3, or stop the server: {} stop {}",
                self.ec2.endpoint(),
                file.display(),
                script_path().display(),
                server.folder.display()
            ),
            Some(_) => println!("stopped the server; to play on with it next time: --keep"),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !self.keep {
            let _ = script().arg("stop").arg(&self.folder).status();
        }
    }
}

fn setting() -> Option<String> {
    let set = |name: &&&str| env::var_os(name).is_some_and(|value| !value.is_empty());
    let file = |name: &str| {
        let path = Path::new(&env::var_os("HOME")?).join(".aws").join(name);
        path.exists().then(|| path.display().to_string())
    };
    let variable = SETTINGS.iter().find(set).map(|name| (*name).to_owned());
    variable.or_else(|| file("credentials")).or_else(|| file("config"))
}

/// What the server was asked, a line each.
fn record(folder: &Path) -> Vec<String> {
    let text = fs::read_to_string(folder.join("actions.log")).unwrap_or_default();
    text.lines().filter(|line| line.contains(" ACTION ")).map(str::to_owned).collect()
}

/// Where this example keeps its files.
pub(crate) fn folder() -> PathBuf {
    root().join("target").join("ec2-example")
}

/// Removes the goal state of an earlier run, whose server has forgotten everything.
pub(crate) fn remove_database(file: &Path) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    for end in ["", "-wal", "-shm"] {
        match fs::remove_file(format!("{}{end}", file.display())) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn script() -> Command {
    Command::new(script_path())
}

fn script_path() -> PathBuf {
    root().join("tests").join("services").join("moto")
}

fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

//! Where settings are found: in variables, and in the files that all OpenStack tools read.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::settings::{Settings, from_variables};
use super::{CloudBuilder, ConfigError};

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    clouds: BTreeMap<String, Settings>,
}

impl CloudBuilder {
    /// The settings that the environment names: `OS_CLOUD` an entry of a clouds.yaml, otherwise the
    /// variables `OS_AUTH_URL`, `OS_USERNAME` and so on say it all.
    ///
    /// # Errors
    /// When a setting is missing or not understood.
    pub fn from_env() -> Result<Self, ConfigError> {
        match env::var("OS_CLOUD") {
            Ok(name) if !name.is_empty() => Self::named(&name),
            _ if env::var_os("OS_AUTH_URL").is_none_or(|url| url.is_empty()) => {
                Err(ConfigError::NoCloud)
            }
            _ => {
                let variables = env::vars_os().filter_map(|(name, value)| {
                    Some((name.into_string().ok()?, value.into_string().ok()?))
                });
                from_variables(variables).builder("the OS_… variables")
            }
        }
    }

    /// The settings of the entry of this name in a clouds.yaml: the one that `OS_CLIENT_CONFIG_FILE`
    /// names, or else the first of those in the current folder, `~/.config/openstack` and
    /// `/etc/openstack`; completed by a secure.yaml found likewise (`OS_CLIENT_SECURE_FILE`).
    ///
    /// # Errors
    /// When there is no such file or entry, or a setting is missing or not understood.
    pub fn named(name: &str) -> Result<Self, ConfigError> {
        let places = places("OS_CLIENT_CONFIG_FILE", "clouds");
        let Some(file) = places.iter().find(|file| file.exists()) else {
            let looked_at = list(places.iter().map(|file| file.display()));
            return Err(ConfigError::NoFile { looked_at });
        };
        Self::of_files(name, file, &self::places("OS_CLIENT_SECURE_FILE", "secure"))
    }

    /// The settings of the entry of this name in this file, and in no other.
    ///
    /// # Errors
    /// When there is no such file or entry, or a setting is missing or not understood.
    pub fn from_file(file: &Path, name: &str) -> Result<Self, ConfigError> {
        Self::of_files(name, file, &[])
    }

    fn of_files(name: &str, file: &Path, secure: &[PathBuf]) -> Result<Self, ConfigError> {
        let clouds = read(file)?.clouds;
        let Some(mut settings) =
            clouds.get(name).map(|cloud| cloud.completed_by(&Settings::default()))
        else {
            let known = list(clouds.keys());
            let known = if known.is_empty() { "none".to_owned() } else { known };
            return Err(ConfigError::NoEntry {
                file: file.to_owned(),
                name: name.to_owned(),
                known,
            });
        };
        if let Some(secure) = secure.iter().find(|file| file.exists())
            && let Some(more) = read(secure)?.clouds.get(name)
        {
            settings = settings.completed_by(more);
        }
        settings.builder(&format!("cloud {name:?} of {}", file.display()))
    }
}

fn list(items: impl Iterator<Item = impl ToString>) -> String {
    items.map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}

/// Where a file is looked for, in this order.
fn places(variable: &str, name: &str) -> Vec<PathBuf> {
    if let Some(given) = env::var_os(variable).filter(|given| !given.is_empty()) {
        return vec![PathBuf::from(given)];
    }
    let own = env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
    let own = own.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".config")));
    let folders =
        [Some(PathBuf::new()), own.map(|own| own.join("openstack")), Some("/etc/openstack".into())];
    let files = |folder: PathBuf| ["yaml", "yml"].map(|kind| folder.join(format!("{name}.{kind}")));
    folders.into_iter().flatten().flat_map(files).collect()
}

fn read(file: &Path) -> Result<File, ConfigError> {
    let wrong = |why: String| ConfigError::File { file: file.to_owned(), why };
    let text = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
    serde_saphyr::from_str(&text).map_err(|error| {
        // The error's own text shows what stands in the file, and that may be a password.
        wrong(match error.location() {
            Some(at) => {
                format!("it is not understood at line {} column {}", at.line(), at.column())
            }
            None => "it is not understood".to_owned(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLOUDS: &str = "clouds:\n  lab:\n    auth:\n      auth_url: http://h:5000\n      username: 12345\n      \
                          project_id: 1e5\n    region_name: one\n    interface: internal\n    unknown: [1]\n";

    fn read_both(clouds: &str, secure: &str, name: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("clouds.yaml");
        let other = folder.path().join("secure.yaml");
        std::fs::write(&file, clouds).unwrap();
        std::fs::write(&other, secure).unwrap();
        let builder = CloudBuilder::of_files(name, &file, &[other]);
        let shown = match builder {
            Ok(builder) => format!("{builder:?}"),
            Err(error) => error.to_string(),
        };
        assert!(!shown.contains("hush"), "{shown}");
        shown.replace(folder.path().to_str().unwrap(), "")
    }

    #[test]
    fn an_entry_is_read_and_completed_by_the_secure_file() {
        let secure = "clouds:\n  lab:\n    auth:\n      password: hush\n";
        let shown = read_both(CLOUDS, secure, "lab");
        for part in ["user: \"12345\"", "Project(\"1e5\")", "Some(\"one\")"] {
            assert!(shown.contains(part), "{part} in {shown}");
        }
        let missing = read_both(CLOUDS, "{}", "lab");
        assert_eq!(missing, "cloud \"lab\" of /clouds.yaml: password is missing");
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said_without_what_is_in_it() {
        assert_eq!(
            read_both(CLOUDS, "", "other"),
            "/clouds.yaml has no cloud \"other\"; it has lab"
        );
        let broken = read_both("clouds:\n  lab:\n    auth: [hush\n", "", "lab");
        assert!(
            broken.starts_with("/clouds.yaml is not usable: it is not understood at line"),
            "{broken}"
        );
        let odd = read_both("clouds:\n  lab:\n    verify: hush\n", "", "lab");
        assert!(odd.contains("not understood at line 3"), "{odd}");
    }

    #[test]
    fn files_are_looked_for_where_all_tools_look() {
        let places = places("XOS_NO_SUCH_VARIABLE", "clouds");
        assert_eq!(places.first(), Some(&PathBuf::from("clouds.yaml")));
        assert_eq!(places.last(), Some(&PathBuf::from("/etc/openstack/clouds.yml")));
    }
}

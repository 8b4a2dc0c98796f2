//! The folder of image files.

use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How long a file must not have changed, unless it is said.
const QUIET: Duration = Duration::from_secs(10);

/// The endings of image files, and what Glance calls their formats.
const FORMATS: [(&str, &str); 6] = [
    ("qcow2", "qcow2"),
    ("raw", "raw"),
    ("img", "raw"),
    ("vmdk", "vmdk"),
    ("iso", "iso"),
    ("vdi", "vdi"),
];

/// The folder whose image files [`SyncImages`](crate::steps::SyncImages) lists, if there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageDirectory {
    folder: Option<PathBuf>,
    quiet: Duration,
}

/// `XOS_IMAGES_DIRECTORY` cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("XOS_IMAGES_DIRECTORY: {0} is not a full path: begin it with /, as in /srv/images")]
pub struct ImageDirectoryError(String);

/// A file with an image in it.
pub(crate) struct ImageFile {
    pub(crate) path: String,
    /// The name without the ending.
    pub(crate) stem: String,
    /// The whole name.
    pub(crate) name: String,
    pub(crate) format: &'static str,
}

impl ImageDirectory {
    /// This folder.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: Some(folder.into()), ..Self::default() }
    }

    /// How long a file must not have changed (10 s unless set): one that is just being copied is no image
    /// yet.
    #[must_use]
    pub fn quiet(mut self, quiet: Duration) -> Self {
        self.quiet = quiet;
        self
    }

    /// From `XOS_IMAGES_DIRECTORY`; if that is not set, nothing is listed.
    ///
    /// # Errors
    /// When it is not a full path.
    pub async fn from_env() -> Result<Self, ImageDirectoryError> {
        let folder = env::var_os("XOS_IMAGES_DIRECTORY").filter(|folder| !folder.is_empty());
        match folder.map(PathBuf::from) {
            Some(folder) if !folder.is_absolute() => {
                Err(ImageDirectoryError(folder.display().to_string()))
            }
            folder => Ok(Self { folder, ..Self::default() }),
        }
    }

    /// Whether a file of this path is one of the folder's.
    pub(crate) fn contains(&self, path: &str) -> bool {
        self.folder.as_deref().is_some_and(|folder| Path::new(path).parent() == Some(folder))
    }

    /// Whether there is a folder at all.
    pub(crate) fn is_set(&self) -> bool {
        self.folder.is_some()
    }

    /// The folder's image files that are complete, by all appearance, in the order of their names.
    pub(crate) async fn files(&self) -> io::Result<Vec<ImageFile>> {
        let mut files = Vec::new();
        let Some(folder) = &self.folder else { return Ok(files) };
        let mut entries = tokio::fs::read_dir(folder).await?;
        while let Some(entry) = entries.next_entry().await? {
            let path = entry.path();
            let Some(file) = ImageFile::of(&path) else { continue };
            // It may have been removed meanwhile.
            let Ok(known) = tokio::fs::metadata(&path).await else { continue };
            if known.is_file() && known.modified().is_ok_and(|changed| self.is_quiet(changed)) {
                files.push(file);
            }
        }
        files.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(files)
    }

    fn is_quiet(&self, changed: SystemTime) -> bool {
        // A time to come is no sign of somebody at work.
        SystemTime::now().duration_since(changed).map_or(true, |since| since >= self.quiet)
    }
}

impl Default for ImageDirectory {
    /// No folder.
    fn default() -> Self {
        Self { folder: None, quiet: QUIET }
    }
}

impl ImageFile {
    fn of(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        let (_, format) = FORMATS.into_iter().find(|(known, _)| *known == ending)?;
        let text = |part: Option<&std::ffi::OsStr>| part?.to_str().map(str::to_owned);
        Some(Self {
            path: path.to_str()?.to_owned(),
            stem: text(path.file_stem())?,
            name: text(path.file_name())?,
            format,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_by_the_ending() {
        let file = |path: &str| {
            ImageFile::of(Path::new(path)).map(|file| (file.stem, file.name, file.format))
        };
        let all = |stem: &str, name: &str, format| Some((stem.to_owned(), name.to_owned(), format));
        assert_eq!(file("/i/web 1.5.qcow2"), all("web 1.5", "web 1.5.qcow2", "qcow2"));
        assert_eq!(file("/i/a.IMG"), all("a", "a.IMG", "raw"));
        for other in ["/i/readme.txt", "/i/qcow2", "/i/.qcow2", "/i/a.qcow2.part"] {
            assert_eq!(file(other), None, "{other}");
        }
    }

    #[test]
    fn a_folder_contains_its_own_files_only() {
        let folder = ImageDirectory::new("/srv/images");
        assert!(folder.contains("/srv/images/a.raw"));
        for other in ["/srv/images", "/srv/images/old/a.raw", "ami-1", "/srv/images2/a.raw"] {
            assert!(!folder.contains(other), "{other}");
        }
        assert!(!ImageDirectory::default().contains("/a.raw"));
    }
}

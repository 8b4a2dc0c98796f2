//! Glance: the data of an image, streamed from a file.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use futures_util::stream::{self, Stream};
use reqwest::Body;
use sha2::{Digest, Sha512};
use tokio::fs::File;
use tokio::io::AsyncReadExt;

use super::call::Call;
use super::error::Detail;
use super::session::Token;
use super::transport::upload;
use super::{Cloud, CloudError, ErrorKind, Service};

/// How much is read and sent at once.
const CHUNK: usize = 256 * 1024;

/// What was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Uploaded {
    /// How many bytes.
    pub size: u64,
    /// Their SHA-512, in hexadecimal.
    pub sha512: String,
}

/// What is known of the bytes that were handed to the connection.
struct Progress {
    size: u64,
    hash: Sha512,
    last: Instant,
}

type Shared = Arc<Mutex<Progress>>;

impl Cloud {
    /// Sends the data of an image that has none yet, and compares what Glance received. However large
    /// the file is, little of it is in memory. There is no limit to the whole time, but the time-out of
    /// a call is one to the time in which nothing moves.
    ///
    /// # Errors
    /// Those of the call; `Conflict` when the image has data already; `Unavailable` when the file cannot
    /// be read, or when Glance received something else. Then the image is of no use: delete it, and make
    /// another.
    pub async fn upload_image(&self, id: &str, file: &Path) -> Result<Uploaded, CloudError> {
        let asked = format!("upload {} as image {id}", file.display());
        let call = Call::put(Service::Image, ["images", id, "file"], asked);
        let token = self.token().await?;
        let sent = match self.send_file(&call, file, &token).await {
            Err(error)
                if error.kind() == ErrorKind::Unauthorized
                    && self.session.refused(&token).await =>
            {
                self.send_file(&call, file, &*self.token().await?).await
            }
            other => other,
        }?;
        let image = self.image(id).await?;
        let received = image.os_hash_value.as_deref();
        let same = image.size == Some(sent.size)
            && (image.os_hash_algo.as_deref() != Some("sha512") || received == Some(&sent.sha512));
        if same {
            return Ok(sent);
        }
        let message = format!(
            "Glance received something else: {:?} bytes of checksum {received:?}, not {} of {}",
            image.size, sent.size, sent.sha512
        );
        Err(call.error(ErrorKind::Unavailable, message).into())
    }

    async fn send_file(
        &self,
        call: &Call,
        path: &Path,
        token: &Token,
    ) -> Result<Uploaded, CloudError> {
        let file = File::open(path).await.map_err(|error| {
            let message = format!("the file {} cannot be read: {error}", path.display());
            call.error(ErrorKind::Unavailable, message)
        })?;
        let base = self.base(call, token)?;
        let progress = Progress { size: 0, hash: Sha512::new(), last: Instant::now() };
        let progress = Arc::new(Mutex::new(progress));
        let body = Body::wrap_stream(chunks(file, progress.clone()));
        let wire = &self.shared.wire;
        tokio::select! {
            answer = upload(wire, call, &base, &token.id, body) => answer.map(drop),
            () = self.stalled(&progress) => Err(CloudError::from(Detail {
                outcome_unknown: true,
                ..call.error(
                    ErrorKind::Unavailable,
                    format!("nothing moved for {:?}", wire.timeout()),
                )
            })),
        }?;
        let progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
        let digest = progress.hash.clone().finalize();
        let sha512 = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Uploaded { size: progress.size, sha512 })
    }

    /// Ends when no data was asked for within the time-out.
    async fn stalled(&self, progress: &Shared) {
        let patience = self.shared.wire.timeout();
        loop {
            let idle = progress.lock().unwrap_or_else(PoisonError::into_inner).last.elapsed();
            match patience.checked_sub(idle) {
                Some(left) if !left.is_zero() => tokio::time::sleep(left).await,
                _ => return,
            }
        }
    }
}

fn chunks(
    file: File,
    progress: Shared,
) -> impl Stream<Item = std::io::Result<Vec<u8>>> + Send + 'static {
    stream::try_unfold((file, progress), |(mut file, progress)| async move {
        let mut chunk = vec![0; CHUNK];
        let read = file.read(&mut chunk).await?;
        chunk.truncate(read);
        {
            let mut progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
            progress.size += u64::try_from(read).unwrap_or(u64::MAX);
            progress.hash.update(&chunk);
            progress.last = Instant::now();
        }
        Ok((read > 0).then_some((chunk, (file, progress))))
    })
}

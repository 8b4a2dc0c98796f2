//! A connection that is pruned.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::prune::Pruner;

/// A connection of which only what is not too deep is read, and of which the end is an error.
pub(super) struct Pruned<W> {
    wire: W,
    pruner: Pruner,
    /// What was read and may be passed on, from `passed` on.
    ready: Vec<u8>,
    passed: usize,
}

impl<W> Pruned<W> {
    pub(super) fn new(wire: W) -> Self {
        Self { wire, pruner: Pruner::default(), ready: Vec::new(), passed: 0 }
    }

    pub(super) fn into_inner(self) -> W {
        self.wire
    }
}

impl<W: AsyncRead + Unpin> AsyncRead for Pruned<W> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while this.passed == this.ready.len() {
            this.ready.clear();
            this.passed = 0;
            let mut buffer = [0; 8192];
            let mut read = ReadBuf::new(&mut buffer);
            ready!(Pin::new(&mut this.wire).poll_read(context, &mut read))?;
            if read.filled().is_empty() {
                // The parser would call it an error of the XML.
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
            this.pruner.prune(read.filled(), &mut this.ready)?;
        }
        let rest = this.ready.get(this.passed..).unwrap_or_default();
        let piece = rest.get(..into.remaining()).unwrap_or(rest);
        into.put_slice(piece);
        this.passed += piece.len();
        Poll::Ready(Ok(()))
    }
}

impl<W: AsyncWrite + Unpin> AsyncWrite for Pruned<W> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().wire).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().wire).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().wire).poll_shutdown(context)
    }
}

//! Closes a connection in stages (RFC 9112 §9.6): a socket closed with unread bytes resets the connection, and the caller
//! may lose the answer that explains why.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use crate::Limits;

/// Says that nothing more comes, and reads what the caller still sends, within bounds.
pub(super) async fn close<S>(mut stream: S, limits: &Limits)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let read_the_rest = async {
        stream.shutdown().await?;
        let mut left = limits.unread_bytes;
        let mut scrap = [0_u8; 4096];
        while left > 0 {
            let length = stream.read(&mut scrap).await?;
            if length == 0 {
                break;
            }
            left = left.saturating_sub(u64::try_from(length).unwrap_or(u64::MAX));
        }
        Ok::<(), io::Error>(())
    };
    match timeout(limits.unread_time, read_the_rest).await {
        Ok(Ok(())) | Err(_) => {}
        Ok(Err(fault)) => tracing::debug!(%fault, "the caller closed first"),
    }
}

//! The world of `portcullis demo`: a shop, an identity provider, people, devices, a geo database, and the gate.
//!
//! Everything the gate reads is written as ordinary files into a temporary folder and loaded the way `run` loads it,
//! so what the demo shows is the product and not a copy of it.

mod cast;
mod geo;
mod issuer;
mod origin;
mod tour;
mod world;

use std::io::ErrorKind;
use std::sync::Arc;

use tokio::net::TcpListener;

use crate::cli::{complain, say};
use crate::serve::sockets::Sockets;
use crate::serve::{self, Running};

/// A fault with what was being done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DemoError {
    /// A file or socket of the demo.
    #[error("{doing}: {fault}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// What went wrong.
        fault: std::io::Error,
    },
    /// The demo's own configuration does not load: a defect of ours.
    #[error("the demo's own configuration does not load:\n{0}")]
    Configuration(String),
    /// A part of the world could not be made.
    #[error("{0}")]
    World(String),
    /// The gate could not be started.
    #[error(transparent)]
    Serve(#[from] serve::ServeFault),
}

pub(crate) fn io(doing: &'static str) -> impl FnOnce(std::io::Error) -> DemoError {
    move |fault| DemoError::Io { doing, fault }
}

/// Starts the world; takes the tour if asked, else serves until interrupted. `false`: the tour found a wrong answer.
pub(crate) fn run(tour: bool, port: u16) -> Result<bool, DemoError> {
    serve::start_logging(false);
    let runtime = serve::runtime().map_err(io("start the runtime"))?;
    runtime.block_on(async {
        let world = start(if tour { 0 } else { port }).await?;
        let steps = tour::steps(&world);
        let right = if tour {
            tour::take(&world, &steps).await
        } else {
            say(tour::printed(&world, &steps));
            serve::signals::interrupted().await.map_err(io("listen for signals"))?;
            complain("stopping", None);
            true
        };
        world.gate.stop().await;
        Ok(right)
    })
}

/// Everything that runs.
pub(crate) struct World {
    /// Removed when the demo ends.
    pub(crate) folder: tempfile::TempDir,
    pub(crate) tokens: cast::Tokens,
    pub(crate) admin_token: String,
    pub(crate) gate: Running,
}

async fn start(port: u16) -> Result<World, DemoError> {
    let folder =
        tempfile::Builder::new().prefix("portcullis-demo-").tempdir().map_err(io("make a folder"))?;
    let issuer = Arc::new(issuer::Issuer::generate()?);
    let issuer_listener = free().await?;
    let issuer_url = format!("http://{}", local(&issuer_listener)?);
    tokio::spawn(issuer::serve(issuer_listener, Arc::clone(&issuer)));
    let origin_listener = free().await?;
    let origin_url = format!("http://{}", local(&origin_listener)?);
    tokio::spawn(origin::serve(origin_listener));

    let listener = preferred(port).await?;
    let admin = free().await?;
    let admin_token = world::write(
        folder.path(),
        &world::Addresses {
            listen: local(&listener)?,
            admin: local(&admin)?,
            origin: &origin_url,
            issuer: &issuer_url,
        },
    )?;
    let parts = world::load(folder.path())?;
    let sockets = Sockets { plain: Some(listener), admin: Some(admin), ..Sockets::default() };
    let gate = serve::start(parts, sockets).await?;
    let tokens = cast::tokens(&issuer, &issuer_url)?;
    Ok(World { folder, tokens, admin_token, gate })
}

async fn free() -> Result<TcpListener, DemoError> {
    TcpListener::bind(("127.0.0.1", 0)).await.map_err(io("listen on loopback"))
}

async fn preferred(port: u16) -> Result<TcpListener, DemoError> {
    match TcpListener::bind(("127.0.0.1", port)).await {
        Err(fault) if fault.kind() == ErrorKind::AddrInUse => free().await,
        bound => bound.map_err(io("listen on loopback")),
    }
}

fn local(listener: &TcpListener) -> Result<std::net::SocketAddr, DemoError> {
    listener.local_addr().map_err(io("ask for the port"))
}

//! When a service is told to stop.

use std::io;

use tokio::runtime::Runtime;

/// Exit code of a service that was told to stop a second time.
const EXIT_INTERRUPTED: i32 = 130;

/// Waits until the process is told to stop: by SIGINT (Ctrl-C) or, where there is that, SIGTERM.
///
/// # Errors
/// When signals cannot be received.
#[cfg(unix)]
pub(crate) async fn stop() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

/// Waits until the process is told to stop.
///
/// # Errors
/// When signals cannot be received.
#[cfg(not(unix))]
pub(crate) async fn stop() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}

/// Ends the process at the next signal: nothing is lost, for what is committed is durable.
pub(crate) fn exit_at_the_next(runtime: &Runtime) {
    runtime.spawn(async {
        if stop().await.is_ok() {
            std::process::exit(EXIT_INTERRUPTED);
        }
    });
}

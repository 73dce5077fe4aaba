//! Runs a program and kills it (SIGKILL) at a random moment.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// What a killed program left behind.
#[derive(Debug)]
pub(crate) struct Killed {
    /// The whole lines it wrote to its standard output before it died.
    pub(crate) lines: Vec<String>,
    /// Whether it ended by itself before it was to be killed.
    pub(crate) ended_first: bool,
}

/// Starts `program`, waits for a line of output that starts with `ready` (at once where that is `None`),
/// then for `delay`, and kills it. The program's lines are what it acknowledged: it must flush each.
///
/// # Panics
/// When the program cannot be started, or is not ready within a minute.
pub(crate) fn kill_after(program: &mut Command, ready: Option<&str>, delay: Duration) -> Killed {
    let mut child = program.stdout(Stdio::piped()).stdin(Stdio::null()).spawn().expect("the program starts");
    let output = BufReader::new(child.stdout.take().expect("its output is piped"));
    let (is_ready, when_ready) = mpsc::channel();
    let wanted = ready.map(str::to_owned);
    let reader = thread::spawn(move || {
        let mut lines = Vec::new();
        // A line cut off by the kill was not acknowledged: keep those that end in a newline.
        for line in output.split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).into_owned();
            if wanted.as_deref().is_some_and(|wanted| line.starts_with(wanted)) {
                let _ = is_ready.send(());
            }
            lines.push(line);
        }
        lines
    });
    if ready.is_some() {
        when_ready.recv_timeout(Duration::from_secs(60)).expect("the program gets ready");
    }
    let ended_first = sleep_beside(&mut child, delay);
    let _ = child.kill();
    child.wait().expect("the program is ours to wait for");
    Killed { lines: reader.join().expect("its output is read"), ended_first }
}

/// Waits for `delay`, less if the program ends before; says if it did.
fn sleep_beside(child: &mut Child, delay: Duration) -> bool {
    let end = Instant::now() + delay;
    loop {
        if child.try_wait().expect("the program is ours to wait for").is_some() {
            return true;
        }
        let Some(left) = end.checked_duration_since(Instant::now()) else { return false };
        thread::sleep(left.min(Duration::from_millis(1)));
    }
}

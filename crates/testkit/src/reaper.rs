//! Stops a test server when the last process that uses it is gone, however it went.
//!
//! A process says that it uses a server by holding a shared flock(2) on the server's lock file; the kernel lets go of it even
//! after kill -9. The reaper is a small shell script in a session of its own, waiting for that lock.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::host;

/// Waits for the lock, then stops the server and removes its folder. Arguments: lock, folder, stop command.
const STOP_WHEN_UNUSED: &str = r#"
exec 9<"$1"
flock 9
sh -c "$3" </dev/null 9<&-
rm -rf "$2"
"#;

/// A server for this process alone: stopped, and its folder removed, on drop or when the process ends.
#[derive(Debug)]
pub struct Reaper {
    in_use: Option<File>,
    child: Child,
}

impl Reaper {
    /// `stop` is a shell command; it runs before `folder` is removed.
    pub fn watch(folder: &Path, stop: &str) -> Self {
        let lock = folder.join("in-use.lock");
        let in_use = File::create(&lock).expect("the server's folder is ours");
        in_use.lock_shared().expect("a new lock is free");
        let child = spawn(STOP_WHEN_UNUSED, &[path(&lock), path(folder), stop], None);
        Self { in_use: Some(in_use), child }
    }
}

impl Drop for Reaper {
    fn drop(&mut self) {
        self.in_use = None;
        // Nothing can be done about a reaper that somebody killed; the server's next start would not mind it either.
        let _ended = self.child.wait();
    }
}

/// Runs the script in its own session, so that neither Ctrl-C nor nextest's kill of the test's process group reaches it.
/// `held` stays open, and so locked, as long as the script runs: it is its standard input.
pub fn spawn(script: &str, arguments: &[&str], held: Option<File>) -> Child {
    host::program("flock", "util-linux");
    let mut command = Command::new(host::program("setsid", "util-linux"));
    command.args(["sh", "-c", script, "reaper"]).args(arguments).current_dir("/");
    command.stdin(held.map_or_else(Stdio::null, Stdio::from)).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("setsid and sh are part of every Debian")
}

/// Waits for the child in the background, so that it does not stay a zombie.
pub fn bury(mut child: Child) {
    std::thread::spawn(move || child.wait());
}

pub fn path(path: &Path) -> &str {
    path.to_str().expect("the temporary folder's name is plain text")
}

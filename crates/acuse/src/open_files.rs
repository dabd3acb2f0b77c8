//! How many files and connections this process may hold open.

use acuse_server::listener::Limits;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Connections at once, where nobody chose and the system allows more: some hundred megabytes at worst.
const USUAL_CONNECTIONS: usize = 4096;
/// Places for /healthz and /readyz: a supervisor or two, each asking twice.
const FOR_HEALTH: usize = 8;
/// The database (up to 27 descriptors on SQLite, 16 on PostgreSQL), mail servers, connections that are being
/// closed, and the program itself.
const LEAST_OWN: usize = 80;
const MOST_OWN: usize = 1024;
/// Fewer serve nobody.
const FEWEST_CONNECTIONS: usize = 16;

/// Raises the soft limit to the hard one, and gives it. The soft one is small only for programs that use select(2).
pub fn raise() -> usize {
    let before = getrlimit(Resource::Nofile);
    let wanted = Rlimit { current: before.maximum, maximum: before.maximum };
    if before.current != before.maximum {
        match setrlimit(Resource::Nofile, wanted) {
            Ok(()) => {
                tracing::info!("Open files: the soft limit is raised from {} to {}", said(before.current), said(before.maximum))
            }
            Err(error) => tracing::warn!("Open files: the soft limit stays {}: {error}", said(before.current)),
        }
    }
    getrlimit(Resource::Nofile).current.map_or(usize::MAX, |files| usize::try_from(files).unwrap_or(usize::MAX))
}

/// How many connections fit into so many open files; `chosen` of the settings, where 0 leaves it to us.
pub fn connections(files: usize, chosen: usize) -> Limits {
    let own = (files / 4).clamp(LEAST_OWN, MOST_OWN);
    let fit = files.saturating_sub(own + FOR_HEALTH).max(FEWEST_CONNECTIONS);
    let wanted = if chosen == 0 { USUAL_CONNECTIONS } else { chosen };
    if wanted > fit && chosen != 0 {
        tracing::warn!("max_connections is {chosen}, and {files} open files leave room for {fit}");
    }
    Limits { connections: wanted.min(fit), for_health: FOR_HEALTH }
}

fn said(limit: Option<u64>) -> String {
    limit.map_or_else(|| "unlimited".to_owned(), |files| files.to_string())
}

#[cfg(test)]
mod tests {
    use super::connections;

    #[test]
    fn connections_leave_descriptors_for_the_rest() {
        for (files, chosen, served) in [
            (256, 0, 168),
            (1024, 0, 760),
            (64, 0, 16),
            (1 << 20, 0, 4096),
            (usize::MAX, 9000, 9000),
            (256, 9000, 168),
            (4096, 100, 100),
        ] {
            assert_eq!(connections(files, chosen).connections, served, "{files} files, {chosen} chosen");
        }
    }
}

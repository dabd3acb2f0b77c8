//! The real binary, as whoever attacks, operates or kills it meets it: commands, HTTP, files and signals, nothing of its code.

mod changing;
mod installation;
mod starting;

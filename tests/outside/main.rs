//! The real binary, as whoever attacks, operates or kills it meets it: commands, HTTP, files and signals, nothing of its code.

mod access;
mod damage;
mod demo;
mod installation;
mod private_files;
mod restore;
mod starting;

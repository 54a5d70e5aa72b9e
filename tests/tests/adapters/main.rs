//! Every adapter over real sockets: the same cases through all of them, against the simulated guest and a real
//! `qemu-ga`.

mod agent;

#[macro_use]
mod runtime;

mod tap;

mod calls;
mod conform;
mod connections;
mod dropping;
mod ready;
mod sharing;
mod streams;
mod tasks;

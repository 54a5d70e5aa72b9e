//! Every adapter over real sockets: the same cases through all of them, against the simulated guest and a real
//! `qemu-ga`.

mod agent;

#[macro_use]
mod runtime;

mod tap;

mod accounts;
mod calls;
mod clock;
mod conform;
mod connections;
mod copies;
mod dropping;
mod exec;
mod file;
mod file_streams;
mod freeze;
mod hotplug;
mod network;
mod power;
mod ready;
mod sharing;
mod streams;
mod tasks;

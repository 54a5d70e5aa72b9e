//! Clients that are not ours, against the simulated guest.

mod guest;

mod qapi;

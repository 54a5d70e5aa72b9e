//! Clients that are not ours, against the simulated guest.

mod guest;
mod relay;
mod virsh;

mod libvirt;
mod python;
mod qapi;

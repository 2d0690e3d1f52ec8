//! What the kernel says of processes, their sockets and the machine.

pub mod process;
pub mod sockets;

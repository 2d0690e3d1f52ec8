//! One core's loop: [`run`] with its sockets and clock, [`shard`] without them. `route` finds a packet's leg, `timers` the visit
//! that is due next;
//! [`events`] wait for control to read them; [`load`] is how busy the loop is, and `gather` what it makes of that; [`process`] starts one worker per core and
//! ends with the first that fails; `reunion` is how it finds another control when the first one has died.

pub mod events;
mod gather;
pub mod load;
pub mod process;
mod reunion;
mod route;
pub mod run;
pub mod shard;
mod timers;

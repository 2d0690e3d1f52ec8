//! What may be asked of the bench, a file for each.

pub mod choice;

pub mod trial;

pub mod find_max;
pub mod plot;
pub mod steps;

pub mod api;
pub mod requests;

pub mod comings;
pub mod idle;
pub mod overload;
pub mod soak;
pub mod storm;

//! What may be asked of a run.

use clap::Args;

use crate::peer::Profile;

/// The same for the bench and for `quartet-load`.
#[derive(Args, Clone, Debug)]
pub struct Load {
    /// Reference visits: four people each, who all send sound and three layers of pictures.
    // Of who asks the bench for `--api`, 40: about half of what a worker carries.
    #[arg(long, default_value_t = 10, default_value_if("api", "true", "40"), value_name = "N")]
    pub visits: u32,
    /// How long is measured, once all sit and see each other at their best.
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub seconds: u32,
    /// Which SRTP profile bots offer.
    #[arg(long, value_enum, default_value_t = Profile::Gcm)]
    pub profile: Profile,
    /// Bots let the kernel join datagrams (UDP_GRO): what a network card or a remote receiver saves the server.
    #[arg(long)]
    pub gro: bool,
    /// One JSON object instead of a table.
    #[arg(long)]
    pub json: bool,
}

//! A network of the bench's own, for servers that offer no candidates of a loopback interface.
//!
//! In it an interface that is no loopback has a loopback address. The kernel still hands what goes there straight back,
//! as it does on `lo`, and nothing can leave: the namespace has no way out.

use std::net::Ipv4Addr;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;

use crate::bot::Problem;

/// Where such a server is met.
pub const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// A pair, since one end is only up while the other is.
const SCRIPT: &str = r#"set -e
ip link set lo up
ip link add name bench0 type veth peer name bench1
ip address add 127.0.0.2/32 dev bench0
ip link set bench0 up
ip link set bench1 up
exec "$@""#;

/// The kernel tells carriers within a second.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// Goes on as the same program in a network of its own, unless it is there already.
pub fn enter() -> Result<(), Problem> {
    if flags()?.is_some() {
        return Ok(());
    }
    let mut program = Command::new("unshare");
    program.arg("--net");
    // A user without privileges has them in a namespace of users.
    if procfs::process::Process::myself()?.uid()? != 0 {
        program.arg("--map-root-user");
    }
    program.args(["sh", "-c", SCRIPT, "sh"]).arg(std::env::current_exe()?).args(std::env::args_os().skip(1));
    // It only returns if it fails.
    let error = program.exec();
    Err(format!("starting `unshare` (util-linux, which runs `ip` of iproute2) for a network of its own: {error}").into())
}

/// Waits until the interface is up.
pub async fn ready() -> Result<(), Problem> {
    let up = async {
        while !flags()?.is_some_and(|flags| flags.contains(InterfaceFlags::IFF_RUNNING)) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    };
    tokio::time::timeout(WAIT_MAX, up).await.map_err(|_| format!("the interface of {ADDRESS} did not come up"))?
}

/// Those of the interface that has our address.
fn flags() -> Result<Option<InterfaceFlags>, Problem> {
    let is_ours = |interface: &nix::ifaddrs::InterfaceAddress| {
        let address = interface.address.as_ref().and_then(|address| address.as_sockaddr_in().map(|address| address.ip()));
        address == Some(ADDRESS) && !interface.flags.contains(InterfaceFlags::IFF_LOOPBACK)
    };
    Ok(getifaddrs()?.find(is_ours).map(|interface| interface.flags))
}

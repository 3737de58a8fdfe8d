use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use super::error::LabError;
use super::process::output_of;
use super::sweep::{NAMESPACES, unique_name};

/// A network namespace of its own, with `lo` up. Clones are the same namespace; it goes with the last of them.
#[derive(Clone, Debug)]
pub struct Namespace(Arc<Named>);

#[derive(Debug)]
struct Named {
    name: String,
}

impl Drop for Named {
    fn drop(&mut self) {
        // A drop cannot report; a namespace that stays is swept by the next process.
        let _ = output_of(Command::new("ip").args(["netns", "del", &self.name]));
    }
}

impl Namespace {
    /// Makes a namespace named `fk8s-<pid>-<n>-<label>`.
    pub fn new(label: &str) -> Result<Self, LabError> {
        let name = unique_name(label);
        output_of(Command::new("ip").args(["netns", "add", &name]))?;
        let namespace = Self(Arc::new(Named { name }));
        // Without duplicate address detection, link-local addresses are usable at once.
        let prepare = "for scope in all default; do echo 0 >/proc/sys/net/ipv6/conf/$scope/accept_dad; done
                       exec ip link set lo up";
        namespace.run("sh", &["-ec", prepare])?;
        Ok(namespace)
    }

    /// The name, as `ip netns list` shows it.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The file that stands for the namespace.
    pub fn path(&self) -> PathBuf {
        PathBuf::from(NAMESPACES).join(self.name())
    }

    /// A command that will run inside. It becomes the program itself, so its pid is the program's.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", self.name()]).arg(program);
        command
    }

    /// Runs a program inside to its end; what it wrote to its standard output.
    pub fn run(&self, program: &str, arguments: &[&str]) -> Result<String, LabError> {
        output_of(self.command(program).args(arguments))
    }

    /// Joins `device` in this namespace with `other_device` in another by a cable, gives both ends their addresses
    /// (`192.0.2.1/24`, `2001:db8::1/64`), and puts them up.
    pub fn veth(
        (one, device, addresses): (&Self, &str, &[&str]),
        (other, other_device, other_addresses): (&Self, &str, &[&str]),
    ) -> Result<(), LabError> {
        let mut add = Command::new("ip");
        add.args(["link", "add", device, "netns", one.name(), "type", "veth"]);
        add.args(["peer", "name", other_device, "netns", other.name()]);
        output_of(&mut add)?;
        for (namespace, device, addresses) in
            [(one, device, addresses), (other, other_device, other_addresses)]
        {
            for address in addresses {
                namespace.add_address(device, address)?;
            }
            namespace.set_link(device, true)?;
        }
        Ok(())
    }

    /// Adds an address with its prefix length to a device; IPv6 ones are usable at once.
    pub fn add_address(&self, device: &str, address: &str) -> Result<(), LabError> {
        let nodad: &[&str] = if address.contains(':') { &["nodad"] } else { &[] };
        self.ip(&["address", "add", address, "dev", device], nodad)
    }

    /// Adds a route, in the words of `ip route add`: `["10.0.0.0/8", "via", "192.0.2.2"]`.
    pub fn add_route(&self, route: &[&str]) -> Result<(), LabError> {
        self.ip(&["route", "add"], route)
    }

    /// Puts a device up or down.
    pub fn set_link(&self, device: &str, up: bool) -> Result<(), LabError> {
        self.ip(&["link", "set", device], &[if up { "up" } else { "down" }])
    }

    pub(super) fn ip(&self, arguments: &[&str], more: &[&str]) -> Result<(), LabError> {
        output_of(Command::new("ip").args(["-n", self.name()]).args(arguments).args(more)).map(drop)
    }
}

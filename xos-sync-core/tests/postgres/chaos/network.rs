//! A network of its own between the server and a process, with a router that can be told to drop
//! everything: both ends keep their links, and nobody hears that the other one is out of reach.

use std::process::Command;

/// Two namespaces: one for the router, and behind it one for a process.
pub struct Network {
    router: String,
    behind: String,
    link: String,
    /// The address of this side, and the network that may come to it.
    pub here: String,
    pub theirs: String,
}

impl Network {
    /// Needs root.
    pub fn new() -> Self {
        let tag = format!("{:06x}", fastrand::u32(..1 << 24));
        let net = format!("10.213.{}", fastrand::u8(1..255));
        let at = 8 * fastrand::u8(..31);
        let address = |last: u8| format!("{net}.{}", at + last);
        let network = Self {
            router: format!("xos-r{tag}"),
            behind: format!("xos-b{tag}"),
            link: format!("xos{tag}"),
            here: address(1),
            theirs: format!("{}/30", address(4)),
        };
        let Self { router, behind, link, here, theirs } = &network;
        let (inner, near, far) = (format!("{link}i"), address(2), address(5));
        let last = address(6);
        network.ip(&format!("netns add {router}"));
        network.ip(&format!("netns add {behind}"));
        network.ip(&format!("link add {link} type veth peer name near netns {router}"));
        network.ip(&format!("-n {router} link add far type veth peer name {inner} netns {behind}"));
        network.ip(&format!("addr add {here}/30 dev {link}"));
        network.ip(&format!("-n {router} addr add {near}/30 dev near"));
        network.ip(&format!("-n {router} addr add {far}/30 dev far"));
        network.ip(&format!("-n {behind} addr add {last}/30 dev {inner}"));
        for (namespace, device) in [(router, "near"), (router, "far"), (behind, inner.as_str())] {
            network.ip(&format!("-n {namespace} link set {device} up"));
        }
        network.ip(&format!("link set {link} up"));
        network.ip(&format!("route add {theirs} via {near}"));
        network.ip(&format!("-n {behind} route add default via {far}"));
        network.heal();
        network
    }

    /// A program behind the router.
    pub fn command(&self, program: &std::path::Path) -> Command {
        let mut command = Command::new("ip");
        // It becomes the program, with the same number.
        command.args(["netns", "exec", &self.behind]).arg(program);
        command
    }

    pub fn cut(&self) {
        self.forward("0");
    }

    pub fn heal(&self) {
        self.forward("1");
    }

    fn forward(&self, how: &str) {
        let set = format!("echo {how} >/proc/sys/net/ipv4/ip_forward");
        let arguments = ["netns", "exec", &self.router, "sh", "-c", &set];
        assert!(Command::new("ip").args(arguments).status().unwrap().success());
    }

    fn ip(&self, arguments: &str) {
        let output = Command::new("ip").args(arguments.split(' ')).output();
        let output = output.expect("this test needs `ip`: run tests/run");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "this test makes network namespaces, for which it must be root: ip {arguments}: {errors}"
        );
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for arguments in [
            ["link", "del", &self.link],
            ["netns", "del", &self.behind],
            ["netns", "del", &self.router],
        ] {
            let _ = Command::new("ip").args(arguments).output();
        }
    }
}

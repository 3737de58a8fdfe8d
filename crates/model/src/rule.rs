//! Every rule that a finding can name. The identifiers are stable: people write them into filters.

use std::fmt;

use crate::{Level, Severity};

macro_rules! rules {
    ($($name:ident = $id:literal, $level:ident, $severity:ident, $summary:literal, $advice:literal;)+) => {
        /// A rule, by name. What each says is its summary.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule { $(#[doc = $summary] $name,)+ }

        impl Rule {
            /// All rules, in the order in which the documentation lists them.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The stable identifier.
            pub fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)+ }
            }

            /// What it is about.
            pub fn level(self) -> Level {
                match self { $(Self::$name => Level::$level,)+ }
            }

            /// How bad it is.
            pub fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)+ }
            }

            /// What it says, in one sentence.
            pub fn summary(self) -> &'static str {
                match self { $(Self::$name => $summary,)+ }
            }

            /// What to do about a finding of it.
            pub fn advice(self) -> &'static str {
                match self { $(Self::$name => $advice,)+ }
            }
        }
    };
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

rules! {
    // The object as a whole.
    Unreadable = "unreadable", Object, Error,
        "A file is no YAML or JSON, so that what it holds is not known.",
        "correct the file at the place that is named";
    Undecodable = "undecodable", Object, Error,
        "The object is not of its kind's shape: a field has a value of the wrong type, or a required one is missing.",
        "correct the field; `kubectl explain` shows its type";
    DuplicateObject = "duplicate-object", Object, Error,
        "Two different objects of the input have the same namespace and name.",
        "keep one of them, or give one another name";
    MissingInApi = "missing-in-api", Object, Error,
        "The Kubernetes API no longer has the object, and nobody is known to have deleted it: it counts as it was.",
        "create the object again; or, where it is to be gone, give the annotation frrk8s.metallb.io/accept-withdrawals on the Node a new value";
    OlderInApi = "older-in-api", Object, Error,
        "The Kubernetes API has the object as it was before, as after a restore from an older copy, and nobody is known to have changed it: what was last in force counts.",
        "write the object as it is to be; or, where it is to be as the API has it, give the annotation frrk8s.metallb.io/accept-withdrawals on the Node a new value";
    FieldDropped = "field-dropped", Object, Warning,
        "The API does not know the field; an API server drops it without a word.",
        "remove the field or correct its name";
    NamespaceIgnored = "namespace-ignored", Object, Warning,
        "The object is not in the namespace that counts, so no node will ever apply it.",
        "move the object into the daemon's namespace, or name its namespace with --namespace";
    NodeSelectorInvalid = "node-selector-invalid", Object, Error,
        "The node selector is not a label selector.",
        "correct the operator, key or values of the expression";
    ListTooLong = "list-too-long", Object, Error,
        "A list has more entries than the API allows.",
        "split the list over several objects; they are merged";
    ValueUnknown = "value-unknown", Object, Error,
        "A field has none of the values that it may have.",
        "use one of the listed values";
    NumberOutOfRange = "number-out-of-range", Object, Error,
        "A number is outside of the range that the API allows.",
        "use a number within the range";
    EntryEmpty = "entry-empty", Object, Error,
        "A list that must not be empty is empty.",
        "add a prefix or remove the entry";

    // Routers.
    AsnInvalid = "asn-invalid", Grammar, Error,
        "An AS number is not in 1 to 4294967295.",
        "use an AS number that FRR takes";
    RouterIdInvalid = "router-id-invalid", Grammar, Error,
        "A router id is not of the form A.B.C.D.",
        "write the router id as four numbers with dots";
    RouterIdZero = "router-id-zero", Grammar, Warning,
        "The router id 0.0.0.0 makes FRR choose one itself.",
        "leave the id out, or set a real one";
    VrfInvalid = "vrf-invalid", Grammar, Error,
        "A VRF's name is none that the kernel and FRR take.",
        "use the name of the node's VRF device; leave it out for the default VRF";
    PrefixInvalid = "prefix-invalid", Object, Error,
        "A prefix is not in CIDR notation.",
        "write it as ADDRESS/LENGTH";
    PrefixHostBits = "prefix-host-bits", Object, Info,
        "A prefix has bits set behind its length; the network is taken.",
        "write the network address";
    PrefixLinkLocal = "prefix-link-local", Grammar, Error,
        "FRR originates no IPv6 prefix that begins with a link-local address.",
        "remove the prefix: link-local routes never leave their link";
    Ipv4Mapped = "ipv4-mapped", Object, Info,
        "An IPv4 address in IPv6 form is taken for the IPv4 address that it is.",
        "write it in IPv4 form";
    ImportInvalid = "import-invalid", Grammar, Error,
        "An import names no VRF, or its own.",
        "name another VRF in the import";
    ImportUnknown = "import-unknown", Object, Error,
        "An import names a VRF that has no router in the same object.",
        "add a router for that VRF to the object: each object is self-contained";

    // Neighbors.
    EndpointMissing = "endpoint-missing", Object, Error,
        "A neighbor has neither an address nor an interface.",
        "set one of the two";
    EndpointTwice = "endpoint-twice", Object, Error,
        "A neighbor has both an address and an interface.",
        "keep one of the two";
    AddressInvalid = "address-invalid", Object, Error,
        "A neighbor's address is not an IP address.",
        "write a plain IPv4 or IPv6 address; for link-local peers set the interface instead";
    AddressUnusable = "address-unusable", Grammar, Warning,
        "FRR takes the address, but no session can come up with it, or from it.",
        "use a unicast address; for link-local peers set the interface instead";
    InterfaceInvalid = "interface-invalid", Grammar, Error,
        "An interface's name is none that the kernel and FRR take.",
        "use the name that `ip link` shows";
    NeighborAsnMissing = "neighbor-asn-missing", Object, Error,
        "A neighbor has neither an AS number nor a way to find it.",
        "set asn or dynamicASN";
    NeighborAsnTwice = "neighbor-asn-twice", Object, Error,
        "A neighbor has both an AS number and a way to find it.",
        "keep asn or dynamicASN";
    LocalAsnInvalid = "local-asn-invalid", Grammar, Error,
        "A local AS that FRR refuses: the router's own, or one for an iBGP session.",
        "use a number that is not the router's, for an eBGP neighbor";
    LocalAsnVersion = "local-asn-version", Grammar, Warning,
        "A local AS that FRR 8 refuses and FRR 10 takes.",
        "use another number where nodes run FRR 8";
    PortZero = "port-zero", Grammar, Warning,
        "FRR takes port 0, but cannot connect to it.",
        "leave the port out for 179";
    DurationInvalid = "duration-invalid", Object, Error,
        "A time is not a duration such as 90s or 1m30s.",
        "write a number with a unit: ms, s, m or h";
    DurationTruncated = "duration-truncated", Grammar, Warning,
        "BGP counts whole seconds; the rest of the duration is dropped.",
        "write whole seconds";
    TimersUnpaired = "timers-unpaired", Object, Error,
        "Only one of the hold and the keepalive time is set.",
        "set both, or neither for 180s and 60s";
    HoldTimeInvalid = "hold-time-invalid", Grammar, Error,
        "The hold time is not 0 or 3 to 65535 seconds.",
        "use a hold time that BGP allows (RFC 4271 §4.2)";
    KeepaliveOverHold = "keepalive-over-hold", Object, Error,
        "The keepalive time is longer than the hold time.",
        "use a third of the hold time";
    KeepaliveCut = "keepalive-cut", Grammar, Info,
        "FRR cuts a keepalive time to a third of the hold time.",
        "use a third of the hold time";
    ConnectTimeInvalid = "connect-time-invalid", Object, Error,
        "The connect time is not 1 to 65535 whole seconds.",
        "use whole seconds within the range";
    PasswordTwice = "password-twice", Object, Error,
        "A neighbor has both a password and a Secret for it.",
        "keep one of the two";
    PasswordInvalid = "password-invalid", Grammar, Error,
        "A password that FRR refuses.",
        "use 1 to 80 visible ASCII characters without spaces";
    PasswordLineBreak = "password-line-break", Grammar, Warning,
        "The line break at the end of a Secret's password is dropped.",
        "create the Secret without it: `printf %s` instead of `echo`";
    SecretMissing = "secret-missing", Object, Error,
        "The Secret of a password is not there.",
        "create it in the daemon's namespace; the configuration is taken up when it appears";
    SecretAssumed = "secret-assumed", Object, Warning,
        "The Secret of a password cannot be seen here; it is assumed to be on the node.",
        "make sure that it is in the daemon's namespace: without it the configuration is not taken";
    SecretInvalid = "secret-invalid", Object, Error,
        "The Secret of a password is of another type, or has no password.",
        "use type kubernetes.io/basic-auth with the key password";
    SecretNamespace = "secret-namespace", Object, Warning,
        "The namespace of a Secret reference is ignored: the daemon's namespace counts.",
        "put the Secret into the daemon's namespace";
    SourceInvalid = "source-invalid", Grammar, Error,
        "The source of a session is neither an address nor the name of an interface.",
        "use an address of the node or the name of an interface";
    OptionIgnored = "option-ignored", Grammar, Warning,
        "FRR ignores the option for this kind of neighbor.",
        "remove the option";
    MultihopInterface = "multihop-interface", Grammar, Error,
        "An interface peer cannot be more than one hop away.",
        "remove ebgpMultiHop or use an address";
    DisableMpIgnored = "disable-mp-ignored", Object, Warning,
        "disableMP is deprecated and has no effect.",
        "remove the field: each session carries its own family unless dualStackAddressFamily is set";
    BfdProfileUnknown = "bfd-profile-unknown", Object, Error,
        "A neighbor names a BFD profile that the same object does not define.",
        "define the profile in the object: each object is self-contained";
    NextHopInvalid = "next-hop-invalid", Grammar, Error,
        "A next hop is no unicast address of its family.",
        "use a global unicast address of the family";
    NextHopFamily = "next-hop-family", Object, Error,
        "A next hop is of a family that the session does not carry.",
        "set dualStackAddressFamily, or remove the next hop";

    // Advertisements.
    AdvertisedUnknown = "advertised-unknown", Object, Error,
        "An allowed prefix is not among the prefixes of the same object's router.",
        "add it to the router's prefixes in this object: each object is self-contained";
    AdvertisedFamily = "advertised-family", Object, Error,
        "A prefix is of a family that the session does not carry.",
        "set dualStackAddressFamily, or remove the prefix";
    LocalPrefTwice = "local-pref-twice", Object, Error,
        "A prefix has two local preferences towards one neighbor, or stands twice under one.",
        "keep one of them";
    LocalPrefUnadvertised = "local-pref-unadvertised", Object, Error,
        "A prefix with a local preference is not advertised to the neighbor.",
        "allow the prefix as well";
    LocalPrefExternal = "local-pref-external", Object, Info,
        "A local preference is not sent over an eBGP session (RFC 4271 §5.1.5).",
        "use a community, or let the neighbor set its own preference";
    CommunityInvalid = "community-invalid", Object, Error,
        "A community is neither A:B nor large:A:B:C.",
        "write two numbers up to 65535, or large: with three up to 4294967295";
    CommunityTwice = "community-twice", Object, Error,
        "A community stands twice for one neighbor and family, or a prefix twice under one.",
        "keep one of them";
    CommunitiesTooMany = "communities-too-many", Grammar, Error,
        "A prefix has more communities towards one neighbor than fit into a line of FRR's.",
        "keep to 255 standard and 100 large communities";
    PolicyTooLarge = "policy-too-large", Grammar, Error,
        "An object's prefixes go to, or come from, its neighbors in more different ways than FRR's route maps can say.",
        "give prefixes the same peers, communities and preferences";
    CommunityUnadvertised = "community-unadvertised", Object, Error,
        "A prefix with a community is not advertised to the neighbor.",
        "allow the prefix as well";

    // Receiving.
    ReceivedRange = "received-range", Grammar, Error,
        "The bounds of a received prefix do not go with it.",
        "keep LENGTH ≤ ge ≤ le ≤ the length of a host route";
    ReceivedFamily = "received-family", Object, Warning,
        "A prefix to receive is of a family that the session does not carry.",
        "set dualStackAddressFamily, or remove the prefix";

    // BFD.
    BfdNameInvalid = "bfd-name-invalid", Grammar, Error,
        "A BFD profile's name is none that FRR takes.",
        "use 1 to 63 letters, digits, dots, dashes or underscores";
    BfdProfileTwice = "bfd-profile-twice", Object, Error,
        "An object defines a BFD profile twice.",
        "keep one of them";

    // EVPN.
    RouteDistinguisherInvalid = "rd-invalid", Grammar, Error,
        "A route distinguisher is not of the form ASN:NUMBER or IPV4:NUMBER.",
        "keep to 16 bits behind the colon when 32 stand before it";
    RouteTargetInvalid = "rt-invalid", Grammar, Error,
        "A route target is not of the form ASN:NUMBER or IPV4:NUMBER.",
        "keep to 16 bits behind the colon when 32 stand before it";
    RouteTargetWildcard = "rt-wildcard", Grammar, Error,
        "FRR takes a target with an open administrator only as import of a layer-3 VNI.",
        "write the AS number";
    RouteTargetWildcardVersion = "rt-wildcard-version", Grammar, Warning,
        "FRR 8 refuses a target with an open administrator; FRR 10 takes it.",
        "write the AS number where nodes run FRR 8";
    EvpnNeedsAll = "evpn-needs-all", Grammar, Error,
        "FRR takes SVI routes and the properties of a VNI only on the router that advertises all VNIs.",
        "set advertiseVNIs: All, or leave the properties out";
    L3VniDefaultVrf = "l3vni-default-vrf", Grammar, Warning,
        "A layer-3 VNI in the default VRF has no VRF to be bound to.",
        "set it on the router of a VRF";

    // Raw.
    RawInvalid = "raw-invalid", Grammar, Error,
        "A raw snippet has a character that ends or garbles a line of FRR.",
        "remove control characters other than line breaks and tabs";
    RawTakesOver = "raw-takes-over", Node, Error,
        "A raw snippet removes or replaces a line that the merged configuration generates.",
        "leave generated lines alone: raw lines can only add";
    RawReservedName = "raw-reserved-name", Node, Error,
        "A raw snippet uses a name of the lists that are generated, which changes from one day to the next.",
        "write a list of your own, under another name than frrk8s-…";
    RawReservedNumber = "raw-reserved-number", Node, Warning,
        "A raw snippet adds an entry to a generated route map under a number that generated entries may take.",
        "use numbers from 4000 to 4999 in generated route maps";

    // The merged node.
    ConflictRouter = "conflict-router", Node, Error,
        "Two objects give the router of one VRF different values.",
        "agree on one value; objects can only extend each other";
    ConflictNeighbor = "conflict-neighbor", Node, Error,
        "Two objects give one neighbor different values.",
        "agree on one value; objects can only extend each other";
    ConflictLocalPref = "conflict-local-pref", Node, Error,
        "Two objects give one prefix different local preferences towards one neighbor.",
        "agree on one value; objects can only extend each other";
    ConflictBfdProfile = "conflict-bfd-profile", Node, Error,
        "Two objects define one BFD profile with different values.",
        "agree on the values, or use two names";
    ConflictEvpn = "conflict-evpn", Node, Error,
        "Two objects give the EVPN part of one router different values.",
        "agree on one value; objects can only extend each other";
    ConflictRouteTargets = "conflict-route-targets", Node, Error,
        "One object gives a VNI's route targets and another leaves them to FRR.",
        "give them in both, or in neither";
    VniTwice = "vni-twice", Node, Error,
        "A VNI is used twice on a node.",
        "use one VNI for one purpose";
    L3VniWithNeighbors = "l3vni-with-neighbors", Node, Error,
        "A router has both a layer-3 VNI and neighbors.",
        "keep the neighbors on the router of the underlay";
    AdvertiseAllTwice = "advertise-all-twice", Node, Error,
        "Two routers advertise all VNIs; FRR allows one.",
        "keep it on the router of the underlay";
    EvpnWithoutNeighbor = "evpn-without-neighbor", Node, Error,
        "A router has VNIs to advertise and no neighbor with the address family evpn.",
        "add evpn to the addressFamilies of a neighbor";
    EvpnInactive = "evpn-inactive", Node, Warning,
        "A neighbor has the address family evpn, but its router has no evpn part, so it is not activated.",
        "add evpn: {} to the router";
    OwnAddress = "own-address", Node, Info,
        "A neighbor's address is the node's own; it is left out on this node.",
        "nothing to do: ordinary where one object lists every node";
    CommunitiesTooManyTogether = "communities-too-many-together", Node, Error,
        "Objects together give a prefix more communities towards one neighbor than fit into a line of FRR's.",
        "keep to 255 standard and 100 large communities in all objects together";
    PolicyTooLargeTogether = "policy-too-large-together", Node, Error,
        "Prefixes of all objects go to, or come from, a neighbor in more different ways than FRR's route maps can say.",
        "give prefixes the same peers, communities and preferences";
    FrrRefused = "frr-refused", Node, Error,
        "FRR refused a line although it follows all rules that are known here.",
        "change the field; where FRR should take it, report the line and what FRR said";
    WithdrawalHeldDown = "withdrawal-held-down", Node, Info,
        "An object took back everything that it advertised; for the time of --withdraw-hold-down it is kept as it was.",
        "nothing to do: it is believed when the time is over";
    NodeMissing = "node-missing", Node, Warning,
        "The node's object is no longer in the source; the node's labels and addresses are taken as they were.",
        "put the Node object back, or give the labels with --node-label";
    DaemonLost = "daemon-lost", Node, Warning,
        "A daemon of FRR went away, or fell silent, at a line that the field leads to.",
        "look at the daemon's log; where it dies at the line each time, change the field, and report the line";
    RawLeftBehind = "raw-left-behind", Node, Warning,
        "FRR refused to take back a raw line that is gone from its object. It stays; all else is applied.",
        "take it back by hand, or restart the daemon that keeps it";
    ImportCycle = "import-cycle", Node, Info,
        "VRFs import each other's routes in a circle.",
        "nothing to do if that is meant";
    PolicyLarge = "policy-large", Node, Info,
        "FRR 8 takes long to change this many route map entries.",
        "give prefixes the same peers, communities and preferences, or use FRR 10";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn identifiers_are_unique_and_plain() {
        let ids: BTreeSet<_> = Rule::ALL.iter().map(|rule| rule.id()).collect();
        assert_eq!(ids.len(), Rule::ALL.len());
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(ids.iter().all(|id| id.chars().all(plain)));
    }
}

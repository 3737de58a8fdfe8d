//! The EVPN part of a router.

use std::collections::BTreeSet;

use frrk8s_api as api;
use frrk8s_model::{Evpn, L3Vni, RouteDistinguisherError, RouteTarget, Rule, Vni, VniProperties, Vrf, shown};

use crate::report::{Path, Report};

const L2_VNIS_MAX: usize = 10;
const ROUTE_TARGETS_MAX: usize = 100;
/// The longest route distinguisher or target that the API takes, in bytes.
const ROUTE_TARGET_BYTES_MAX: usize = 21;

pub(crate) fn evpn(evpn: &api::Evpn, vrf: &Vrf, router_path: &Path<'_>, report: &mut Report<'_>) -> Evpn {
    let path = router_path.field("evpn");
    let advertise_all_vnis = match &evpn.advertise_vnis {
        None | Some(api::AdvertiseVnis::Disabled) => false,
        Some(api::AdvertiseVnis::All) => true,
        Some(api::AdvertiseVnis::Other(text)) => {
            let message = format!("advertiseVNIs is {:?}; it must be Disabled or All", shown(text));
            report.value(Rule::ValueUnknown, &path.field("advertiseVNIs"), text, message);
            false
        }
    };
    if evpn.l2vnis.len() > L2_VNIS_MAX {
        let message = format!("{} layer-2 VNIs; {L2_VNIS_MAX} are the most", evpn.l2vnis.len());
        report.add(Rule::ListTooLong, &path.field("l2vnis"), message);
    }
    let mut l2_vnis = Vec::with_capacity(evpn.l2vnis.len());
    for (at, l2) in evpn.l2vnis.iter().enumerate().take(L2_VNIS_MAX) {
        let path = path.item("l2vnis", at);
        let given = Given {
            vni: l2.vni,
            rd: l2.rd.as_deref(),
            import_targets: &l2.import_rts,
            export_targets: &l2.export_rts,
        };
        l2_vnis.extend(given.translate(Wildcards::Refused, &path, report));
    }
    if !advertise_all_vnis {
        refuse_what_needs_all(evpn, &path, report);
    }
    let l3_vni = evpn.l3vni.as_ref().and_then(|l3| l3_vni(l3, vrf, &path, report));
    Evpn { advertise_all_vnis, advertise_svi: evpn.advertise_svi, l2_vnis, l3_vni }
}

fn refuse_what_needs_all(evpn: &api::Evpn, path: &Path<'_>, report: &mut Report<'_>) {
    if evpn.advertise_svi {
        let message = "advertiseSVI without advertiseVNIs: All";
        report.value(Rule::EvpnNeedsAll, &path.field("advertiseSVI"), true, message);
    }
    for (at, l2) in evpn.l2vnis.iter().enumerate() {
        if l2.rd.is_some() || !l2.import_rts.is_empty() || !l2.export_rts.is_empty() {
            let message = "a route distinguisher or targets of a layer-2 VNI without advertiseVNIs: All";
            report.add(Rule::EvpnNeedsAll, &path.item("l2vnis", at), message);
        }
    }
}

fn l3_vni(l3: &api::L3Vni, vrf: &Vrf, path: &Path<'_>, report: &mut Report<'_>) -> Option<L3Vni> {
    let path = path.field("l3vni");
    if *vrf == Vrf::Default {
        let message = "a layer-3 VNI on the router of the default VRF is bound to no VRF";
        report.add(Rule::L3VniDefaultVrf, &path, message);
    }
    let prefixes = &l3.advertise_prefixes;
    match prefixes.as_slice() {
        [api::RoutePrefixes::Unicast] => {}
        [api::RoutePrefixes::Other(text)] => {
            let message = format!("advertisePrefixes has {:?}; it must be unicast", shown(text));
            report.value(Rule::ValueUnknown, &path.field("advertisePrefixes"), text, message);
        }
        [] => {
            let message = "advertisePrefixes must have the one entry unicast";
            report.add(Rule::EntryEmpty, &path.field("advertisePrefixes"), message);
        }
        more => {
            let message = format!("{} entries in advertisePrefixes; one is the most", more.len());
            report.add(Rule::ListTooLong, &path.field("advertisePrefixes"), message);
        }
    }
    let given = Given {
        vni: l3.vni,
        rd: l3.rd.as_deref(),
        import_targets: &l3.import_rts,
        export_targets: &l3.export_rts,
    };
    let (vni, properties) = given.translate(Wildcards::OnImport, &path, report)?;
    Some(L3Vni { vni, properties, advertise_unicast: true })
}

/// Whether a target may leave its administrator open.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wildcards {
    Refused,
    OnImport,
}

/// What the two kinds of VNIs have in common.
struct Given<'a> {
    vni: Option<i64>,
    rd: Option<&'a str>,
    import_targets: &'a [String],
    export_targets: &'a [String],
}

impl Given<'_> {
    fn translate(
        &self,
        wildcards: Wildcards,
        path: &Path<'_>,
        report: &mut Report<'_>,
    ) -> Option<(Vni, VniProperties)> {
        let vni = self.vni.and_then(Vni::new);
        if vni.is_none() {
            let shown = self.vni.map_or_else(|| "unset".to_owned(), |vni| vni.to_string());
            let message = format!("vni is {shown}; it must be 1 to 16777215");
            report.value(Rule::NumberOutOfRange, &path.field("vni"), shown, message);
        }
        let route_distinguisher = self.rd.and_then(|text| {
            let parsed = within_length(text)
                .and_then(|text| text.parse().map_err(|error: RouteDistinguisherError| error.to_string()));
            parsed
                .map_err(|error| {
                    let message = format!("the route distinguisher {error}");
                    report.value(Rule::RouteDistinguisherInvalid, &path.field("rd"), text, message);
                })
                .ok()
        });
        let properties = VniProperties {
            route_distinguisher,
            import_targets: targets(self.import_targets, "importRTs", wildcards, path, report),
            export_targets: targets(self.export_targets, "exportRTs", Wildcards::Refused, path, report),
        };
        vni.map(|vni| (vni, properties))
    }
}

fn within_length(text: &str) -> Result<&str, String> {
    if text.len() > ROUTE_TARGET_BYTES_MAX {
        return Err(format!("has {} characters; {ROUTE_TARGET_BYTES_MAX} are the most", text.len()));
    }
    Ok(text)
}

fn targets(
    texts: &[String],
    list: &str,
    wildcards: Wildcards,
    path: &Path<'_>,
    report: &mut Report<'_>,
) -> BTreeSet<RouteTarget> {
    if texts.len() > ROUTE_TARGETS_MAX {
        let message = format!("{} route targets; {ROUTE_TARGETS_MAX} are the most", texts.len());
        report.add(Rule::ListTooLong, &path.field(list), message);
    }
    let mut targets = BTreeSet::new();
    for (at, text) in texts.iter().enumerate().take(ROUTE_TARGETS_MAX) {
        let path = path.item(list, at);
        match within_length(text)
            .and_then(|text| text.parse().map_err(|error: RouteDistinguisherError| error.to_string()))
        {
            Ok(RouteTarget::AnyAdministrator(_)) if wildcards == Wildcards::Refused => {
                let message = format!("the route target {text} leaves its administrator open");
                report.value(Rule::RouteTargetWildcard, &path, text, message);
            }
            Ok(target) => {
                if matches!(target, RouteTarget::AnyAdministrator(_)) {
                    let message = format!("FRR 8 refuses the route target {text}");
                    report.value(Rule::RouteTargetWildcardVersion, &path, text, message);
                }
                targets.insert(target);
            }
            Err(error) => {
                let message = format!("the route target {error}");
                report.value(Rule::RouteTargetInvalid, &path, text, message);
            }
        }
    }
    targets
}

//! Containers of the manifests as processes of this machine, with what a kubelet and its runtime would give them: a root
//! file system of their own that is read-only where they say so, volumes, variables, user, groups and capabilities.
//!
//! ```text
//! unshare --mount ─► tmpfs: /usr, /etc of this machine, the volumes ─► chroot ─► setpriv ─► the container's command
//! ```
//!
//! What is different: the programs in it are those of this machine, and groups have its numbers.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

/// The numbers that FRR's image has for groups, and their names.
const IMAGE_GROUPS: [(u64, &str); 2] = [(101, "frr"), (102, "frrvty")];

/// What a container sees of this machine beside its volumes, so that programs of this machine run in it.
const SEEN: [&str; 11] = [
    "/usr",
    "/proc",
    "/dev",
    "/etc/passwd",
    "/etc/group",
    "/etc/shadow",
    "/etc/login.defs",
    "/etc/pam.d",
    "/etc/nsswitch.conf",
    "/etc/ld.so.cache",
    "/etc/alternatives",
];

/// Puts together containers, as on a node.
#[derive(Debug)]
pub struct Kubelet {
    directory: TempDir,
    variables: BTreeMap<&'static str, String>,
    /// Directories of this machine in the place of those of a node.
    places: BTreeMap<String, PathBuf>,
    /// The content of `ConfigMap` objects: their name, and a directory of their files.
    config_maps: BTreeMap<String, PathBuf>,
    programs: Vec<(PathBuf, String)>,
}

impl Kubelet {
    /// Of a node.
    pub fn new(node: &str) -> Self {
        let variables =
            [("spec.nodeName", node.to_owned()), ("metadata.namespace", "frr-k8s-system".to_owned())].into();
        Self {
            directory: TempDir::with_prefix("pod-").unwrap(),
            variables,
            places: BTreeMap::new(),
            config_maps: BTreeMap::new(),
            programs: Vec::new(),
        }
    }

    /// Puts a directory of this machine where the node has one.
    #[must_use]
    pub fn with_place(mut self, on_the_node: &str, here: &Path) -> Self {
        self.places.insert(on_the_node.to_owned(), here.to_owned());
        self
    }

    /// Puts a program into every container.
    #[must_use]
    pub fn with_program(mut self, here: &Path, there: &str) -> Self {
        self.programs.push((here.to_owned(), there.to_owned()));
        self
    }

    /// Writes the files of a `ConfigMap`.
    pub fn put_config_map(&mut self, config_map: &Value) {
        let name = config_map["metadata"]["name"].as_str().unwrap();
        let directory = self.directory.path().join("config").join(name);
        fs::create_dir_all(&directory).unwrap();
        for (file, text) in config_map["data"].as_object().unwrap() {
            fs::write(directory.join(file), text.as_str().unwrap()).unwrap();
        }
        self.config_maps.insert(name.to_owned(), directory);
    }

    /// Writes what a pod is given to reach the API server: a token, and who signed the server's certificate. Again, it
    /// renews the token.
    pub fn put_api_access(&self, token: &str, ca: &Path) {
        let directory = self.projected();
        fs::create_dir_all(&directory).unwrap();
        fs::copy(ca, directory.join("ca.crt")).unwrap();
        fs::write(directory.join("namespace"), &self.variables["metadata.namespace"]).unwrap();
        fs::write(directory.join("token"), token).unwrap();
    }

    fn projected(&self) -> PathBuf {
        self.directory.path().join("projected")
    }

    /// Where a directory of the node is on this machine.
    pub fn on_the_node(&self, path: &str) -> PathBuf {
        let here = self.places.iter().filter(|(place, _)| path.starts_with(place.as_str()));
        let here = here.max_by_key(|(place, _)| place.len());
        here.map_or_else(
            || self.directory.path().join("node").join(path.trim_start_matches('/')),
            |(place, here)| here.join(path[place.len()..].trim_start_matches('/')),
        )
    }

    /// The directory behind a volume, made where it is not there.
    fn volume(&self, pod: &Value, name: &str) -> PathBuf {
        let volumes = pod["volumes"].as_array().unwrap();
        let volume = volumes.iter().find(|volume| volume["name"] == name).unwrap();
        let directory = if let Some(path) = volume["hostPath"]["path"].as_str() {
            self.on_the_node(path)
        } else if let Some(config_map) = volume["configMap"]["name"].as_str() {
            self.config_maps[config_map].clone()
        } else if volume["projected"].is_object() {
            self.projected()
        } else {
            assert!(volume["emptyDir"].is_object(), "{volume}");
            self.directory.path().join("empty").join(name)
        };
        fs::create_dir_all(&directory).unwrap();
        directory
    }

    /// An executable that runs a command in a container of a pod's specification, with more variables. It is a script: what
    /// it is given is left out, but `--listen`, which takes the place of the container's own.
    pub fn executable(
        &self,
        pod: &Value,
        name: &str,
        (command, more): (&[String], &[(&str, &str)]),
    ) -> PathBuf {
        let container = container(pod, name);
        let mut script = format!(
            "#!/bin/sh\nset -eu\nif [ \"${{INSIDE:-}}\" != yes ]; then INSIDE=yes exec unshare --mount \"$0\" \"$@\"; fi\n\
             root={root}\nmkdir -p \"$root\"\nmount -t tmpfs root \"$root\"\n{FUNCTIONS}",
            root = quoted(&self.directory.path().join(format!("root-{name}")).to_string_lossy()),
        );
        for seen in SEEN.into_iter().filter(|seen| Path::new(seen).exists()) {
            writeln!(script, "see {seen} {seen}").unwrap();
        }
        for (here, there) in &self.programs {
            writeln!(script, "see {} {there}", quoted(&here.to_string_lossy())).unwrap();
        }
        for mount in container["volumeMounts"].as_array().into_iter().flatten() {
            let directory = self.volume(pod, mount["name"].as_str().unwrap());
            let access = if mount["readOnly"] == true { "ro" } else { "rw" };
            let (here, there) = (quoted(&directory.to_string_lossy()), mount["mountPath"].as_str().unwrap());
            writeln!(script, "volume {here} {there} {access}").unwrap();
        }
        if container["securityContext"]["readOnlyRootFilesystem"] == true {
            writeln!(script, "mount -o remount,ro \"$root\"").unwrap();
        }
        writeln!(script, "listen=").unwrap();
        writeln!(script, "for word; do case $word in --listen=*) listen=$word ;; esac; done").unwrap();
        let variables = self.variables_of(container, more);
        let set = variables.iter().map(|(name, value)| quoted(&format!("{name}={value}")));
        let words = command.iter().map(|word| quoted(&expanded(word, &variables)));
        let words: Vec<String> = words.filter(|word| !word.starts_with("'--listen=")).collect();
        writeln!(
            script,
            "exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin {} chroot \"$root\" setpriv {} -- {} ${{listen:+\"$listen\"}}",
            set.collect::<Vec<_>>().join(" "),
            privileges(pod, container),
            words.join(" "),
        )
        .unwrap();
        self.write_executable(name, &script)
    }

    fn variables_of(&self, container: &Value, more: &[(&str, &str)]) -> BTreeMap<String, String> {
        let mut variables = BTreeMap::new();
        for variable in container["env"].as_array().into_iter().flatten() {
            let field = variable["valueFrom"]["fieldRef"]["fieldPath"].as_str();
            let value = variable["value"]
                .as_str()
                .map_or_else(|| self.variables[field.unwrap()].clone(), str::to_owned);
            variables.insert(variable["name"].as_str().unwrap().to_owned(), value);
        }
        variables.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        variables
    }

    fn write_executable(&self, name: &str, script: &str) -> PathBuf {
        let path = self.directory.path().join(format!("{name}.sh"));
        // Written by another process: one of ours that is forked meanwhile would keep it open, and nobody could run it.
        let write = r#"printf %s "$1" > "$0" && chmod +x "$0""#;
        assert!(Command::new("sh").args(["-c", write]).arg(&path).arg(script).status().unwrap().success());
        path
    }
}

/// `see`: a file or a directory of this machine, read-only. `volume`: a directory, at a path that may be there.
const FUNCTIONS: &str = r#"
mkdir -p "$root/run" "$root/var"
ln -s ../run "$root/var/run"
for link in bin sbin lib lib64; do ln -s "usr/$link" "$root/$link"; done
see() {
    if [ -d "$1" ]; then mkdir -p "$root$2"; else mkdir -p "$(dirname "$root$2")"; touch "$root$2"; fi
    mount --rbind "$1" "$root$2"
}
volume() {
    mkdir -p "$root$2"
    mount --bind "$1" "$root$2"
    mount -o "remount,bind,$3" "$root$2"
}
"#;

impl Kubelet {
    /// Puts a file of this machine onto the node.
    pub fn put_file(&self, here: &Path, on_the_node: &str) {
        let there = self.on_the_node(on_the_node);
        fs::create_dir_all(there.parent().unwrap()).unwrap();
        fs::copy(here, there).unwrap();
    }
}

/// A container or an init container of a pod's specification.
///
/// # Panics
///
/// Where it has none of the name.
pub fn container<'a>(pod: &'a Value, name: &str) -> &'a Value {
    let all = ["initContainers", "containers"].into_iter().filter_map(|kind| pod[kind].as_array()).flatten();
    all.into_iter()
        .find(|container| container["name"] == name)
        .unwrap_or_else(|| panic!("no {name} in {pod:#}"))
}

/// What the container runs, as the image's entry point for what it does not say.
pub fn command(container: &Value, entry_point: &[&str]) -> Vec<String> {
    let words = |field: &str| -> Vec<String> {
        let words = container[field].as_array().into_iter().flatten();
        words.map(|word| word.as_str().unwrap().to_owned()).collect()
    };
    let mut all = words("command");
    if all.is_empty() {
        all.extend(entry_point.iter().map(|word| (*word).to_owned()));
    }
    all.extend(words("args"));
    all
}

/// The options of setpriv for a container.
fn privileges(pod: &Value, container: &Value) -> String {
    let context = &container["securityContext"];
    let id =
        |name: &str| context[name].as_u64().or_else(|| pod["securityContext"][name].as_u64()).unwrap_or(0);
    let mut options = vec![format!("--reuid={}", id("runAsUser")), format!("--regid={}", id("runAsGroup"))];
    let groups = pod["securityContext"]["supplementalGroups"].as_array().into_iter().flatten();
    let groups: Vec<&str> = groups
        .map(|group| IMAGE_GROUPS.iter().find(|(number, _)| group == number).map(|(_, name)| *name).unwrap())
        .collect();
    options.push(match groups[..] {
        [] => "--clear-groups".to_owned(),
        _ => format!("--groups={}", groups.join(",")),
    });
    if context["allowPrivilegeEscalation"] == false {
        options.push("--no-new-privs".to_owned());
    }
    assert_eq!(context["capabilities"]["drop"], serde_json::json!(["ALL"]), "{context}");
    let added = context["capabilities"]["add"].as_array().into_iter().flatten();
    let added = added.map(|name| format!(",+{}", name.as_str().unwrap().to_lowercase()));
    options.push(format!("--inh-caps=-all --bounding-set=-all{}", added.collect::<String>()));
    options.join(" ")
}

fn expanded(word: &str, variables: &BTreeMap<String, String>) -> String {
    variables.iter().fold(word.to_owned(), |word, (name, value)| word.replace(&format!("$({name})"), value))
}

fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

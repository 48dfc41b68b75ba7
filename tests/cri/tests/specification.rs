//! What a pod is to be, in the CRI's words: the restricted Pod Security Standard, a read-only root and the node's network.

use std::path::Path;

use k8s_cri::v1::security_profile::ProfileType;
use k8s_cri::v1::{
    Capability, ContainerConfig, ContainerMetadata, ImageSpec, Int64Value, KeyValue, LinuxContainerConfig,
    LinuxContainerSecurityContext, LinuxPodSandboxConfig, LinuxSandboxSecurityContext, Mount, NamespaceMode,
    NamespaceOption, PodSandboxConfig, PodSandboxMetadata, SecurityProfile,
};

/// The user, in no passwd file.
pub(crate) const UID: u32 = 23456;
/// The database's volume, inside.
pub(crate) const DATA: &str = "/var/lib/postgresql/data";

/// The pod itself. The log goes into `directory`.
pub(crate) fn sandbox(name: &str, pids: NamespaceMode, cgroup: &str, directory: &Path) -> PodSandboxConfig {
    let metadata = PodSandboxMetadata {
        name: name.to_owned(),
        uid: name.to_owned(),
        namespace: "default".to_owned(),
        attempt: 0,
    };
    let context = LinuxSandboxSecurityContext {
        namespace_options: Some(namespaces(pids)),
        run_as_user: Some(id(UID)),
        run_as_group: Some(id(0)),
        readonly_rootfs: true,
        seccomp: Some(seccomp()),
        ..Default::default()
    };
    PodSandboxConfig {
        metadata: Some(metadata),
        log_directory: text(directory),
        linux: Some(LinuxPodSandboxConfig {
            cgroup_parent: format!("/{cgroup}"),
            security_context: Some(context),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// Its container, with `data` of `directory` as its volume and `tests` as (file in `directory`, path inside).
pub(crate) fn container(
    image: &str,
    pids: NamespaceMode,
    directory: &Path,
    tests: Vec<(String, String)>,
) -> ContainerConfig {
    let mut mounts = vec![mount(&directory.join("data"), DATA.to_owned(), false)];
    mounts.extend(tests.into_iter().map(|(file, path)| mount(&directory.join(file), path, true)));
    let context = LinuxContainerSecurityContext {
        capabilities: Some(Capability { drop_capabilities: vec!["ALL".to_owned()], ..Default::default() }),
        namespace_options: Some(namespaces(pids)),
        run_as_user: Some(id(UID)),
        run_as_group: Some(id(0)),
        readonly_rootfs: true,
        no_new_privs: true,
        seccomp: Some(seccomp()),
        ..Default::default()
    };
    ContainerConfig {
        metadata: Some(ContainerMetadata { name: "app".to_owned(), attempt: 0 }),
        image: Some(ImageSpec { image: image.to_owned(), ..Default::default() }),
        envs: vec![KeyValue { key: "POSTGRES_PASSWORD".to_owned(), value: "secret".to_owned() }],
        mounts,
        log_path: LOG.to_owned(),
        linux: Some(LinuxContainerConfig { security_context: Some(context), ..Default::default() }),
        ..Default::default()
    }
}

/// The container's log, in the pod's directory.
pub(crate) const LOG: &str = "app.log";

fn namespaces(pids: NamespaceMode) -> NamespaceOption {
    NamespaceOption { network: NamespaceMode::Node.into(), pid: pids.into(), ..Default::default() }
}

fn seccomp() -> SecurityProfile {
    SecurityProfile { profile_type: ProfileType::RuntimeDefault.into(), ..Default::default() }
}

fn mount(from: &Path, to: String, readonly: bool) -> Mount {
    Mount { container_path: to, host_path: text(from), readonly, ..Default::default() }
}

fn id(value: u32) -> Int64Value {
    Int64Value { value: value.into() }
}

fn text(path: &Path) -> String {
    path.to_str().expect("a path in UTF-8").to_owned()
}

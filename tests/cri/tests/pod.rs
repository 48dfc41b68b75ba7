//! A pod with one container, and `ExecSync` into it: what the kubelet asks of the runtime, by the same calls.

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hyper_util::rt::TokioIo;
use k8s_cri::v1::runtime_service_client::RuntimeServiceClient;
use k8s_cri::v1::{
    CreateContainerRequest, ExecSyncRequest, NamespaceMode, RemovePodSandboxRequest, RunPodSandboxRequest,
    StartContainerRequest, StopPodSandboxRequest,
};
use tokio::net::UnixStream;
use tokio::runtime::Runtime;
use tonic::transport::{Channel, Endpoint, Uri};
use tonic::{Code, Response, Status};

use crate::DEADLINE;
use crate::containerd::Containerd;
use crate::processes::{self, Process};
use crate::specification::{self, LOG, UID};

type Client = RuntimeServiceClient<Channel>;

/// What a command ended with, and said on stdout.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: i32,
    pub(crate) stdout: String,
}

/// A pod with a server that is ready. Dropped: stopped and removed.
pub(crate) struct Pod {
    runtime: Runtime,
    client: Client,
    sandbox: String,
    container: String,
    directory: PathBuf,
    cgroup: PathBuf,
    init: i32,
}

impl Pod {
    /// Starts the database with more tests, as (suite, script), and waits until it takes connections.
    pub(crate) fn start(
        containerd: &Containerd,
        name: &str,
        pids: NamespaceMode,
        tests: &[(&str, &str)],
    ) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let client = runtime.block_on(connect(containerd.socket()));
        let directory = containerd.directory().join(name);
        fs::create_dir_all(directory.join("data")).expect("a directory");
        chown(directory.join("data"), Some(UID), Some(0)).expect("chown");
        let tests = tests.iter().map(|(suite, script)| write_test(&directory, suite, script)).collect();
        let container = specification::container(containerd.images().app(), pids, &directory, tests);
        let sandbox = specification::sandbox(name, pids, containerd.cgroup(), &directory);
        let mut pod = Self {
            runtime,
            client,
            sandbox: String::new(),
            container: String::new(),
            directory,
            cgroup: PathBuf::new(),
            init: 0,
        };

        let request = RunPodSandboxRequest { config: Some(sandbox.clone()), runtime_handler: String::new() };
        let answer = pod.call(async move |client| client.run_pod_sandbox(request).await);
        pod.sandbox = answer.expect("RunPodSandbox").pod_sandbox_id;
        let request = CreateContainerRequest {
            pod_sandbox_id: pod.sandbox.clone(),
            config: Some(container),
            sandbox_config: Some(sandbox),
        };
        let answer = pod.call(async move |client| client.create_container(request).await);
        pod.container = answer.expect("CreateContainer").container_id;
        let request = StartContainerRequest { container_id: pod.container.clone() };
        pod.call(async move |client| client.start_container(request).await).expect("StartContainer");
        pod.cgroup = processes::cgroup(&format!("{}/{}", containerd.cgroup(), pod.container));
        pod.init = processes::first_of(&pod.cgroup).pid;
        pod.until("the server takes connections", || {
            let answer = pod.exec(&["pg_isready", "--quiet", "--username=any"], 5);
            answer.unwrap_or_else(|e| panic!("{e}\n{}", pod.log())).code == 0
        });
        pod
    }

    /// Runs a command in the container; an error when it takes longer than so many seconds.
    pub(crate) fn exec(&self, command: &[&str], seconds: i64) -> Result<Answer, Status> {
        let request = ExecSyncRequest {
            container_id: self.container.clone(),
            cmd: command.iter().map(|word| (*word).to_owned()).collect(),
            timeout: seconds,
        };
        let answer = self.call(async move |client| client.exec_sync(request).await)?;
        Ok(Answer { code: answer.exit_code, stdout: String::from_utf8(answer.stdout).expect("UTF-8") })
    }

    /// The database's volume, from outside.
    pub(crate) fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    /// The container's cgroup of the memory controller.
    pub(crate) fn cgroup(&self) -> &Path {
        &self.cgroup
    }

    /// The container's first process.
    pub(crate) fn init(&self) -> Process {
        Process::read(self.init).expect("the container's first process")
    }

    /// Everything in the pod's PID namespace beside the living server and the container's and the namespace's first process.
    pub(crate) fn strangers(&self) -> Vec<Process> {
        let mut found = processes::in_namespace_of(self.init);
        let first = found.iter().min_by_key(|process| process.started).map(|process| process.pid);
        found.retain(|process| {
            let server = process.name == "postgres" && process.state != 'Z';
            !server && process.pid != self.init && Some(process.pid) != first
        });
        found
    }

    /// Looks again and again until it is so, where nothing says when; fails after the deadline.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        let end = Instant::now() + DEADLINE;
        while !is_so() {
            assert!(Instant::now() < end, "never: {what}: {:?}\n{}", self.strangers(), self.log());
            self.runtime.block_on(async { tokio::time::sleep(Duration::from_millis(20)).await });
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.join(LOG)).unwrap_or_default()
    }

    fn call<T>(
        &self,
        request: impl AsyncFnOnce(&mut Client) -> Result<Response<T>, Status>,
    ) -> Result<T, Status> {
        let mut client = self.client.clone();
        let answer = async { tokio::time::timeout(DEADLINE, request(&mut client)).await };
        match self.runtime.block_on(answer) {
            Ok(answer) => answer.map(Response::into_inner),
            // Not DEADLINE_EXCEEDED, by which the runtime reports a timeout of its own.
            Err(_) => Err(Status::new(Code::Aborted, "hung: the runtime did not answer")),
        }
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        let request = StopPodSandboxRequest { pod_sandbox_id: self.sandbox.clone() };
        let stopped = self.call(async move |client| client.stop_pod_sandbox(request).await).map(drop);
        let request = RemovePodSandboxRequest { pod_sandbox_id: self.sandbox.clone() };
        let removed = self.call(async move |client| client.remove_pod_sandbox(request).await).map(drop);
        for problem in [stopped, removed].into_iter().filter_map(Result::err) {
            eprintln!("the pod could not be removed: {problem}");
        }
    }
}

/// The name of the file that it made and its place in the container.
fn write_test(directory: &Path, suite: &str, script: &str) -> (String, String) {
    let file = format!("{suite}.sh");
    fs::write(directory.join(&file), format!("#!/bin/sh\n{script}\n")).expect("write a test");
    (file, format!("/etc/wrapper/tests/{suite}/50-case.sh"))
}

async fn connect(socket: PathBuf) -> Client {
    let connector = tower::service_fn(move |_: Uri| {
        let socket = socket.clone();
        async move { UnixStream::connect(socket).await.map(TokioIo::new) }
    });
    // The name is asked for, and means nothing on a socket.
    let endpoint = Endpoint::from_static("http://containerd");
    RuntimeServiceClient::new(
        endpoint.connect_with_connector(connector).await.expect("connect to containerd"),
    )
}

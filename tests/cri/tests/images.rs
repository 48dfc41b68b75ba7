//! The images: taken out of the Docker engine that built them, put into the containerd under test.

use std::env;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::run;

/// Names of the app's image and of the one that a pod's sandbox runs.
pub(crate) struct Images {
    app: String,
    pause: String,
}

impl Images {
    /// Checks that the app is built and builds the sandbox: the wrapper without an app.
    pub(crate) fn prepare() -> Self {
        let prefix = env::var("IMAGE_PREFIX").unwrap_or_default();
        let app = env::var("POSTGRES_IMAGE").unwrap_or_else(|_| format!("{prefix}example-postgres"));
        let base = env::var("POSTGRES_BASE").unwrap_or_else(|_| format!("{prefix}base-root"));
        for image in [&app, &base] {
            let found =
                Command::new("docker").args(["image", "inspect", image]).stdout(Stdio::null()).status();
            let found = found.expect("start docker: scripts/setup.sh test installs it").success();
            assert!(found, "no image {image} in the Docker engine: build it, or run ./test.sh cri");
        }
        let pause = format!("wrapper-cri-pause-{}", std::process::id());
        let images = Self { app, pause };
        let mut build = Command::new("docker");
        build
            .args(["build", "--quiet", "--tag", &images.pause, "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null());
        let mut build = build.spawn().expect("start docker");
        let mut dockerfile = build.stdin.take().expect("a pipe");
        write!(dockerfile, "FROM {base}\nCMD [\"maintenance\"]\n").expect("write the Dockerfile");
        drop(dockerfile);
        assert!(
            build.wait().expect("wait for docker").success(),
            "the sandbox's image was not built, see above"
        );
        images
    }

    pub(crate) fn app(&self) -> &str {
        &self.app
    }

    pub(crate) fn pause(&self) -> &str {
        &self.pause
    }

    pub(crate) fn import(&self, socket: &Path) {
        let mut save = Command::new("docker");
        save.args(["save", &self.app, &self.pause]).stdout(Stdio::piped());
        let mut save = save.spawn().expect("start docker");
        let mut import = Command::new("ctr");
        import.arg("--address").arg(socket).args(["--namespace", "k8s.io", "images", "import", "-"]);
        import.stdin(save.stdout.take().expect("a pipe")).stdout(Stdio::null());
        let imported = import.status().expect("start ctr");
        let saved = save.wait().expect("wait for docker");
        assert!(saved.success() && imported.success(), "the images were not imported, see above");
    }
}

impl Drop for Images {
    fn drop(&mut self) {
        run(Command::new("docker").args(["image", "rm", "--force", &self.pause]));
    }
}

//! The standard locations: which file is meant, and what is passed over.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::Setup;
use crate::config::load;
use crate::config::locations::Locations;

/// Two trees like /usr/lib/wrapper and /etc/wrapper.
struct Two {
    low: Setup,
    high: Setup,
}

impl Two {
    fn locations(&self) -> Locations {
        Locations::two(self.low.dir.path(), self.high.dir.path())
    }

    /// Which tree a path is in, and its name there.
    fn name(&self, path: &Path) -> String {
        let of = |tree: &Setup, label: &str| {
            path.strip_prefix(tree.dir.path()).ok().map(|rest| format!("{label}/{}", rest.display()))
        };
        of(&self.low, "low").or_else(|| of(&self.high, "high")).unwrap()
    }

    fn names(&self, paths: &[PathBuf]) -> Vec<String> {
        paths.iter().map(|path| self.name(path)).collect()
    }
}

#[test]
fn scripts_merge_by_name_in_byte_order() {
    let two = Two {
        low: Setup::new()
            .file("init.d/00-root", "")
            .file("init.d/10-base", "")
            .file("init.d/20-masked", "")
            .file("init.d/9-nine", ""),
        high: Setup::new()
            .file("init.d/10-base", "")
            .file("init.d/50-app", "")
            .link("init.d/20-masked", "/dev/null")
            .link("init.d/60-dangling", "nowhere")
            .file("init.d/..data/x", "")
            .file("init.d/70-dir/x", "")
            .file("init.d/50-app~", "")
            .file("init.d/50-app.dpkg-dist", "")
            .file("init.d/.hidden", "")
            .file("init.d/#50-app#", "")
            .file("init.d/50-app.bak", ""),
    };
    assert_eq!(
        two.names(&two.locations().scripts("init.d").unwrap()),
        [
            "low/init.d/00-root",
            "high/init.d/10-base",
            "high/init.d/50-app",
            "high/init.d/60-dangling",
            "low/init.d/9-nine"
        ]
    );
    assert_eq!(two.locations().scripts("finish.d").unwrap(), Vec::<PathBuf>::new());
}

#[test]
fn a_directory_that_is_a_file_is_told() {
    let setup = Setup::new().file("init.d", "");
    let error = setup.locations().scripts("init.d").unwrap_err().to_string();
    assert_eq!(setup.shorten(&error), "init.d: cannot be read: Not a directory (os error 20)");
}

#[test]
fn the_higher_run_script_is_meant_even_when_it_is_broken() {
    let two = Two { low: Setup::new().file("run", ""), high: Setup::new() };
    assert_eq!(two.name(&two.locations().run_script(None).unwrap()), "low/run");
    let two = Two { low: Setup::new().file("run", ""), high: Setup::new().link("run", "nowhere") };
    assert_eq!(two.name(&two.locations().run_script(None).unwrap()), "high/run");
}

#[test]
fn no_run_script_names_each_place() {
    let two = Two { low: Setup::new(), high: Setup::new() };
    let missing = two.locations().run_script(Some(OsStr::new(""))).unwrap_err();
    assert_eq!(two.names(&missing.looked_at), ["high/run", "low/run"]);
    let two = Two { low: Setup::new().file("run", ""), high: Setup::new().link("run", "/dev/null") };
    assert!(two.locations().run_script(None).is_err(), "a masked one is none");
    let missing = Locations::new(None).run_script(Some(OsStr::new("/no/such/run"))).unwrap_err();
    assert_eq!(missing.to_string(), "no run script: looked at /no/such/run");
}

#[test]
fn a_named_run_script_is_absolute_whatever_the_working_directory_becomes() {
    let path = Locations::new(None).run_script(Some(OsStr::new("Cargo.toml"))).unwrap();
    assert_eq!(path, std::env::current_dir().unwrap().join("Cargo.toml"));
}

#[test]
fn the_stop_script_is_optional_and_can_be_masked() {
    let two = Two { low: Setup::new().file("stop", ""), high: Setup::new() };
    assert_eq!(two.name(&two.locations().stop_script().unwrap()), "low/stop");
    let two = Two { low: Setup::new().file("stop", ""), high: Setup::new().link("stop", "/dev/null") };
    assert_eq!(two.locations().stop_script(), None);
}

#[test]
fn the_higher_wrapper_yaml_replaces_the_lower_and_drop_ins_interleave() {
    let two = Two {
        low: Setup::yaml("run: {user: low, group: low}\n")
            .file("wrapper.d/10.yaml", "run: {workdir: /low10}\n")
            .file("wrapper.d/20.yaml", "run: {umask: 022}\n")
            .file("wrapper.d/60.yaml", "run: {workdir: /low60}\n"),
        high: Setup::yaml("run: {user: high}\n")
            .file("wrapper.d/50.yaml", "run: {workdir: /high50}\n")
            .link("wrapper.d/20.yaml", "/dev/null"),
    };
    let loaded = load(&two.locations(), std::iter::empty(), None).unwrap();
    let run = loaded.config.run;
    assert_eq!((run.user.as_deref(), run.group, run.umask), (Some("high"), None, None));
    assert_eq!(run.workdir, Some(PathBuf::from("/low60")));
    assert_eq!(
        two.names(&loaded.files),
        [
            "high/wrapper.yaml",
            "low/wrapper.d/10.yaml",
            "high/wrapper.d/20.yaml",
            "high/wrapper.d/50.yaml",
            "low/wrapper.d/60.yaml"
        ]
    );
}

#[test]
fn suites_and_their_files_merge_like_the_rest() {
    let two = Two {
        low: Setup::new()
            .file("tests/live/00-a.sh", "")
            .file("tests/image/00-a.sh", "")
            .file("tests/README", ""),
        high: Setup::new().file("tests/live/50-b.sh", "").link("tests/live/00-a.sh", "/dev/null"),
    };
    assert_eq!(two.locations().suites().unwrap(), ["image", "live"]);
    assert_eq!(two.names(&two.locations().tests(OsStr::new("live")).unwrap()), ["high/tests/live/50-b.sh"]);
}

#[test]
fn one_tree_replaces_both() {
    let setup = Setup::new().file("run", "");
    assert_eq!(setup.locations().run_script(None).unwrap(), setup.dir.path().join("run"));
    fs::remove_file(setup.dir.path().join("run")).unwrap();
    assert_eq!(setup.locations().run_script(None).unwrap_err().looked_at, [setup.dir.path().join("run")]);
}

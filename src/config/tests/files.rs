//! What can stand where a configuration file is looked for.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::Setup;
use crate::config::{Config, Warning};

#[test]
fn without_files_and_variables_everything_is_default() {
    let loaded = Setup::new().env("PATH=/bin").load().unwrap();
    assert_eq!(loaded.config, Config::default());
    assert_eq!((loaded.warnings, loaded.files), (vec![], vec![]));
}

#[test]
fn a_file_that_says_nothing_is_fine() {
    for yaml in [
        "",
        "\n\n",
        "# only a comment\n",
        "---\n",
        "null\n",
        "{}\n",
        "stop:\n# grace: 5s\n",
        "\u{feff}run: {}\n",
    ] {
        assert_eq!(Setup::yaml(yaml).config(), Config::default(), "{yaml:?}");
    }
}

#[test]
fn something_else_in_place_of_the_file_is_an_error_that_names_it() {
    let setup = Setup::new();
    fs::create_dir(setup.dir.path().join("wrapper.yaml")).unwrap();
    assert_eq!(setup.error(), "wrapper.yaml: is a directory, expected a regular file");

    let setup = Setup::new().link("wrapper.yaml", "/dev/zero");
    assert_eq!(setup.error(), "wrapper.yaml: is a device, expected a regular file");

    let setup = Setup::new();
    nix::unistd::mkfifo(&setup.dir.path().join("wrapper.yaml"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    assert_eq!(setup.error(), "wrapper.yaml: is a pipe, expected a regular file");

    let setup = Setup::new().link("wrapper.yaml", "nowhere/x.yaml");
    assert_eq!(setup.error(), "wrapper.yaml: a link to nowhere/x.yaml, which does not exist");

    let setup = Setup::new().file("wrapper.d", "");
    assert_eq!(setup.error(), format!("{}: cannot be read: Not a directory (os error 20)", "wrapper.d"));

    let setup = Setup::new().file("wrapper.yaml", vec![b'#'; (1 << 20) + 1]);
    assert_eq!(setup.error(), "wrapper.yaml: larger than 1048576 bytes: this is no configuration file");
}

#[test]
fn an_unreadable_file_is_an_error_that_says_who_must_read_it() {
    let setup = Setup::yaml("run: {}\n");
    fs::set_permissions(setup.dir.path().join("wrapper.yaml"), fs::Permissions::from_mode(0o000)).unwrap();
    // Root reads everything, unless this thread opens files as somebody else.
    let us = nix::unistd::setfsuid(nix::unistd::Uid::from_raw(65534));
    let error = setup.error();
    nix::unistd::setfsuid(us);
    let hint = "make it readable for the user that the container runs as";
    assert_eq!(error, format!("wrapper.yaml: cannot be read: Permission denied (os error 13): {hint}"));
}

#[test]
fn a_mounted_config_map_is_read_through_its_links() {
    let setup = Setup::new()
        .file("wrapper.d/..2024_01_01/50-app.yaml", "stop: {grace: 5s}\n")
        .link("wrapper.d/..data", "..2024_01_01")
        .link("wrapper.d/50-app.yaml", "..data/50-app.yaml");
    let loaded = setup.load().unwrap();
    assert_eq!(loaded.config.stop.grace, Some(std::time::Duration::from_secs(5)));
    assert_eq!((loaded.files.len(), loaded.warnings), (1, vec![]));
}

#[test]
fn drop_ins_are_yaml_files_and_others_are_told() {
    let setup = Setup::new()
        .file("wrapper.d/10-a.yaml", "run: {user: a}\n")
        .file("wrapper.d/20-b.yml", "run: {user: b}\n")
        .file("wrapper.d/30-c.yaml~", "nonsense")
        .file("wrapper.d/.40-d.yaml", "nonsense")
        .file("wrapper.d/50-e.yaml.dpkg-old", "nonsense");
    fs::create_dir(setup.dir.path().join("wrapper.d/60-f.yaml")).unwrap();
    let loaded = setup.load().unwrap();
    assert_eq!(loaded.config.run.user.as_deref(), Some("a"));
    assert_eq!(loaded.warnings, [Warning::NotADropIn { path: setup.dir.path().join("wrapper.d/20-b.yml") }]);
}

#[test]
fn the_broken_rest_is_still_a_configuration_for_maintenance() {
    let setup = Setup::yaml("maintenance: {flag_files: [/data/m]}\nstop: {grace: soon}\n")
        .file("wrapper.d/50.yaml", "run: {user: app}\n")
        .env("WRAPPER_TEST_JOBS=many");
    let (loaded, errors) = crate::config::load_tolerant(&setup.locations(), setup.variables(), None);
    assert_eq!(errors.len(), 2);
    assert_eq!(loaded.config.maintenance.flag_files, [std::path::PathBuf::from("/data/m")]);
    assert_eq!(loaded.config.run.user.as_deref(), Some("app"));
}

//! The command line and the standard locations: what runs, with what, in which order.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::running;
use crate::support::tools::programs;
use crate::support::{Init, Tree, User, matrix, proc};

/// A run script that prints its arguments.
fn printing() -> Tree {
    Tree::new().script("run", "echo run \"$@\"; exit 3")
}

#[test]
fn without_a_word_the_run_script_runs() {
    matrix(|init| {
        let done = init.tree(&printing()).raw(&[]).finish().code(3).says(&["warning", "exited with code 3"]);
        assert!(done.has("run"), "{done}");
    });
}

#[test]
fn run_passes_its_arguments_on() {
    let done =
        Init::wrapper().tree(&printing()).raw(&["run", "a b", "--help", "-v", "--", "run"]).finish().code(3);
    done.printed(&["run a b --help -v -- run"]).says(&["warning", "exited with code 3"]);
}

#[test]
fn any_other_option_belongs_to_the_run_script() {
    for options in [&["-c", "max_connections=7"][..], &["-x"], &["--verbose", "run"], &["--"], &["-h"]] {
        let done = Init::wrapper().tree(&printing()).raw(options).finish().code(3);
        done.printed(&[&format!("run {}", options.join(" "))]).says(&["warning", "exited with code 3"]);
    }
}

#[test]
fn run_args_come_before_those_of_the_command_line() {
    let tree = printing().yaml("run: {args: [-v, 'two words']}\n");
    let done = Init::wrapper().tree(&tree).raw(&["run", "last"]).finish().code(3);
    done.printed(&["run -v two words last"]);
}

#[test]
fn any_other_word_is_a_command_verbatim() {
    let done =
        Init::wrapper().tree(&printing()).raw(&["sh", "-c", "echo \"$0 $1\"; exit 4", "run", "--version"]);
    done.finish().code(4).printed(&["run --version"]).quiet();
}

/// A command of a reserved name goes through exec.
#[test]
fn exec_runs_a_command_of_a_reserved_name() {
    let tree = Tree::new().script("bin/status", "echo mine");
    let path = format!("{}:/usr/bin:/bin", tree.path("bin"));
    Init::wrapper()
        .env("PATH", &path)
        .raw(&["exec", "--", "status"])
        .finish()
        .code(0)
        .printed(&["mine"])
        .quiet();
    Init::wrapper().env("PATH", &path).raw(&["exec", "status"]).finish().code(0).printed(&["mine"]).quiet();
}

#[test]
fn commands_have_the_configuration_and_exec_has_not() {
    let tree = Tree::new().yaml("run: {env: {GREETING: hello}, umask: '027'}\nexit: {map: {5: 6}}\n");
    let script = "echo $GREETING $(umask); exit 5";
    let wrapper = || Init::wrapper().tree(&tree).launch(&["--umask", "022"]);
    wrapper().raw(&["sh", "-c", script]).finish().code(6).printed(&["hello 0027"]);
    wrapper().raw(&["exec", "--", "sh", "-c", script]).finish().code(5).printed(&["0022"]);
    wrapper().raw(&["exec", "sh", "-c", script]).finish().code(5).printed(&["0022"]);
}

#[test]
fn commands_have_no_hooks() {
    let tree = Tree::new()
        .script("init.d/10-a", "echo init")
        .script("finish.d/10-a", "echo finish")
        .script("stop", "echo stop")
        .yaml("stop: {drain_delay: 1h}\n");
    let mut running = Init::wrapper().tree(&tree).raw(&[&programs().probe, "catch"]);
    running.ready("app");
    running.signal(&["TERM"]);
    running.line("app got 15 ");
    let done = running.finish().code(0);
    assert_eq!(done.stdout.len(), 2, "{done}");
}

#[test]
fn exec_has_every_init_option() {
    let tree = Tree::new().file("secret", 0o644, "s3cret\n\n");
    let options = [
        "exec",
        "--env",
        "A=b c",
        "--env=B=1",
        "--file-env",
        "PASSWORD",
        "--user",
        "1234",
        "--group=5678",
        "--workdir",
        "/usr",
        "--umask=027",
        "--target",
        "all",
        "--session=setsid",
        "--rewrite",
        "HUP=none",
        "--stop-signals",
        "QUIT",
        "--grace=5s",
        "--leftovers",
        "1s",
        "--exit-map",
        "3=4",
        "--",
        "sh",
        "-c",
        "echo $A $B $PASSWORD $PASSWORD_FILE $(id -u):$(id -g) $(pwd) $(umask); exit 3",
    ];
    let done = Init::wrapper().env("PASSWORD_FILE", &tree.path("secret")).raw(&options).finish().code(4);
    done.printed(&["b c 1 s3cret 1234:5678 /usr 0027"]).quiet();
}

/// The options end at the first word that is none; from there on everything is the command's.
#[test]
fn exec_needs_no_double_dash() {
    let done =
        Init::wrapper().raw(&["exec", "--env", "A=1", "sh", "-c", "echo $A $0 $1", "--env", "--grace"]);
    done.finish().code(0).printed(&["1 --env --grace"]).quiet();
}

#[test]
fn init_scripts_run_in_order_before_the_app_and_like_it() {
    matrix(|init| {
        let tree = Tree::new()
            .script("init.d/20-b", "echo b $GREETING")
            .script("init.d/10-a", "echo a $GREETING")
            .script("init.d/.hidden", "echo hidden")
            .script("init.d/30-c~", "echo backup")
            .link("init.d/15-masked", "/dev/null")
            .script("run", "echo app $GREETING")
            .yaml("run: {env: {GREETING: hello}}\n");
        let done = init.tree(&tree).raw(&["run"]).finish().code(0).quiet();
        let lines: Vec<_> = done.stdout.iter().filter(|line| !line.starts_with("outer")).collect();
        assert_eq!(lines, ["a hello", "b hello", "app hello"], "{done}");
    });
}

/// A file of /etc/wrapper takes the place of the one of the same name in /usr/lib/wrapper; a link masks.
#[test]
fn two_trees_are_one() {
    let shipped = Tree::new()
        .script("wrapper/init.d/10-shipped", "echo shipped")
        .script("wrapper/init.d/20-both", "echo overridden")
        .script("wrapper/init.d/30-masked", "echo masked")
        .script("wrapper/run", "echo shipped run");
    let derived = Tree::new()
        .script("wrapper/init.d/20-both", "echo derived")
        .script("wrapper/init.d/15-between", "echo between")
        .link("wrapper/init.d/30-masked", "/dev/null")
        .script("wrapper/run", "echo derived run");
    let (lib, etc) = (format!("{}=/usr/lib", shipped.path("")), format!("{}=/etc", derived.path("")));
    let wrapper = |options: &[&str]| Init::wrapper().launch(options).raw(&["run"]).finish().code(0).quiet();
    wrapper(&["--overlay", &lib]).printed(&["shipped", "overridden", "masked", "shipped run"]);
    wrapper(&["--overlay", &lib, "--overlay", &etc]).printed(&[
        "shipped",
        "between",
        "derived",
        "derived run",
    ]);
}

#[test]
fn wrapper_run_names_another_run_script() {
    let tree = printing().script("other", "echo other; exit 5");
    Init::wrapper()
        .tree(&tree)
        .env("WRAPPER_RUN", &tree.path("other"))
        .raw(&[])
        .finish()
        .code(5)
        .printed(&["other"]);
}

#[test]
fn file_env_reads_secrets() {
    matrix(|init| {
        let tree = Tree::new()
            .file("secret", 0o644, "line one\nline two\n\n\n")
            .yaml("run: {file_env: [TOKEN, UNUSED]}\n")
            .script("init.d/10-sees", "echo \"init <$TOKEN>\"")
            .script("run", "echo \"run <$TOKEN> <$TOKEN_FILE>\"");
        let done =
            init.env("TOKEN_FILE", &tree.path("secret")).tree(&tree).raw(&["run"]).finish().code(0).quiet();
        let text = done.stdout.join("\n");
        assert!(
            text.contains("init <line one\nline two>") && text.contains("run <line one\nline two> <>"),
            "{done}"
        );
    });
}

#[test]
fn run_user_group_workdir_and_umask() {
    let tree = Tree::new()
        .yaml("run: {user: nobody, group: '4321', workdir: /usr/lib, umask: '027'}\n")
        // Scripts beside the app are run by whoever started us, with the environment of the app.
        .script("init.d/10-who", "echo init $(id -u) $USER")
        .script("run", "echo $(id -u):$(id -g) $(pwd) $(umask) $USER $HOME");
    let passwd = fs::read_to_string("/etc/passwd").expect("/etc/passwd");
    let nobody = passwd.lines().find(|line| line.starts_with("nobody:")).expect("nobody");
    let fields: Vec<_> = nobody.split(':').collect();
    let expected = format!("{}:4321 /usr/lib 0027 nobody {}", fields[2], fields[5]);
    Init::wrapper().tree(&tree).raw(&[]).finish().code(0).printed(&["init 0 nobody", &expected]).quiet();
}

/// Who starts us has groups of his own: none of them may stay with the app.
#[test]
fn the_supplementary_groups_of_who_starts_us_are_dropped() {
    let wrapper = &programs().wrapper;
    let argv = [
        "setpriv", "--groups", "4242", wrapper, "exec", "--user", "1234567", "--group", "1234", "--", "id",
        "-G",
    ];
    running::run(&argv.map(str::to_owned)).code(0).printed(&["1234"]);
}

#[test]
fn config_check_finds_what_a_start_would_stumble_over() {
    for (yaml, word) in [
        ("run: {user: nobody-of-this-name}\n", "nobody-of-this-name"),
        ("run: {file_env: [X]}\n", "/no/such"),
    ] {
        let tree = Tree::new().yaml(yaml).script("run", "exit 0");
        let init = Init::wrapper().tree(&tree).env("X_FILE", "/no/such");
        let done = init.raw(&["config", "check"]).finish().code(78);
        assert!(done.stdout.join("\n").contains(word), "{done}");
    }
}

/// Somebody else than root cannot become another user: the app runs as it is, and a warning says so.
#[test]
fn run_user_without_root_is_skipped_with_a_warning() {
    let tree = Tree::new().yaml("run: {user: nobody}\n").script("run", "id -u");
    let user = User::random();
    let User::Uid(uid) = user else { unreachable!() };
    let done =
        Init::wrapper().user(user).tree(&tree).raw(&[]).finish().code(0).says(&["not root", "run.user"]);
    done.printed(&[&uid.to_string()]);
}

#[test]
fn a_run_script_of_another_language() {
    let tree = Tree::new().file("run", 0o755, "#!/usr/bin/awk -f\nBEGIN { print \"awk\"; exit 6 }\n");
    Init::wrapper()
        .tree(&tree)
        .raw(&[])
        .finish()
        .code(6)
        .printed(&["awk"])
        .says(&["warning", "exited with code 6"]);
}

#[test]
fn a_second_run_inside_the_container_is_refused() {
    matrix(|init| {
        let tree = Tree::new().app("catch");
        let mut running = init.tree(&tree).raw(&["run"]);
        running.ready("app");
        for arguments in [&[][..], &["run"], &["run", "x"], &["-x"], &["maintenance"]] {
            let mut argv = vec![programs().wrapper.as_str()];
            argv.extend(arguments);
            running.enter(&argv).code(2).printed(&[]).says(&["Did you mean"]);
        }
        // Anything else is just a command.
        running.enter(&[&programs().wrapper, "sh", "-c", "exit 9"]).code(9);
        running.signal(&["TERM"]);
        let done = running.finish().code(0);
        let shown = done.stdout.iter().filter(|line| line.starts_with("app")).count();
        assert_eq!(shown, 2, "{done}");
    });
}

#[test]
fn help_and_version() {
    for arguments in
        [&["--help"][..], &["help"], &["help", "exec"], &["exec", "--help"], &["status", "--help"]]
    {
        let done = Init::wrapper().raw(arguments).finish().code(0).quiet();
        assert!(done.stdout.iter().any(|line| line.starts_with("Usage")), "{done}");
    }
    let version = format!("wrapper {}", env!("CARGO_PKG_VERSION"));
    Init::wrapper().raw(&["--version"]).finish().code(0).printed(&[&version]).quiet();
}

#[test]
fn the_binary_is_static_and_needs_nothing() {
    let program = fs::read(&programs().wrapper).expect("read the wrapper");
    let mode = fs::metadata(&programs().wrapper).expect("metadata").permissions().mode();
    assert_eq!(mode & 0o111, 0o111);
    // PT_INTERP among the program headers would name a loader.
    let number = |at: usize, size: usize| {
        program[at..at + size].iter().rev().fold(0usize, |n, byte| n << 8 | usize::from(*byte))
    };
    let (table, size, count) = (number(32, 8), number(54, 2), number(56, 2));
    let kinds: Vec<_> = (0..count).map(|n| number(table + n * size, 4)).collect();
    assert!(!kinds.is_empty() && !kinds.contains(&3), "an interpreter among {kinds:?}");
}

/// Logs go to stderr alone, in the format that is asked for; by default an init that has nothing to warn of is silent.
#[test]
fn logs_go_to_stderr() {
    let wrapper = |level: &str, format: &str| {
        let init = Init::wrapper().env("WRAPPER_LOG", level).env("WRAPPER_LOG_FORMAT", format);
        init.raw(&["echo", "app"]).finish().code(0).printed(&["app"])
    };
    wrapper("", "").quiet();
    wrapper("off", "").quiet();
    assert!(!wrapper("trace", "text").stderr.is_empty());
    let json = wrapper("trace", "json");
    assert!(!json.stderr.is_empty());
    for line in &json.stderr {
        let value: serde_yaml::Value = serde_yaml::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"));
        assert!(value.get("level").is_some(), "{line}");
    }
    let off = Init::wrapper().env("WRAPPER_LOG", "off").start(&["no-such-command"]).finish().code(127);
    off.quiet();
}

/// The words of a command are bytes, and stay them.
#[test]
fn arguments_of_any_bytes() {
    let script = "exec \"$W\" exec -- sh -c 'printf %s \"$1\" | od -An -tx1' sh \"$(printf '\\377\\001 ')\"";
    let done = Init::wrapper().env("W", &programs().wrapper).raw(&["sh", "-c", script]).finish().code(0);
    done.printed(&[" ff 01 20"]);
}

#[test]
fn config_prints_what_holds_and_config_check_all_that_is_wrong() {
    let tree = Tree::new().yaml("stop: {grace: 25s}\n");
    let wrapper = |tree: &Tree, arguments: &[&str]| {
        Init::wrapper().env("WRAPPER_STOP_LEFTOVERS", "7s").tree(tree).raw(arguments).finish()
    };
    let text = wrapper(&tree, &["config"]).code(0).quiet().stdout.join("\n");
    for part in ["grace: 25s", "wrapper.yaml", "leftovers: 7s", "WRAPPER_STOP_LEFTOVERS"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    wrapper(&tree, &["config", "check"]).code(0);
    let broken = Tree::new().yaml("stop:\n  grce: 25s\n").file(
        "wrapper.d/10-more.yaml",
        0o644,
        "exit: {map: {x: 1}}\n",
    );
    wrapper(&broken, &["config"]).code(78);
    let done = wrapper(&broken, &["config", "check"]).code(78);
    let text = done.stdout.join("\n");
    assert!(text.contains("stop.grce") && text.contains("10-more.yaml:1:"), "{done}");
}

/// A program that opens `/dev/stdout`, as nginx and many loggers do, can do so as `run.user` too.
#[test]
fn the_stdio_of_another_user_can_be_opened() {
    let script = "echo out >/dev/stdout; echo error >/dev/stderr; cat /dev/stdin";
    let done = Init::wrapper().raw(&["exec", "--user", "4321", "sh", "-c", script]).finish().code(0);
    assert_eq!(
        (done.stdout.as_slice(), done.stderr.as_slice()),
        (&["out".to_owned()][..], &["error".to_owned()][..])
    );
}

/// PID 1 keeps no volume busy with its own working directory; what it starts later begins where the wrapper was started.
#[test]
fn pid_1_works_in_the_root_directory_once_the_app_has_started() {
    let place = tempfile::tempdir().expect("a directory");
    let path = fs::canonicalize(place.path()).expect("its name");
    let here = path.to_str().expect("UTF-8");
    fs::write(path.join("secret"), "one").expect("write");
    fs::create_dir(path.join("below")).expect("mkdir");
    let tree = Tree::new()
        .yaml("run: {file_env: [PIN]}\n")
        .script("init.d/10-a", "echo init in $PWD")
        .script("finish.d/10-a", "echo finish in $PWD")
        .script("run", "echo app in $PWD with $PIN; trap 'exit 0' TERM; echo ready; sleep 1000 & wait");
    let init = Init::wrapper().tree(&tree).env("PIN_FILE", "secret");
    let mut running = init.raw_with(&["run"], |command| {
        command.current_dir(&path);
    });
    running.line(&format!("init in {here}"));
    running.line(&format!("app in {here} with one"));
    running.line("ready");
    let pid_1 = running.init_pid();
    let works_in = || fs::read_link(format!("/proc/{pid_1}/cwd")).expect("its directory");
    assert_eq!(works_in().to_str(), Some("/"));
    fs::write(path.join("secret"), "two").expect("write");
    running.enter(&[programs().wrapper.as_str(), "restart"]).code(0);
    running.line(&format!("init in {here}"));
    running.line(&format!("app in {here} with two"));
    running.line("ready");
    assert_eq!(works_in().to_str(), Some("/"));
    running.signal(&["TERM"]);
    running.line(&format!("finish in {here}"));
    running.finish().code(0);
    // A command, a relative directory below, and a diagnosis that looks there.
    let exec = |words: &[&str]| {
        let init = Init::wrapper();
        init.raw_with(words, |command| {
            command.current_dir(&path);
        })
        .finish()
    };
    exec(&["exec", "--workdir", "below", "pwd"]).code(0).printed(&[&format!("{here}/below")]);
    exec(&["exec", "./secret"]).code(126).says(&["secret", "not executable"]);
    exec(&["exec", "--workdir", "below", "../secret"]).code(126).says(&["secret", "not executable"]);
}

/// In maintenance too, where somebody works on the volume.
#[test]
fn pid_1_works_in_the_root_directory_in_maintenance() {
    let place = tempfile::tempdir().expect("a directory");
    let tree = Tree::new().script("run", "echo app");
    let mut running = Init::wrapper().tree(&tree).raw_with(&["maintenance"], |command| {
        command.current_dir(place.path());
    });
    running.error("maintenance");
    let pid_1 = running.init_pid();
    proc::until("PID 1 in /", || {
        fs::read_link(format!("/proc/{pid_1}/cwd")).is_ok_and(|path| path == std::path::Path::new("/"))
    });
}

//! Configuration: cli, file, env, resolve → one immutable `Config`.

#!/bin/sh
# What is typed for the official image, said in the wrapper's words: `postgres OPTIONS` starts the standard run script.
# Becomes the wrapper, which is PID 1.
if [ "${1:-}" = postgres ]; then
    case ${2:-} in
        # These only print something: no database is created for them.
        '-?' | --help | -V | --version | --describe-config) ;;
        *) shift && set -- run "$@" ;;
    esac
fi
exec /usr/bin/wrapper "$@"
